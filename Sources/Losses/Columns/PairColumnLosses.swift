import Autodiff
import Geometry
import Settings

/// The cosine of each pair against the similarity that is known of it.
///
///     mean (f(cos(u, v)) - y)²        or the mean of |f(cos(u, v)) - y|
///
/// Defaults: f the identity, squares. O(batch × dimension).
/// - Reference: Reimers and Gurevych, *Sentence-BERT* (EMNLP 2019).
public struct CosineSimilarityLoss: ColumnLoss {
  public enum Transformation: String, Sendable, CaseIterable { case identity, sigmoid }
  public enum Inner: String, Sendable, CaseIterable { case mse, mae }

  public var transformation = Transformation.identity
  public var inner = Inner.mse

  public init() {}

  public static let summary = "the cosine of each pair against the similarity known of it"
  public static let source = "Reimers and Gurevych, Sentence-BERT, EMNLP 2019"
  public static let settings = [
    Setting("transformation", \Self.transformation, "what is done to the cosine"),
    Setting("inner", \Self.inner, "how a difference becomes a cost: its square or its size"),
  ]
  public static let columnCounts = 2...2
  public var targets: ColumnTargets {
    .number(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
  }

  public func value(_ input: ColumnInput) -> Tensor {
    let cosines = ColumnSimilarity.cosine.pairs(input.columns[0], input.columns[1])
    let scores = transformation == .identity ? cosines : sigmoid(cosines)
    let difference = scores - scores.constant(input.targets?.elements(as: Double.self) ?? [])
    return (inner == .mse ? difference * difference : abs(difference)).mean()
  }
}

/// Pairs known to be alike drawn together, others pushed apart up to a margin.
///
/// With d the distance of each pair and y from 0 (not alike) to 1 (alike):
///
///     mean, or sum, of ½ (y d² + (1 - y) [m - d]₊²)
///
/// Euclidean and Manhattan distances are of u - v + 10⁻⁶, as PyTorch's pairwise distance has it.
/// Defaults: cosine distance 1 - cos, m = 0.5, mean. O(batch × dimension).
/// - Reference: Hadsell, Chopra and LeCun, *Dimensionality Reduction by Learning an Invariant Mapping*
///   (CVPR 2006).
public struct ContrastivePairsLoss: ColumnLoss {
  public enum PairReduction: String, Sendable, CaseIterable { case mean, sum }

  public var distance = ColumnDistance.cosine
  public var margin = 0.5
  public var reduction = PairReduction.mean

  public init() {}

  public static let summary = "given pairs drawn together, or apart up to a margin"
  public static let source =
    "Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006"
  public static let settings = [
    Setting("distance", \Self.distance, "how a pair is compared"),
    Setting(
      "margin", \Self.margin, "how far apart pairs that are not alike should be", in: 0...1e6),
    Setting("reduction", \Self.reduction, "how pairs become one number"),
  ]
  public static let columnCounts = 2...2
  public var targets: ColumnTargets { .number(0...1) }

  public func value(_ input: ColumnInput) -> Tensor {
    let d = distance.pairs(input.columns[0], input.columns[1], shift: 1e-6)
    let known = input.targets?.elements(as: Double.self) ?? []
    let lack = relu(d.scaled(by: -1).shifted(by: margin))
    let costs =
      d * d * d.constant(known.map { $0 / 2 })
      + lack * lack * d.constant(known.map { (1 - $0) / 2 })
    return reduction == .mean ? costs.mean() : costs.sum()
  }
}

/// The hard pairs among given ones: alike and far, or not alike and near.
///
/// Of the pairs that are not alike those nearer than the farthest that is (or than their own mean,
/// if none is), and of those that are alike the farther ones than the nearest that is not (or than
/// their own mean): Σ d² + Σ [m - d]₊², a sum, not a mean.
///
/// Distances as of contrastive-pairs. Defaults: cosine distance, m = 0.5. O(batch × dimension).
/// - Reference: Reimers and Gurevych's library, OnlineContrastiveLoss; after Hadsell et al. (2006).
public struct OnlineContrastiveLoss: ColumnLoss {
  public var distance = ColumnDistance.cosine
  public var margin = 0.5

  public init() {}

  public static let summary = "the hard ones among given pairs, drawn together or pushed apart"
  public static let source = "sentence-transformers, OnlineContrastiveLoss"
  public static let settings = [
    Setting("distance", \Self.distance, "how a pair is compared"),
    Setting(
      "margin", \Self.margin, "how far apart pairs that are not alike should be", in: 0...1e6),
  ]
  public static let columnCounts = 2...2
  public var targets: ColumnTargets { .number(0...1) }

  public func check(_ input: ColumnInput, at place: String) throws(Failure) {
    let known = input.targets?.elements(as: Double.self) ?? []
    guard known.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw Failure(.badData, at: place, "a label is neither 0 nor 1", expected: "0 or 1")
    }
  }

  public func value(_ input: ColumnInput) -> Tensor {
    let d = distance.pairs(input.columns[0], input.columns[1], shift: 1e-6)
    let (values, known) = (
      d.elements(as: Double.self), input.targets?.elements(as: Double.self) ?? []
    )
    let far = values.indices.filter { known[$0] == 0 }.map { values[$0] }
    let near = values.indices.filter { known[$0] == 1 }.map { values[$0] }
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(max(1, x.count)) }
    let (highest, lowest) = (near.max() ?? mean(far), far.min() ?? mean(near))
    let lack = relu(d.scaled(by: -1).shifted(by: margin))
    let isNear = values.indices.map { known[$0] == 1 && values[$0] > lowest ? 1.0 : 0 }
    let isFar = values.indices.map { known[$0] == 0 && values[$0] < highest ? 1.0 : 0 }
    return (d * d * d.constant(isNear) + lack * lack * d.constant(isFar)).sum()
  }
}

/// Each anchor nearer to its positive than to its negative.
///
///     mean [d(a, p) - d(a, n) + m]₊
///
/// Defaults: Euclidean distance of raw embeddings, m = 5. O(batch × dimension).
/// - Reference: Schroff, Kalenichenko and Philbin, *FaceNet* (CVPR 2015).
public struct TripletColumnsLoss: ColumnLoss {
  public var distance = ColumnDistance.euclidean
  public var margin = 5.0

  public init() {}

  public static let summary = "each anchor nearer to its positive than to its negative"
  public static let source = "Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015"
  public static let settings = [
    Setting("distance", \Self.distance, "how rows are compared"),
    Setting("margin", \Self.margin, "how much farther the negative should be", in: -1e6...1e6),
  ]
  public static let columnCounts = 3...3

  public func value(_ input: ColumnInput) -> Tensor {
    let x = input.columns
    let violation = distance.pairs(x[0], x[1]) - distance.pairs(x[0], x[2])
    return relu(violation.shifted(by: margin)).mean()
  }
}

/// Two margins on cosines: the own document above one, the hardest other document below another.
///
///     mean ([m₊ - cos(a_i, p_i)]₊ + [max_{j ≠ i} cos(a_i, p_j) - m₋]₊)
///
/// One row has no other document. Defaults: m₊ = 0.8, m₋ = 0.3. O(batch²) memory.
/// - Reference: Wieting and Gimpel, *ParaNMT-50M* (ACL 2018).
public struct MegaBatchMarginLoss: ColumnLoss {
  public var positiveMargin = 0.8
  public var negativeMargin = 0.3

  public init() {}

  public static let summary = "the own document above a cosine, the hardest other below another"
  public static let source = "Wieting and Gimpel, ParaNMT-50M, ACL 2018"
  public static let settings = [
    Setting("positiveMargin", \Self.positiveMargin, "the least cosine of a pair", in: -1...2),
    Setting("negativeMargin", \Self.negativeMargin, "the most of any other", in: -1...2),
  ]
  public static let columnCounts = 2...2

  public func value(_ input: ColumnInput) -> Tensor {
    let rows = input.rows
    let cosines = ColumnSimilarity.cosine.matrix(input.columns[0], input.columns[1])
    let values = cosines.elements(as: Double.self)
    let own = relu(cosines.picked(Array(0..<rows)).scaled(by: -1).shifted(by: positiveMargin))
    guard rows > 1 else { return own.mean() }
    let hardest = (0..<rows).map { (i: Int) -> Int in
      let others = (0..<rows).filter { $0 != i }
      return others.max { (a: Int, b: Int) in values[i * rows + a] < values[i * rows + b] } ?? 0
    }
    return (own + relu(cosines.picked(hardest).shifted(by: -negativeMargin))).mean()
  }
}
