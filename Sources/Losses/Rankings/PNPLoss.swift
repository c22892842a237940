import Autodiff
import Foundation
import Geometry
import Settings

/// As few negatives as possible before each positive.
///
/// With s the cosine, r_i = Σ_N σ((s_n - s_i) / τ) is how many negatives of a row come before i. The
/// mean, over the rows that have a positive, of the mean of f(r_i) over the row itself and its
/// positives, where f is, by variant,
///
///     O   r                              Ds  log(1 + r)
///     Iu  (1 + r) log(1 + r)             Dq  1 - (1 + r)^-α
///     Ib  (b r - log(1 + b r)) / b²
///
/// Defaults: variant O, b = 2, α = 1, τ = 0.01. One class, or distinct classes, give about 0.
/// O(batch² × positives) time, O(batch²) memory.
/// - Reference: Li et al., *Rethinking the Optimization of Average Precision: Only Penalizing
///   Negative Instances before Positive Ones is Enough* (AAAI 2022).
public struct PNPLoss: Loss {
  public enum Variant: String, Sendable, CaseIterable { case O, Ds, Dq, Iu, Ib }

  public var variant: Variant
  public var b, alpha, anneal: Double

  public init(variant: Variant, b: Double = 2, alpha: Double = 1, anneal: Double = 0.01) {
    (self.variant, self.b, self.alpha, self.anneal) = (variant, b, alpha, anneal)
  }
  public init() { self.init(variant: .O) }

  public static let summary = "as few negatives as possible before each positive"
  public static let source =
    "Li et al., Rethinking the Optimization of Average Precision, AAAI 2022"
  public static let settings = [
    Setting("variant", \Self.variant, "how a number of negatives is weighted"),
    Setting("b", \Self.b, "the b of variant Ib", in: 1e-3...1e3),
    Setting("alpha", \Self.alpha, "the α of variant Dq", in: 1e-3...1e3),
    Setting("anneal", \Self.anneal, "the softness τ of the ranks", in: 1e-4...1e2),
  ]

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    input.distances(.cosine).reduced(
      by: RankRows(loss: self, places: input.places), pairs: input.pairs,
      reducer: input.rowReducer)
  }

  /// f(r) and its derivative.
  fileprivate func transformed(_ r: Double) -> (value: Double, slope: Double) {
    switch variant {
    case .O: (r, 1)
    case .Ds: (log1p(r), 1 / (1 + r))
    case .Dq: (1 - pow(1 + r, -alpha), alpha * pow(1 + r, -alpha - 1))
    case .Iu: ((1 + r) * log1p(r), log1p(r) + 1)
    case .Ib: ((b * r - log1p(b * r)) / (b * b), r / (1 + b * r))
    }
  }
}

private struct RankRows: RowFunction {
  let loss: PNPLoss
  let places: [Int?]

  static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let members = row.positivesAndItself(at: places[row.index]),
      let (values, kinds, derivatives) = row.start
    else { return }
    let scale = S(1 / loss.anneal)
    var total = 0.0
    let share = 1 / Double(members.count)
    withUnsafeTemporaryAllocation(of: S.self, capacity: row.values.count) {
      guard let chances = $0.baseAddress else { return }
      for i in members {
        let rank = row.kernels.softRank(
          chances, values, kinds: kinds, centre: values[i], scale: scale, row.values.count)
        let (value, slope) = loss.transformed(Double(rank))
        total += share * value
        derivatives[i] -= row.kernels.addSoftRankGradient(
          derivatives, rank: chances, slope: S(share * slope) * scale, row.values.count)
      }
    }
    sums.terms.add(total)
  }
}

/// 1 / (1 + exp(-x)).
@inline(__always)
func logistic<S: Scalar>(_ x: S) -> S {
  let tail = S.exp(-abs(x))
  return (x >= 0 ? 1 : tail) / (1 + tail)
}
