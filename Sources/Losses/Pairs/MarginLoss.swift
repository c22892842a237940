import Autodiff
import Geometry
import Settings

/// Positives within a boundary, negatives beyond it, by a margin; the boundary may be learned.
///
/// With d the distance and β the boundary, over all triplets (a, p, n):
///
///     Σ ([d_ap - β + m]₊ + [β - d_an + m]₊ + ν β_learned) / number of hinges above 0
///
/// A single learned β has the term ν β once, apart from the mean. With `learnBeta` β is a parameter
/// that starts at `beta`, one for all or (`betaPerClass`) one for each class; else ν has no effect.
/// With a similarity the differences change sign. The triplets are never listed: a pair counts as
/// often as it occurs in one.
///
/// Defaults: m = 0.2, ν = 0, β = 1.2, Euclidean distance of normalised embeddings. One class, or
/// distinct classes, give 0, without ν β too. O(batch²).
/// - Reference: Wu et al., *Sampling Matters in Deep Embedding Learning* (ICCV 2017).
public struct MarginLoss: Loss, Measuring {
  public var margin, nu, beta: Double
  public var learnBeta = false
  public var betaPerClass = false
  public var distance: Distance
  /// The learned boundary, or one for each class; empty if it is not learned.
  public var boundaries = Tensor([Float](), shape: [0])

  public init(
    margin: Double, nu: Double = 0, beta: Double = 1.2, distance: Distance = .euclidean
  ) {
    (self.margin, self.nu, self.beta, self.distance) = (margin, nu, beta, distance)
  }
  public init() { self.init(margin: 0.2) }

  public static let summary = "positives within a boundary, negatives beyond it; it may be learned"
  public static let source =
    "Wu et al., Sampling Matters in Deep Embedding Learning, ICCV 2017"
  public static var settings: [Setting<Self>] {
    [
      Setting("margin", \Self.margin, "how far pairs should be from the boundary"),
      Setting("nu", \Self.nu, "how much a large learned boundary costs", in: 0...1e6),
      Setting("beta", \Self.beta, "the boundary, or where it starts"),
      Setting("learnBeta", \Self.learnBeta, "whether the boundary is learned"),
      Setting("betaPerClass", \Self.betaPerClass, "whether each class learns its own boundary"),
    ] + distanceSettings
  }

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    guard learnBeta else { return }
    boundaries = Tensor(repeating: beta, shape: [betaPerClass ? classCount : 1], dtype: dtype)
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    if learnBeta { try body("beta", &boundaries) }
  }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    try input.validate(at: place)
    guard learnBeta else { return }
    let count = betaPerClass ? input.labels.classCount : 1
    guard boundaries.count >= count, boundaries.dtype == input.embeddings.dtype,
      !betaPerClass || input.labels.allSatisfy({ $0 >= 0 })
    else {
      throw Failure(
        .badData, at: place, "there are \(boundaries.count) boundaries of \(boundaries.dtype)",
        expected: "\(count) of \(input.embeddings.dtype), and labels from 0")
    }
  }

  public var labelUse: LabelUse { .pairs }
  public var ownReduction: Reduction? { .divisor }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let pairs = input.pairs
    let matrix = distance.matrix(input.embeddings, input.reference?.embeddings)
    var triplets: [[Triplet]]?
    if case .triplets(let listed) = input.tuples {
      triplets = Array(repeating: [], count: input.labels.count)
      for triplet in listed { triplets?[triplet.anchor].append(triplet) }
    }
    let own =
      learnBeta
      ? boundaries.gathered(at: betaPerClass ? input.labels : input.labels.map { _ in 0 })
      : Tensor(repeating: beta, shape: [input.labels.count], dtype: matrix.dtype)
    var output = matrix.appendingColumn(own).reduced(
      by: BoundaryRows(
        margin: margin, sign: distance.sign, cost: learnBeta && betaPerClass ? nu : 0,
        triplets: triplets),
      pairs: pairs.withIgnoredColumns(1), reducer: input.rowReducer)
    if learnBeta, !betaPerClass, nu > 0, pairs.hasTriplets {
      output.value = output.value + boundaries.sum().scaled(by: nu)
    }
    return output
  }
}

/// What one anchor adds; the last value of its row is its boundary.
private struct BoundaryRows: RowFunction {
  let margin, sign: Double
  /// What a triplet adds for the boundary of its anchor.
  let cost: Double
  /// The triplets of each anchor, where a pair's kind is how many of them it is in; nil where its
  /// pairs are joined.
  let triplets: [[Triplet]]?
  var reduction: Reduction { .divisor }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let last = row.values.count - 1
    let (boundary, margin, sign) = (row.values[last], S(margin), S(sign))
    guard let (values, kinds, derivatives) = row.start else { return }
    guard !sums.terms.isSelective else { return choose(row, into: &sums.terms) }
    let found = row.kernels.hinges(
      derivatives, values, kinds: kinds,
      bounds: Sides(positive: boundary - sign * margin, negative: boundary + sign * margin),
      sign: sign, last)
    let (positives, negatives) = (found.positive.count, found.negative.count)
    let isListed = triplets != nil
    let triplets = isListed ? positives : positives * negatives
    let times =
      isListed ? Sides(positive: 1, negative: 1) : Sides(positive: negatives, negative: positives)
    row.scaleDerivatives(
      by: triplets > 0
        ? Sides(positive: S(times.positive), negative: S(times.negative))
        : Sides(positive: 0, negative: 0))
    guard triplets > 0 else { return }
    let active = Sides(
      positive: found.positive.activeCount * times.positive,
      negative: found.negative.activeCount * times.negative)
    let total =
      found.positive.total * Double(times.positive) + found.negative.total * Double(times.negative)
    sums.terms.add(total: total, count: triplets, activeCount: active.positive + active.negative)
    // A triplet has two hinges.
    sums.terms.skip(times: triplets)
    sums.terms.divisor = (sums.terms.divisor ?? 0) + Double(active.positive + active.negative)
    let slope = sign * S(active.negative - active.positive)
    sums.terms.add(
      total: cost * Double(boundary) * Double(triplets), count: 0, activeCount: 0)
    row.derivatives[last] = slope + S(cost) * S(triplets)
  }

  /// The same, triplet by triplet, for reducers that do not count them all.
  private func choose<S: Scalar>(_ row: LossRow<S>, into terms: inout TermSum) {
    let last = row.values.count - 1
    let (boundary, margin, sign) = (row.values[last], S(margin), S(sign))
    func add(_ p: Int, _ n: Int, times: Int) {
      let positive = max(0, sign * (row.values[p] - boundary) + margin)
      let negative = max(0, sign * (boundary - row.values[n]) + margin)
      let term = Double(positive) + Double(negative) + cost * Double(boundary)
      guard terms.add(term, times: times) else { return }
      let slope = sign * S(times)
      if positive > 0 {
        row.derivatives[p] += slope
        row.derivatives[last] -= slope
      }
      if negative > 0 {
        row.derivatives[n] -= slope
        row.derivatives[last] += slope
      }
      row.derivatives[last] += S(cost) * S(times)
    }
    if let triplets {
      for triplet in triplets[row.index] { add(triplet.positive, triplet.negative, times: 1) }
      return
    }
    for p in 0..<last where row.kinds[p] > 0 {
      for n in 0..<last where row.kinds[n] < 0 {
        add(p, n, times: Int(row.kinds[p] * -row.kinds[n]))
      }
    }
  }
}
