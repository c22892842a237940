import Autodiff
import Geometry
import Settings

/// Rows of a class share their neighbours, rows of two classes do not.
///
/// With s the cosines (the diagonal included), D = max(0, 2 - 2 s), θ_i^k the k-th smallest D of row
/// i and H(u) = 1 for u ≥ 0, else 0:
///
///     N_ij = H(θ_i^k + ε - D_ij),    N'_ij the same for k / 2,    R_ij = N'_ij N'_ji
///     W = ½ (N Nᵀ / |N_i| + (1 - N)(1 - N)ᵀ / |1 - N_i|) ∘ N
///     J = R W / |R_i|,    w = ½ (J + Jᵀ)
///     c = 1/B² Σ_{i ≠ j} (1 - w_ij)² for equal classes, w_ij² for others
///     a c + (1 - a) (the contrastive loss of cosines) + g (mean s - ρ)²
///
/// The gradient is not that of the value: it takes 10 for the derivative of H, and none for θ, |N_i|
/// and |1 - N_i|. The last two are at least 1, where the published code gives NaN. k is at most the
/// number of rows. Tuples choose the pairs of the contrastive part. With a reference set neighbours are
/// found among rows and references together, and c and the mean are over rows with references.
/// O(batch²) memory, O(batch² × neighbours within ε of the k-th) time; references count as rows.
///
/// With one row c and the contrastive part are 0. Rows of zeros have cosine 0 to all and take no
/// gradient.
///
/// Defaults: k = 4, ε = 0.05, a = 0.6, g = 0.1, ρ = 0.3, margins 0.75 and 0.6.
/// - Reference: Liao, Tsiligkaridis and Kulis, *Supervised Metric Learning to Rank for Retrieval via
///   Contextual Similarity Optimization* (ICML 2023).
public struct ContextualLoss: Loss {
  public var neighbors = 4
  public var slack = 0.05
  public var contextWeight = 0.6
  public var similarityWeight = 0.1
  public var similarity = 0.3
  public var positiveMargin = 0.75
  public var negativeMargin = 0.6
  private var held: Held?

  public init() {}

  public static let summary = "rows of a class share their neighbours, those of others do not"
  public static let source =
    "Liao, Tsiligkaridis and Kulis, Supervised Metric Learning to Rank for Retrieval via "
    + "Contextual Similarity Optimization, ICML 2023"
  public static let settings = [
    Setting("neighbors", \Self.neighbors, "how many neighbours k a row has", in: 1...1_000_000),
    Setting("slack", \Self.slack, "how much farther than the k-th a neighbour may be", in: 0...4),
    Setting("contextWeight", \Self.contextWeight, "the weight a of shared neighbours", in: 0...1),
    Setting(
      "similarityWeight", \Self.similarityWeight, "the weight g of the mean cosine", in: 0...1e6),
    Setting("similarity", \Self.similarity, "what the mean cosine should be, ρ", in: -1...1),
    Setting("positiveMargin", \Self.positiveMargin, "how similar positives should be"),
    Setting("negativeMargin", \Self.negativeMargin, "how similar negatives may be"),
  ]

  public func holdingWeights(of input: LossInput) -> any Loss {
    var loss = self
    loss.held = Held(farness(of: input.pooled.embeddings.detached.widened()), neighbors, slack)
    return loss
  }

  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let pooled = wide.pooled
    let x = pooled.embeddings
    let n = pooled.labels.count
    let far = farness(of: x)
    let pairs = input.allPairs
    let columns = input.pooledColumns
    // 1 for equal classes, 0 for others, -1 for no pair.
    var targets = [Int8](repeating: -1, count: n * n)
    for (place, kind) in pairs.kinds.enumerated() where kind != 0 {
      targets[place / pairs.columns * n + columns[place % pairs.columns]] = kind > 0 ? 1 : 0
    }
    let cost = (held.map { $0.cost(far, targets) } ?? self.cost(far, targets))
      .scaled(by: 1 / Double(max(1, pairs.rows * pairs.columns)))

    let contrastive = ContrastiveLoss(
      positiveMargin: positiveMargin, negativeMargin: negativeMargin, distance: .cosine)(wide)
    let shift = Distance.cosine.matrix(wide.embeddings, wide.reference?.embeddings).mean()
      .shifted(by: -similarity)
    let value =
      cost.scaled(by: contextWeight) + contrastive.value.scaled(by: 1 - contextWeight)
      + (shift * shift).scaled(by: similarityWeight)
    return LossOutput(value: value, active: contrastive.active)
      .narrowed(to: input.embeddings.dtype)
  }

  private func cost(_ farness: Tensor, _ targets: [Int8]) -> Tensor {
    let (total, slopes) = ContextualCost(farness: farness, neighbors: neighbors, slack: slack)
      .evaluated(targets: targets)
    return Tensor(total, dtype: .float64).recorded(
      "context", farness.edge { slopes.scaled(by: $0.item) })
  }

  private func farness(of x: Tensor) -> Tensor {
    relu(Distance.cosine.matrix(x).scaled(by: -2).shifted(by: 2))
  }
}

/// What takes no gradient; with it held the cost is a function whose gradient is the loss's.
private struct Held: Sendable {
  let farness, near, half, inverseCounts, inverseRestCounts: Tensor

  init(_ farness: Tensor, _ neighbors: Int, _ slack: Double) {
    let n = farness.shape[0]
    let values = farness.elements(as: Double.self)
    let shape = [n, n]
    func mask(_ k: Int) -> [Double] {
      (0..<n).flatMap { i in
        let row = values[i * n..<(i + 1) * n]
        let limit = row.sorted()[min(max(k, 1), n) - 1] + slack
        return row.map { $0 <= limit ? 1.0 : 0 }
      }
    }
    let near = mask(neighbors)
    let counts = (0..<n).map { i in near[i * n..<(i + 1) * n].reduce(0, +) }
    self.farness = farness
    self.near = Tensor(near, shape: shape)
    half = Tensor(mask(neighbors / 2), shape: shape)
    inverseCounts = Tensor((0..<n * n).map { 1 / max(1, counts[$0 / n]) }, shape: shape)
    inverseRestCounts = Tensor(
      (0..<n * n).map { 1 / max(1, Double(n) - counts[$0 / n]) }, shape: shape)
  }

  /// The formula as it is written, with whole matrices.
  func cost(_ far: Tensor, _ targets: [Int8]) -> Tensor {
    let n = far.shape[0]
    // The value of H with the slope of 10 u.
    let nearness = (farness - far).scaled(by: 10)
    let near = near + nearness
    let half = half + nearness
    let rest = near.scaled(by: -1).shifted(by: 1)
    let shared =
      near.timesTransposed(near) * inverseCounts + rest.timesTransposed(rest) * inverseRestCounts
    let weights = (shared * near).scaled(by: 0.5)
    let mutual = half * half.transposed
    let sums = mutual.sumOverColumns()
    let empty = sums.elements(as: Double.self).map { $0 == 0 ? 1.0 : 0 }
    let divisors = (sums + Tensor(empty, shape: sums.shape)).reshaped(to: [n, 1])
      .times(Tensor(repeating: 1, shape: [1, n], dtype: .float64))
    let joint = mutual.times(weights) / divisors
    let context = (joint + joint.transposed).scaled(by: 0.5)
    let same = Tensor(targets.map { $0 > 0 ? 1.0 : 0 }, shape: [n, n])
    let counted = Tensor(targets.map { $0 < 0 ? 0.0 : 1 }, shape: [n, n])
    let miss = context - same
    return (miss * miss * counted).sum()
  }
}
