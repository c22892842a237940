import Autodiff
import Foundation
import Geometry
import Settings

/// A classifier of pairs on top of their embeddings, trained along.
///
///     mean cross-entropy of W [u, v, |u - v|, u ⊙ v] + b,    with the parts that are asked for
///
/// W and b are drawn uniformly from ±1/√inputs, as PyTorch's `Linear`. Defaults: 3 classes, u, v and
/// |u - v|. O(batch × dimension × classes).
/// - Reference: Reimers and Gurevych, *Sentence-BERT* (EMNLP 2019).
public struct PairSoftmaxLoss: ColumnLoss {
  public var classes = 3
  public var representations = true
  public var difference = true
  public var product = false
  /// [classes, parts × dimension]
  public var weight = Tensor(zeros: [0, 0], dtype: .float32)
  /// [classes]
  public var bias = Tensor(zeros: [0], dtype: .float32)

  public init() {}

  public static let summary = "a classifier of pairs on their embeddings, trained along"
  public static let source = "Reimers and Gurevych, Sentence-BERT, EMNLP 2019"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes pairs have", in: 1...1_000_000),
    Setting("representations", \Self.representations, "whether the classifier sees u and v"),
    Setting("difference", \Self.difference, "whether it sees |u - v|"),
    Setting("product", \Self.product, "whether it sees u ⊙ v"),
  ]
  public static let columnCounts = 2...2
  public var targets: ColumnTargets { .classes }

  /// How many times the dimension the classifier sees.
  private var parts: Int { (representations ? 2 : 0) + (difference ? 1 : 0) + (product ? 1 : 0) }

  public mutating func makeParameters(dimension: Int, dtype: DType, random: Random) {
    var random = random
    let inputs = parts * dimension
    let bound = 1 / Double(max(1, inputs)).squareRoot()
    weight = Tensor(uniform: [classes, inputs], bound: bound, dtype: dtype, random: &random)
    bias = Tensor(uniform: [classes], bound: bound, dtype: dtype, random: &random)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    try body("bias", &bias)
  }

  public func check(_ input: ColumnInput, at place: String) throws(Failure) {
    guard parts > 0 else {
      throw Failure(
        .badData, at: place, "the classifier sees nothing",
        expected: "representations, difference or product to be true")
    }
    guard weight.shape == [classes, parts * input.dimension], bias.shape == [classes] else {
      throw Failure(
        .badData, at: place, "the classifier has shapes \(weight.shape) and \(bias.shape)",
        expected: "[\(classes), \(parts * input.dimension)] and [\(classes)]")
    }
    let known = input.targets?.elements(as: Double.self) ?? []
    guard known.allSatisfy({ $0 < Double(classes) }) else {
      throw Failure(
        .badData, at: place, "a label is \(Int(known.max() ?? 0))",
        expected: "below \(classes), the number of classes", remedy: "set classes")
    }
  }

  public func value(_ input: ColumnInput) -> Tensor {
    let (u, v) = (input.columns[0], input.columns[1])
    let seen =
      (representations ? [u, v] : []) + (difference ? [abs(u - v)] : []) + (product ? [u * v] : [])
    let logits = Tensor.beside(seen).timesTransposed(weight.widened()).addingToRows(bias.widened())
    let known = input.targets?.elements(as: Double.self) ?? []
    return logits.crossEntropy(with: known.map { Int($0) })
  }
}

/// Two copies of an encoder that agree on a text with itself and differ on two texts.
///
///     Σ binary cross-entropy of ⟨u, v⟩ with 1 for a text with itself, 0 for two different texts
///
/// A sum, not a mean. O(batch × dimension).
/// - Reference: Carlsson et al., *Semantic Re-tuning with Contrastive Tension* (ICLR 2021).
public struct ContrastiveTensionLoss: ColumnLoss {
  public init() {}

  public static let summary = "two encoders that agree on a text with itself alone, by pairs"
  public static let source =
    "Carlsson et al., Semantic Re-tuning with Contrastive Tension, ICLR 2021"
  public static let settings: [Setting<Self>] = []
  public static let columnCounts = 2...2
  public var targets: ColumnTargets { .number(0...1) }

  public func value(_ input: ColumnInput) -> Tensor {
    let scores = ColumnSimilarity.dot.pairs(input.columns[0], input.columns[1])
    let known = scores.constant(input.targets?.elements(as: Double.self) ?? [])
    return (softplus(scores) - scores * known).sum()
  }
}

/// Two copies of an encoder that agree on a text with itself alone, among the texts of a batch.
///
///     ½ mean over rows and columns of cross-entropy of eᵗ cos(u_i, v_j) with the diagonal
///
/// The logarithm t of the scale is trained; it starts at log `scale`. Default: scale 20. O(batch²).
/// - Reference: Carlsson et al. (ICLR 2021), with in-batch negatives as sentence-transformers has it.
public struct ContrastiveTensionInBatchLoss: ColumnLoss {
  public var scale = 20.0
  /// The logarithm of what cosines are multiplied with, of shape [1].
  public var logScale: Tensor?

  public init() {}

  public static let summary = "two encoders that agree on a text with itself alone, in a batch"
  public static let source =
    "Carlsson et al., Semantic Re-tuning with Contrastive Tension, ICLR 2021"
  public static let settings = [
    Setting("scale", \Self.scale, "what cosines are multiplied with at first", in: 1e-6...1e6)
  ]
  public static let columnCounts = 2...2

  public mutating func makeParameters(dimension: Int, dtype: DType, random: Random) {
    logScale = Tensor([log(scale)], shape: [1]).converted(to: dtype)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    guard var logScale else { return }
    try body("logScale", &logScale)
    self.logScale = logScale
  }

  public func value(_ input: ColumnInput) -> Tensor {
    let cosines = ColumnSimilarity.cosine.matrix(input.columns[0], input.columns[1])
    let rows = input.rows
    let factor = (logScale ?? Tensor([log(scale)], shape: [1])).widened()
    let scores = cosines.times(scalar: exp(factor).sum())
    let own = Array(0..<rows)
    return (scores.crossEntropy(with: own) + scores.transposed.crossEntropy(with: own))
      .scaled(by: 0.5)
  }
}
