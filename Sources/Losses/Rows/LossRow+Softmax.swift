import Autodiff

extension LossRow {
  @inline(__always)
  var start:
    (
      values: UnsafePointer<S>, kinds: UnsafePointer<Int32>, derivatives: UnsafeMutablePointer<S>
    )?
  {
    guard let values = values.baseAddress, let kinds = kinds.baseAddress,
      let derivatives = derivatives.baseAddress
    else { return nil }
    return (values, kinds, derivatives)
  }

  /// The positives and then the row's own place, if it has one; nil without positives.
  func positivesAndItself(at place: Int?) -> [Int]? {
    let positives = indices.filter { kinds[$0] > 0 }
    return positives.isEmpty ? nil : positives + (place.map { [$0] } ?? [])
  }

  /// The first positive pair; nil if there is none.
  @inline(__always)
  var firstPositive: Int? {
    guard let (_, kinds, _) = start else { return nil }
    let place = kernels.nextPositive(kinds, from: 0, values.count)
    return place < values.count ? place : nil
  }

  /// The derivatives = factor · value.
  @inline(__always)
  func scaleValues(by factor: S) {
    guard let (values, _, derivatives) = start else { return }
    kernels.scale(derivatives, values, by: factor, self.values.count)
  }

  /// Calls `body` with each positive pair.
  @inline(__always)
  func forEachPositive(_ body: (Int) -> Void) {
    guard let (_, kinds, _) = start else { return }
    var j = kernels.nextPositive(kinds, from: 0, values.count)
    while j < values.count {
      body(j)
      j = kernels.nextPositive(kinds, from: j + 1, values.count)
    }
  }

  /// The derivatives = factor (value - base) with the numbers of the pair's side; 0 for no pair.
  @inline(__always)
  func scale(by factors: Sides<S>, from bases: Sides<S> = Sides(positive: 0, negative: 0)) {
    guard let (values, kinds, derivatives) = start else { return }
    kernels.scaleSides(
      derivatives, values, kinds: kinds, factors: factors,
      offsets: Sides(
        positive: -factors.positive * bases.positive, negative: -factors.negative * bases.negative),
      self.values.count)
  }

  /// The derivatives times a factor for each side.
  @inline(__always)
  func scaleDerivatives(by factors: Sides<S>) {
    guard let (_, kinds, derivatives) = start else { return }
    kernels.scaleSides(derivatives, derivatives, kinds: kinds, factors: factors, values.count)
  }

  /// log(1 + Σ exp) of each side, each pair once; 0 for a side without pairs.
  ///
  /// The derivatives hold the exponents; they become the derivative in each, times `factors`.
  @inline(__always)
  func logOnePlusSumExp(timesFactors factors: Sides<S>) -> Sides<S> {
    guard let (_, kinds, derivatives) = start else { return Sides(positive: 0, negative: 0) }
    var peaks = kernels.sideMaxima(derivatives, kinds: kinds, values.count)
    peaks = Sides(positive: max(0, peaks.positive), negative: max(0, peaks.negative))
    let sums = kernels.sideExp(derivatives, derivatives, kinds: kinds, peaks: peaks, values.count)
    let totals = Sides(
      positive: sums.positive + S.exp(-peaks.positive),
      negative: sums.negative + S.exp(-peaks.negative))
    scaleDerivatives(
      by: Sides(
        positive: factors.positive / totals.positive,
        negative: factors.negative / totals.negative))
    return Sides(
      positive: peaks.positive == 0
        ? S.logOnePlus(sums.positive) : peaks.positive + S.log(totals.positive),
      negative: peaks.negative == 0
        ? S.logOnePlus(sums.negative) : peaks.negative + S.log(totals.negative))
  }

  /// log Σ exp of each side, each pair once; nil for a side without pairs.
  ///
  /// The derivatives hold the exponents; they become the derivative in each.
  @inline(__always)
  func logSumExp() -> Sides<S?> {
    guard let (_, kinds, derivatives) = start else { return Sides(positive: nil, negative: nil) }
    let peaks = kernels.sideMaxima(derivatives, kinds: kinds, values.count)
    let sums = kernels.sideExp(derivatives, derivatives, kinds: kinds, peaks: peaks, values.count)
    scaleDerivatives(by: Sides(positive: 1 / sums.positive, negative: 1 / sums.negative))
    return Sides(
      positive: peaks.positive > -S.infinity ? peaks.positive + S.log(sums.positive) : nil,
      negative: peaks.negative > -S.infinity ? peaks.negative + S.log(sums.negative) : nil)
  }

  /// Adds, for each positive pair, log(1 + Σ exp(negative exponent) / exp(positive exponent)), a
  /// pair as often as it occurs.
  ///
  /// The sum over the negatives is shared by the positives, so a row costs O(row).
  ///
  /// - Parameters:
  ///   - slope, base: a negative's exponent is slope (value - base).
  ///   - positive: a positive's exponent for its value, and the derivative of that.
  @inline(__always)
  func addPositivesAgainstNegatives(
    to terms: inout TermSum, slope: S, base: S = 0, positive: (S) -> (value: S, slope: S)
  ) {
    guard let (_, kinds, derivatives) = start else { return }
    scale(by: Sides(positive: slope, negative: slope), from: Sides(positive: base, negative: base))
    let peak = kernels.sideMaxima(derivatives, kinds: kinds, values.count).negative
    let isOneSided = peak == -S.infinity
    var sum: S = 0
    if !isOneSided {
      sum =
        kernels.sideExp(
          derivatives, derivatives, kinds: kinds,
          peaks: Sides(positive: S.infinity, negative: peak), counting: true, values.count
        ).negative
    }
    let total = isOneSided ? 0 : peak + S.log(sum)
    var share: S = 0
    var added = TermSum(within: terms.bounds)
    forEachPositive { j in
      let times = Int(kinds[j])
      guard !isOneSided else {
        derivatives[j] = 0
        added.add(0, times: times)
        return
      }
      let exponent = positive(values[j])
      let (cost, slope) = softplus(total - exponent.value)
      guard added.add(Double(cost), times: times) else {
        derivatives[j] = 0
        return
      }
      derivatives[j] = -slope * exponent.slope * S(times)
      share += slope * S(times)
    }
    terms.add(added)
    if !isOneSided {
      scaleDerivatives(by: Sides(positive: 1, negative: share * slope / sum))
    }
  }

  /// -log of the share that one element has in the softmax of the derivatives.
  ///
  /// The derivatives hold the logits; they become the derivative in each logit, times `slope`.
  @inline(__always)
  func crossEntropy(target: Int, timesSlope slope: S = 1) -> S {
    guard let start = derivatives.baseAddress else { return 0 }
    let peak = kernels.maximum(start, values.count)
    let logit = derivatives[target] - peak
    let sum = kernels.expSum(start, start, peak: peak, values.count)
    kernels.scale(start, start, by: slope / sum, values.count)
    derivatives[target] -= slope
    return S.log(sum) - logit
  }

  /// -log of the share that the positives have in the softmax of `scale` × value over the pairs
  /// that are not ignored; nil if there are no positives.
  @inline(__always)
  func softmaxCost(scale: S) -> S? {
    guard let (values, kinds, derivatives) = start else { return nil }
    let peaks = kernels.sideMaxima(values, kinds: kinds, slope: scale, self.values.count)
    guard peaks.positive > -S.infinity else { return nil }
    let sums = kernels.sideExp(
      derivatives, values, kinds: kinds, slope: scale, peaks: peaks, self.values.count)
    // What each side has of the sum over both, whose largest exponent is `peak`.
    let peak = max(peaks.positive, peaks.negative)
    let (positive, negative) = (S.exp(peaks.positive - peak), S.exp(peaks.negative - peak))
    let sum = sums.positive * positive + sums.negative * negative
    // The share of a positive in both sides less its share in its own.
    let positiveFactor = -sums.negative * negative / (sum * sums.positive)
    scaleDerivatives(
      by: Sides(positive: scale * positiveFactor, negative: scale * negative / sum))
    return (peak - peaks.positive) + S.log(sum) - S.log(sums.positive)
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
