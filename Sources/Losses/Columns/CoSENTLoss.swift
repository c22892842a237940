import Autodiff
import Geometry
import Settings

/// The order of pairs by their similarity as it is known: whichever is less alike must score less.
///
/// With s = scale × cos(u, v) of each pair and y what is known of it:
///
///     log(1 + Σ_{y_i < y_j} exp(s_i - s_j))
///
/// One number for the batch, not a mean. Equal y make no pair; without a pair 0. Default: scale 20.
/// O(batch²) memory.
/// - Reference: Su, *CoSENT: A more efficient sentence vector scheme than Sentence-BERT* (2022).
public struct CoSENTLoss: ColumnLoss {
  public var scale = 20.0

  public init() {}

  public static let summary = "the order of pairs by their known similarity, by cosines"
  public static let source = "Su, CoSENT, 2022"
  public static let settings = [
    Setting("scale", \Self.scale, "what cosines are multiplied with", in: 1e-6...1e6)
  ]
  public static let columnCounts = 2...2
  public var targets: ColumnTargets {
    .number(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
  }

  public func value(_ input: ColumnInput) -> Tensor {
    orderLoss(
      of: ColumnSimilarity.cosine.pairs(input.columns[0], input.columns[1]).scaled(by: scale),
      by: input.targets?.elements(as: Double.self) ?? [])
  }
}

/// log(1 + Σ_{y_i < y_j} exp(s_i - s_j)).
func orderLoss(of scores: Tensor, by known: [Double]) -> Tensor {
  let n = known.count
  let column = scores.reshaped(to: [n, 1])
  let ones = Tensor(repeating: 1, shape: [1, n], dtype: scores.dtype)
  let rows = column.times(ones)
  let differences = (rows - rows.transposed).reshaped(to: [1, n * n])
  let isPair = (0..<n * n).map { known[$0 / n] < known[$0 % n] }
  // The 1 of the sum is e⁰: a candidate of its own.
  let zero = Tensor(zeros: [1, 1], dtype: scores.dtype)
  return Tensor.beside([differences, zero]).logSumExp(where: isPair + [true]).sum()
}
