import Autodiff

/// What log-sum-exp leaves out of a row.
enum PairSide { case positive, negative }

extension LossRow {
  @inline(__always)
  func isOn(_ side: PairSide, _ j: Int) -> Bool {
    side == .positive ? kinds[j] > 0 : kinds[j] < 0
  }

  /// log(1 + Σ exp(exponent)) over the pairs of one side, each once; 0 if there are none.
  ///
  /// Writes the derivative in each exponent, exp(exponent) / (1 + Σ exp), and leaves the other
  /// elements. The largest exponent is taken out first, so nothing overflows.
  @inline(__always)
  func logOnePlusSumExp(over side: PairSide, _ exponent: (Int) -> S) -> S {
    var peak: S = 0
    var isEmpty = true
    for j in indices where isOn(side, j) {
      derivatives[j] = exponent(j)
      peak = max(peak, derivatives[j])
      isEmpty = false
    }
    guard !isEmpty else { return 0 }
    var sum: S = 0
    for j in indices where isOn(side, j) {
      derivatives[j] = S.exp(derivatives[j] - peak)
      sum += derivatives[j]
    }
    let total = sum + S.exp(-peak)
    for j in indices where isOn(side, j) { derivatives[j] /= total }
    return peak == 0 ? S.logOnePlus(sum) : peak + S.log(total)
  }

  /// -log of the share that one element has in the softmax of the derivatives.
  ///
  /// The derivatives hold the logits; they become the derivative in each logit.
  @inline(__always)
  func crossEntropy(target: Int) -> S {
    var peak = derivatives[target]
    for j in indices { peak = max(peak, derivatives[j]) }
    let logit = derivatives[target] - peak
    var sum: S = 0
    for j in indices {
      derivatives[j] = S.exp(derivatives[j] - peak)
      sum += derivatives[j]
    }
    for j in indices { derivatives[j] /= sum }
    derivatives[target] -= 1
    return S.log(sum) - logit
  }

  /// -log of the share that the positives have in the softmax of `scale` × value over the pairs
  /// that are not ignored; nil if there are no positives.
  @inline(__always)
  func softmaxCost(scale: S) -> S? {
    var (peak, positivePeak) = (-S.infinity, -S.infinity)
    for j in indices where kinds[j] != 0 {
      derivatives[j] = scale * values[j]
      peak = max(peak, derivatives[j])
      if kinds[j] > 0 { positivePeak = max(positivePeak, derivatives[j]) }
    }
    guard positivePeak > -S.infinity else {
      derivatives.update(repeating: 0)
      return nil
    }
    var (sum, positiveSum): (S, S) = (0, 0)
    for j in indices where kinds[j] != 0 {
      sum += S.exp(derivatives[j] - peak)
      if kinds[j] > 0 { positiveSum += S.exp(derivatives[j] - positivePeak) }
    }
    for j in indices where kinds[j] != 0 {
      let exponent = derivatives[j]
      derivatives[j] = scale * S.exp(exponent - peak) / sum
      if kinds[j] > 0 { derivatives[j] -= scale * S.exp(exponent - positivePeak) / positiveSum }
    }
    return (peak - positivePeak) + S.log(sum) - S.log(positiveSum)
  }

  /// Multiplies every derivative with the row's weight and returns the weighted cost.
  @inline(__always)
  func weighted(_ cost: S) -> Double {
    guard weight != 1 else { return Double(cost) }
    for j in indices { derivatives[j] *= weight }
    return Double(cost * weight)
  }
}
