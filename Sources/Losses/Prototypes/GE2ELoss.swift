import Autodiff
import Geometry
import Settings

/// Softmax classification of every row by the cosines to the means of the classes, without itself.
///
/// With c_k the mean of class k and c_y⁻ the mean of the row's class without the row, the mean over
/// the rows that are not alone in their class of
///
///     -log(exp(w s_y + b) / Σ_k exp(w s_k + b)),    s_y = cos(x, c_y⁻), s_k = cos(x, c_k)
///
/// With `clamp` cosines below 10⁻⁶ are 10⁻⁶ and take no gradient, as in the published code. The
/// means are of raw embeddings. The bias b cancels. With a reference set the means are those of the
/// references' classes, without the row's own place. One class, or distinct classes, give 0. O(batch × classes).
///
/// Defaults: w = 10, learned; b = -5; clamp true.
/// - Reference: Wan et al., *Generalized End-to-End Loss for Speaker Verification* (ICASSP 2018);
///   mean and clamp as in Chung et al. (Interspeech 2020).
public struct GE2ELoss: ScaledLoss {
  public var scale = 10.0
  public var bias = -5.0
  public var clamps = true
  public var learnsScale = true
  public var learnedScale = Tensor([Float](), shape: [0])

  public init() {}

  public static let summary = "softmax classification of every row by the means of the others"
  public static let source =
    "Wan et al., Generalized End-to-End Loss for Speaker Verification, ICASSP 2018"
  public static var settings: [Setting<Self>] {
    scaleSettings + [
      Setting("bias", \Self.bias, "what is added to every cosine; it cancels"),
      Setting("clamp", \Self.clamps, "whether negative cosines are cut off"),
    ]
  }

  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let x = wide.embeddings
    let labels = input.reference?.labels ?? input.labels
    let groups = labels.placesByLabel
    let classes = groups.keys.sorted()
    let places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    // Where each row is itself in the mean of its class.
    let own = zip(input.labels, input.places).map { label, place in
      place.flatMap { labels[$0] == label ? $0 : nil }
    }
    // A row that is alone in its class has nothing to be near to.
    let targets = zip(input.labels, own).map { label, own in
      (groups[label]?.count ?? 0) > (own == nil ? 0 : 1) ? places[label] ?? -1 : -1
    }
    let source = wide.reference?.embeddings ?? x
    guard !classes.isEmpty else {
      return LossOutput(value: x.sum().scaled(by: 0), active: 0)
        .narrowed(to: input.embeddings.dtype)
    }
    let centers = source.means(of: classes.map { groups[$0] ?? [] })
    // c⁻ = (n c - x) / (n - 1); its length does not matter, so n c - x will do.
    let width = x.shape[1]
    let counts = input.labels.flatMap {
      [Double](repeating: Double(groups[$0]?.count ?? 1), count: width)
    }
    let shares = own.flatMap { [Double](repeating: $0 == nil ? 0 : 1, count: width) }
    let others =
      centers.rows(at: targets.map { max(0, $0) }) * Tensor(counts, shape: x.shape)
      - source.rows(at: own.map { $0 ?? 0 }) * Tensor(shares, shape: x.shape)
    let cosines = Distance.cosine.matrix(x, centers)
    let ownCosines = (x.withUnitRows() * others.withUnitRows()).sumOverColumns()
    var logits = cosines.appendingColumn(ownCosines)
    if clamps { logits = relu(logits.shifted(by: -1e-6)).shifted(by: 1e-6) }
    return scaled(logits).reduced(
      by: OwnColumnSoftmax(),
      pairs: PairTable(rowLabels: targets, columnLabels: Array(0..<classes.count))
        .withIgnoredColumns(1),
      weights: input.rowWeights, reducer: input.rowReducer
    ).narrowed(to: input.embeddings.dtype)
  }
}

/// Softmax classification where the last value of a row stands for that of its class.
private struct OwnColumnSoftmax: RowFunction {
  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let last = row.values.count - 1
    for j in row.indices { row.derivatives[j] = row.values[j] }
    row.derivatives[target] = -S.infinity
    let cost = row.crossEntropy(target: last)
    sums.terms.add(row.weighted(cost))
  }
}
