import Autodiff
import Geometry
import Settings

/// A smooth stand-in for recall at several ranks.
///
/// With s the cosine, σ_τ(u) = 1 / (1 + exp(-u / τ)) and r(a, p) = 1 + Σ_{j ≠ p} σ_τ₂(s_aj - s_ap)
/// the smooth rank of a positive, the mean over the anchors with a positive, and over the ranks k, of
///
///     1 - 1/|P(a)| Σ_P σ_τ₁(k - r(a, p))
///
/// Tuples choose what an anchor is ranked against. The value does not reach 0, since σ_τ₁(0) = ½.
/// O(batch²) memory, O(batch² × positives) time.
///
/// Defaults: k = 1, 2, 4, 8, 16, τ₁ = 1, τ₂ = 0.01.
/// - Reference: Patel, Tolias and Matas, *Recall@k Surrogate Loss with Large Batches and Similarity
///   Mixup* (CVPR 2022); written from the formula, without its mixup.
public struct RecallAtKLoss: PairwiseLoss {
  public var ranks = [1, 2, 4, 8, 16]
  public var rankTemperature = 1.0
  public var temperature = 0.01
  public var distance: Distance { .cosine }

  public init() {}

  public static let summary = "a smooth stand-in for recall at several ranks"
  public static let source =
    "Patel, Tolias and Matas, Recall@k Surrogate Loss with Large Batches and Similarity Mixup, "
    + "CVPR 2022"
  public static let settings = [
    Setting("ranks", \Self.ranks, "the ranks k", in: 1...1_000_000),
    Setting(
      "rankTemperature", \Self.rankTemperature, "how softly a rank is below k, τ₁", in: 1e-4...1e4),
    Setting(
      "temperature", \Self.temperature, "how softly rows are ranked, τ₂", in: 1e-4...1e4),
  ]

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    return wide.distances(distance)
      .reduced(by: self, pairs: input.pairs, reducer: input.rowReducer)
      .narrowed(to: input.embeddings.dtype)
  }

  public static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (outer, inner) = (1 / S(rankTemperature), 1 / S(temperature))
    let positives = row.indices.filter { row.kinds[$0] > 0 }
    guard !positives.isEmpty, !ranks.isEmpty else { return }
    let share = 1 / (S(positives.count) * S(ranks.count))
    var cost: S = 1
    for p in positives {
      var rank: S = 1
      for j in row.indices where row.kinds[j] != 0 && j != p {
        rank += softplus(inner * (row.values[j] - row.values[p])).slope
      }
      var slope: S = 0
      for k in ranks {
        let hit = softplus(outer * (S(k) - rank)).slope
        cost -= hit * share
        slope += hit * (1 - hit) * outer * share
      }
      for j in row.indices where row.kinds[j] != 0 && j != p {
        let before = softplus(inner * (row.values[j] - row.values[p])).slope
        let step = slope * before * (1 - before) * inner
        row.derivatives[j] += step
        row.derivatives[p] -= step
      }
    }
    sums.terms.add(Double(cost))
  }
}
