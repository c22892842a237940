import Autodiff
import Geometry
import Settings

/// Triplets weighted by how rare so large a violation is, by a running histogram; no margin.
///
/// With d the Euclidean distance of normalised embeddings, x = d(a, p) - d(a, n) of every triplet,
/// and H the running histogram of x over equal bins from `minimum` to -`minimum`, to which each
/// step adds its own (a triplet shared linearly between its bin and the next):
///
///     H ← ((1 - m) H + m Σ_t bins of x_t) / sum, m = 1 in the first step
///     mean_t CDF(bin of x_t) x_t, with CDF the running sum of H
///
/// The gradient flows through the histogram too. The loss can be negative. H is state: it is moved
/// after a step, and kept in checkpoints; pytorch-metric-learning keeps it with its history, so that
/// its second step fails. What lies outside the bins counts to the first or the last of them, where
/// that library stops with an error. Without triplets the loss is 0 and H stays. Triplets are never
/// listed: O(batch² × positives) time, O(batch² + bins) memory. Collapsed embeddings give 0 and no
/// gradient.
///
/// Defaults: minimum -2, 10 bins, m = 0.01.
/// - Reference: Zhang and Rusinkiewicz, *Learning Local Descriptors With a CDF-Based Dynamic Soft
///   Margin* (ICCV 2019).
public struct DynamicSoftMarginLoss: Loss {
  public var minimum = -2.0
  public var bins = 10
  public var momentum = 0.01
  /// The share of each bin; [bins], zeros before the first step.
  private var histogram = Tensor(zeros: [0], dtype: .float64)

  public init() {}

  public static let summary = "triplets weighted by how rare their violation is; no margin"
  public static let source =
    "Zhang and Rusinkiewicz, Learning Local Descriptors With a CDF-Based Dynamic Soft Margin, "
    + "ICCV 2019"
  public static let settings = [
    Setting("minimum", \Self.minimum, "where the first bin starts", in: -1e6...(-1e-6)),
    Setting("bins", \Self.bins, "how many bins there are", in: 1...100_000),
    Setting("momentum", \Self.momentum, "how much a step counts in the histogram", in: 1e-6...1),
  ]

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    histogram = Tensor(zeros: [bins], dtype: .float64)
  }

  public mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    if histogram.count == bins { try body("histogram", &histogram) }
  }

  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let matrix = Distance.euclidean.matrix(input.embeddings, input.reference?.embeddings)
    var byAnchor: [[Triplet]]?
    if case .triplets(let triplets) = input.tuples {
      byAnchor = Array(repeating: [], count: input.labels.count)
      for triplet in triplets { byAnchor?[triplet.anchor].append(triplet) }
    }
    let violations = Violations(
      values: matrix.detached, pairs: input.pairs, triplets: byAnchor, first: minimum,
      width: -2 * minimum / Double(bins), bins: bins)
    let sums = violations.summed()
    guard sums.count > 0 else {
      return LossOutput(value: matrix.sum().scaled(by: 0), active: 0)
    }
    let old =
      histogram.count == bins
      ? histogram.elements(as: Double.self) : [Double](repeating: 0, count: bins)
    let share = old.contains { $0 > 0 } ? momentum : 1
    var new = zip(old, sums.shares).map { (1 - share) * $0 + share * $1 }
    let total = new.reduce(0, +)
    for b in new.indices { new[b] /= total }
    var (below, value) = (0.0, 0.0)
    // What a step of x changes: its own weight, and what the histogram makes of others in its bin.
    var slopes = [Double](repeating: 0, count: bins)
    for b in 0..<bins {
      below += new[b]
      value += below * sums.totals[b] / sums.count
      let moved = b + 1 < bins ? share * sums.totals[b] / (violations.width * total) : 0
      slopes[b] = below / sums.count
      slopes[b] -= moved / sums.count
    }
    let result = Tensor(value, dtype: matrix.dtype).recorded(
      "dynamicSoftMargin",
      matrix.scaledEdge { [slopes] in
        Cotangent(violations.derivative(slopes), times: $0.product.item)
      })
    var output = LossOutput(value: result, active: sums.active / sums.count)
    output.state = [Tensor(new, shape: [bins])]
    return output
  }
}
