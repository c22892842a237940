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

  /// log Σ exp(exponent) over the pairs of one side, each once; nil if there are none.
  ///
  /// Writes the derivative in each exponent and leaves the other elements.
  @inline(__always)
  func logSumExp(over side: PairSide, _ exponent: (Int) -> S) -> S? {
    var peak = -S.infinity
    for j in indices where isOn(side, j) {
      derivatives[j] = exponent(j)
      peak = max(peak, derivatives[j])
    }
    guard peak > -S.infinity else { return nil }
    var sum: S = 0
    for j in indices where isOn(side, j) {
      derivatives[j] = S.exp(derivatives[j] - peak)
      sum += derivatives[j]
    }
    for j in indices where isOn(side, j) { derivatives[j] /= sum }
    return peak + S.log(sum)
  }

  /// Adds, for each positive pair, log(1 + Σ exp(negative exponent) / exp(positive exponent)), a
  /// pair as often as it occurs.
  ///
  /// The sum over the negatives is shared by the positives, so a row costs O(row).
  ///
  /// - Parameters:
  ///   - negative: a negative's exponent for its value; `slope` is its derivative.
  ///   - positive: a positive's exponent for its value, and the derivative of that.
  @inline(__always)
  func addPositivesAgainstNegatives(
    to terms: inout TermSum, slope: S, negative: (S) -> S, positive: (S) -> (value: S, slope: S)
  ) {
    var peak = -S.infinity
    for j in indices where kinds[j] < 0 {
      derivatives[j] = negative(values[j])
      peak = max(peak, derivatives[j])
    }
    var sum: S = 0
    for j in indices where kinds[j] < 0 {
      derivatives[j] = S.exp(derivatives[j] - peak) * S(-kinds[j])
      sum += derivatives[j]
    }
    let isOneSided = peak == -S.infinity
    let total = isOneSided ? 0 : peak + S.log(sum)
    var share: S = 0
    for j in indices where kinds[j] > 0 {
      let times = Int(kinds[j])
      guard !isOneSided else {
        terms.add(0, times: times)
        continue
      }
      let exponent = positive(values[j])
      let (cost, slope) = softplus(total - exponent.value)
      terms.add(Double(cost), times: times)
      derivatives[j] = -slope * exponent.slope * S(times)
      share += slope * S(times)
    }
    for j in indices where kinds[j] < 0 { derivatives[j] *= share * slope / sum }
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

/// log(1 + exp(x)) and its derivative.
@inline(__always)
func softplus<S: Scalar>(_ x: S) -> (value: S, slope: S) {
  let tail = S.exp(-abs(x))
  return (max(x, 0) + S.logOnePlus(tail), (x >= 0 ? 1 : tail) / (1 + tail))
}
