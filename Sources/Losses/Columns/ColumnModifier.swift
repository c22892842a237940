import Autodiff
import Geometry
import Settings

/// Something done around any loss over columns: other embeddings, or a penalty added.
public protocol ColumnModifier: Described {
  /// Whether the modifier is a number of its own where no loss is inside.
  static var standsAlone: Bool { get }

  /// The loss with this around it, in float64, of shape [].
  ///
  /// - Parameters:
  ///   - input: float64.
  ///   - inner: the loss inside; nil if there is none.
  func value(_ input: ColumnInput, inner: ((ColumnInput) -> Tensor)?) -> Tensor

  /// Checks that the modifier fits the input.
  func check(_ input: ColumnInput, at place: String) throws(Failure)
}

extension ColumnModifier {
  public func check(_ input: ColumnInput, at place: String) throws(Failure) {}
}

extension ColumnModifier {
  /// The same of columns of any dtype, in theirs.
  public func callAsFunction(
    _ input: ColumnInput, inner: ((ColumnInput) -> Tensor)?
  ) -> Tensor {
    value(input.widened, inner: inner).narrowed(to: input.columns.first?.dtype ?? .float64)
  }
}

/// The loss of embeddings cut to some of their first numbers and scaled to length 1, summed.
///
///     Σ_m w_m L(z_{1:m} / ‖z_{1:m}‖)
///
/// Defaults: the whole embedding and its halves down to 8 numbers, all weights 1.
/// - Reference: Kusupati et al., *Matryoshka Representation Learning* (NeurIPS 2022).
public struct MatryoshkaColumns: ColumnModifier {
  public var dimensions: [Int] = []
  public var weights: [Double] = []

  public init() {}

  public static let summary = "the loss of the first numbers too, so that embeddings can be cut"
  public static let source = "Kusupati et al., Matryoshka Representation Learning, NeurIPS 2022"
  public static let settings = [
    Setting(
      "dimensions", \Self.dimensions, "how many numbers; [] for halves down to 8",
      in: 1...1_000_000),
    Setting("weights", \Self.weights, "the weight of each; [] for 1", in: 0...1e6),
  ]
  public static let standsAlone = false

  private func cuts(of dimension: Int) -> [Int] {
    guard dimensions.isEmpty else { return dimensions }
    var cuts = [dimension]
    while let last = cuts.last, last / 2 >= 8 { cuts.append(last / 2) }
    return cuts
  }

  public func check(_ input: ColumnInput, at place: String) throws(Failure) {
    let cuts = cuts(of: input.dimension)
    guard weights.isEmpty || weights.count == cuts.count else {
      throw Failure(
        .badData, at: place, "there are \(weights.count) weights",
        expected: "\(cuts.count), one for each of \"dimensions\"")
    }
    guard cuts.allSatisfy({ $0 <= input.dimension }) else {
      throw Failure(
        .badData, at: "\(place): dimensions", "\(cuts.max() ?? 0) is more than there are",
        expected: "\(input.dimension) at most, the dimension of the embeddings")
    }
  }

  public func value(_ input: ColumnInput, inner: ((ColumnInput) -> Tensor)?) -> Tensor {
    var total = Tensor(0, dtype: .float64)
    guard let inner else { return total }
    for (i, cut) in cuts(of: input.dimension).enumerated() {
      var part = input
      part.columns = input.columns.map { $0.firstColumns(cut).withUnitRows() }
      part.teacher = input.teacher?.firstColumns(cut)
      total = total + inner(part).scaled(by: weights.isEmpty ? 1 : weights[i])
    }
    return total
  }
}

/// Embeddings of different rows at right angles, as random directions are.
///
/// For each column, with c the cosines of different rows and d the dimension:
///
///     w₁ (mean c)² + w₂ [mean c² - 1/d]₊
///
/// Added to the loss inside, if there is one. Defaults: w₁ = w₂ = 1, mean over the columns.
/// - Reference: Zhang et al., *Learning Spread-out Local Feature Descriptors* (ICCV 2017).
public struct GlobalOrthogonalColumns: ColumnModifier {
  public enum Aggregation: String, Sendable, CaseIterable { case mean, sum }

  public var meanWeight = 1.0
  public var secondMomentWeight = 1.0
  public var aggregation = Aggregation.mean

  public init() {}

  public static let summary = "embeddings of different rows at right angles"
  public static let source =
    "Zhang et al., Learning Spread-out Local Feature Descriptors, ICCV 2017"
  public static let settings = [
    Setting("meanWeight", \Self.meanWeight, "the weight of the mean cosine", in: 0...1e6),
    Setting(
      "secondMomentWeight", \Self.secondMomentWeight, "the weight of the mean square", in: 0...1e6),
    Setting("aggregation", \Self.aggregation, "how columns become one number"),
  ]
  public static let standsAlone = true

  public func value(_ input: ColumnInput, inner: ((ColumnInput) -> Tensor)?) -> Tensor {
    let (rows, dimension) = (input.rows, input.dimension)
    var total = Tensor(0, dtype: .float64)
    let pairs = Double(max(1, rows * (rows - 1)))
    let isOther = isDiagonal(rows, rows).map { $0 ? 0.0 : 1 }
    for column in input.columns {
      let all = ColumnSimilarity.cosine.matrix(column, column)
      let cosines = all * all.constant(isOther)
      let mean = cosines.sum().scaled(by: 1 / pairs)
      let square = (cosines * cosines).sum().scaled(by: 1 / pairs)
      total =
        total + (mean * mean).scaled(by: meanWeight)
        + relu(square.shifted(by: -1 / Double(max(1, dimension)))).scaled(by: secondMomentWeight)
    }
    if aggregation == .mean { total = total.scaled(by: 1 / Double(input.columns.count)) }
    return inner.map { $0(input) + total } ?? total
  }
}

/// Embeddings that are sparse, by the expected work of comparing two of them.
///
///     w Σ_v (mean over rows of e_v)²
///
/// Rows with at most `threshold` numbers that are not 0 count as zeros. Of all columns together; added
/// to the loss inside, if there is one. Default: weight 1, no threshold.
/// - Reference: Paria et al., *Minimizing FLOPs to Learn Efficient Sparse Representations* (ICLR 2020).
public struct FlopsColumns: ColumnModifier {
  public var threshold: Double?
  public var weight = 1.0

  public init() {}

  public static let summary = "sparse embeddings, by the work of comparing two of them"
  public static let source =
    "Paria et al., Minimizing FLOPs to Learn Efficient Sparse Representations, ICLR 2020"
  public static let settings = [
    Setting(
      "threshold", \Self.threshold,
      "rows with at most that many numbers that are not 0 are left out; null: none", in: 0...1e9),
    Setting("weight", \Self.weight, "what the penalty is multiplied with", in: 0...1e6),
  ]
  public static let standsAlone = true

  public func value(_ input: ColumnInput, inner: ((ColumnInput) -> Tensor)?) -> Tensor {
    let total = penalty(of: Tensor.concatenated(input.columns)).scaled(by: weight)
    return inner.map { $0(input) + total } ?? total
  }

  /// Σ_v (mean over rows of e_v)².
  func penalty(of rows: Tensor) -> Tensor {
    let (count, width) = (rows.shape[0], rows.shape[1])
    var kept = rows
    if let threshold {
      let values = rows.elements(as: Double.self)
      let isKept = (0..<count).map { row in
        Double(values[row * width..<(row + 1) * width].filter { $0 != 0 }.count) > threshold
      }
      kept = rows * rows.constant((0..<count * width).map { isKept[$0 / width] ? 1 : 0 })
    }
    let means = kept.sumOverRows().scaled(by: 1 / Double(max(1, count)))
    return (means * means).sum()
  }
}

/// A ranking loss of sparse embeddings with the work that documents and queries cost.
///
///     L + w_d flops(all documents) + w_q flops(queries)
///
/// With `documentOnly` the first weight is of all rows together and queries have none of their own.
/// Defaults: w_d = 3e-5, w_q = 5e-5; inside usually multiple-negatives-ranking { scale: 1,
/// similarity: "dot" }.
/// - Reference: Formal et al., *SPLADE v2* (2021).
public struct SpladeColumns: ColumnModifier {
  public var documentWeight = 3e-5
  public var queryWeight = 5e-5
  public var documentOnly = false

  public init() {}

  public static let summary = "a loss of sparse embeddings with the work that they cost"
  public static let source = "Formal et al., SPLADE v2, 2021"
  public static let settings = [
    Setting(
      "documentWeight", \Self.documentWeight, "the weight of the documents' work", in: 0...1e6),
    Setting("queryWeight", \Self.queryWeight, "the weight of the queries' work", in: 0...1e6),
    Setting("documentOnly", \Self.documentOnly, "whether all rows count as documents"),
  ]
  public static let standsAlone = false

  public func value(_ input: ColumnInput, inner: ((ColumnInput) -> Tensor)?) -> Tensor {
    let flops = FlopsColumns()
    let documents = documentOnly ? input.columns : Array(input.columns.dropFirst())
    var total = flops.penalty(of: Tensor.concatenated(documents)).scaled(by: documentWeight)
    if !documentOnly { total = total + flops.penalty(of: input.columns[0]).scaled(by: queryWeight) }
    return inner.map { $0(input) + total } ?? total
  }
}
