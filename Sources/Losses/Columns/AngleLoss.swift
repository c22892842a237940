import Autodiff
import Geometry
import Settings

/// The order of pairs as CoSENT has it, by the angle between embeddings as complex numbers.
///
/// A row of odd length gets a 0. With u = (u₁, u₂) and v = (v₁, v₂) scaled to length 1 and cut in
/// halves, s = scale × |⟨u, v⟩ + ⟨u₂, v₁⟩ - ⟨u₁, v₂⟩|, and the loss log(1 + Σ_{y_i < y_j} exp(s_i - s_j)).
///
/// With more than two columns and no y, the pairs of the first with the second are positive, those
/// with the others negative. Default: scale 20. O(pairs²) memory.
/// - Reference: Li and Li, *AnglE-optimized Text Embeddings* (2023).
public struct AngleLoss: ColumnLoss {
  public var scale = 20.0

  public init() {}

  public static let summary = "the order of pairs by their known similarity, by complex angles"
  public static let source = "Li and Li, AnglE-optimized Text Embeddings, 2023"
  public static let settings = [
    Setting("scale", \Self.scale, "what similarities are multiplied with", in: 1e-6...1e6)
  ]
  public static let columnCounts = 2...Int.max
  public var targets: ColumnTargets {
    .optionalNumber(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
  }

  public func check(_ input: ColumnInput, at place: String) throws(Failure) {
    guard (input.targets != nil) == (input.columns.count == 2) else {
      throw Failure(
        .badData, at: place,
        input.targets == nil ? "nothing is known of the pairs" : "there are labels and 3 columns",
        expected: "two columns with labels or scores, or three and more without")
    }
  }

  public func value(_ input: ColumnInput) -> Tensor {
    let others = Array(input.columns.dropFirst())
    let u = Tensor.concatenated(others.map { _ in input.columns[0] })
    let v = Tensor.concatenated(others)
    let known =
      input.targets?.elements(as: Double.self)
      ?? others.indices.flatMap { [Double](repeating: $0 == 0 ? 1 : 0, count: input.rows) }
    let (a, b) = (padded(u).withUnitRows(), padded(v).withUnitRows())
    // v turned by a quarter: (-v₂, v₁), so that both inner products are one.
    let half = a.shape[1] / 2
    var turn = [Double](repeating: 0, count: 4 * half * half)
    for i in 0..<half {
      turn[i * 2 * half + half + i] = 1
      turn[(half + i) * 2 * half + i] = -1
    }
    let turned = b.times(Tensor(turn, shape: [2 * half, 2 * half]))
    let scores = abs((a * (b + turned)).sumOverColumns()).scaled(by: scale)
    return orderLoss(of: scores, by: known)
  }

  private func padded(_ rows: Tensor) -> Tensor {
    rows.shape[1] % 2 == 0
      ? rows : Tensor.beside([rows, Tensor(zeros: [rows.shape[0], 1], dtype: rows.dtype)])
  }
}
