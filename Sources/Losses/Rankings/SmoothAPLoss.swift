import Autodiff
import Geometry
import Settings

/// Average precision with soft ranks.
///
/// With s the cosine, C a row and its positives, and i in C, the ranks of i among C and among the
/// whole batch are 1 + Σ_{k ≠ i} σ((s_k - s_i) / τ). The mean over the rows that have a positive of
///
///     1 - 1/|C| Σ_C rank in C / rank in the batch
///
/// Tuples weight the rows. Classes may differ in size and rows may come in any order. With `parity`,
/// as in pytorch-metric-learning, C is the k-th c rows for a row among them, with c the number of
/// classes, and a C of one row has a term: the same only where the batch is sorted and has as many
/// classes as rows of each.
///
/// Defaults: τ = 0.01, parity false. O(batch² × positives) time, O(batch²) memory. Distinct classes
/// give 0.
/// - Reference: Brown et al., *Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval*
///   (ECCV 2020).
public struct SmoothAPLoss: Loss {
  public var temperature: Double
  public var parity: Bool

  public init(temperature: Double, parity: Bool = false) {
    (self.temperature, self.parity) = (temperature, parity)
  }
  public init() { self.init(temperature: 0.01) }

  public static let summary = "average precision with soft ranks"
  public static let source =
    "Brown et al., Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval, ECCV 2020"
  public static let settings = [
    Setting("temperature", \Self.temperature, "the softness τ of the ranks", in: 1e-4...1e2),
    Setting("parity", \Self.parity, "whether to be as pytorch-metric-learning is"),
  ]
  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }

  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    var grouped = input
    if parity {
      let size = max(1, Set(input.labels).count)
      grouped.likeness = nil
      grouped.labels = input.labels.indices.map { $0 / size }
      grouped.reference?.labels = (input.reference?.labels ?? []).indices.map { $0 / size }
    }
    return input.distances(.cosine).reduced(
      by: SoftRankRows(temperature: temperature, places: input.places, countsAlone: parity),
      pairs: grouped.allPairs,
      weights: input.rowWeights, reducer: input.rowReducer)
  }
}

private struct SoftRankRows: RowFunction {
  let temperature: Double
  let places: [Int?]
  /// Whether a row without positives has a term.
  let countsAlone: Bool

  static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let itself = countsAlone ? places[row.index].map { [$0] } : nil
    guard let members = row.positivesAndItself(at: places[row.index]) ?? itself,
      let (values, kinds, derivatives) = row.start
    else { return }
    let scale = S(1 / temperature)
    let share = 1 / S(members.count)
    let precision = withUnsafeTemporaryAllocation(of: S.self, capacity: row.values.count) {
      guard let chances = $0.baseAddress else { return S.zero }
      var precision: S = 0
      for i in members {
        var positiveRank: S = 1
        for k in members where k != i { positiveRank += logistic((values[k] - values[i]) * scale) }
        let rank =
          positiveRank
          + row.kernels.softRank(
            chances, values, kinds: kinds, centre: values[i], scale: scale, row.values.count)
        precision += share * positiveRank / rank
        // The derivatives of -share × positiveRank / rank in the two ranks.
        let slope = share * scale * positiveRank / (rank * rank)
        let positiveSlope = slope - share * scale / rank
        for k in members where k != i {
          let chance = logistic((values[k] - values[i]) * scale)
          derivatives[k] += positiveSlope * chance * (1 - chance)
          derivatives[i] -= positiveSlope * chance * (1 - chance)
        }
        derivatives[i] -= row.kernels.addSoftRankGradient(
          derivatives, rank: chances, slope: slope, row.values.count)
      }
      return precision
    }
    sums.terms.add(row.weighted(max(0, 1 - precision)))
  }
}
