import Autodiff
import Settings

/// Rows that belong together, a column for each role: a query, its document, its hard negatives.
public struct ColumnInput: Sendable {
  /// Each [rows, dimension], as the encoder gives them; row i of all columns belongs together.
  public var columns: [Tensor]
  /// What is known of each row: a class, a similarity, or a score for each document; nil for nothing.
  ///
  /// Float64, [rows] or [rows, documents].
  public var targets: Tensor?
  /// What a teacher makes of the rows, [rows, dimension].
  public var teacher: Tensor?
  /// The columns by a frozen model that says which negatives are false ones; empty for none.
  public var guide: [Tensor]
  /// For what is drawn at random.
  public var random = Random(seed: 0)

  public init(
    _ columns: [Tensor], targets: Tensor? = nil, teacher: Tensor? = nil, guide: [Tensor] = []
  ) {
    (self.columns, self.targets, self.teacher, self.guide) = (columns, targets, teacher, guide)
  }

  /// How many rows each column has.
  public var rows: Int { columns.first?.shape[0] ?? 0 }
  /// How many numbers a row has.
  public var dimension: Int { columns.first?.shape[1] ?? 0 }

  /// The same in float64, with history.
  var widened: ColumnInput {
    var input = self
    input.columns = columns.map { $0.widened() }
    input.teacher = teacher?.detached.widened()
    input.guide = guide.map { $0.detached.widened() }
    return input
  }
}

/// What a loss over columns reads of a row beside its embeddings.
public enum ColumnTargets: Sendable, Equatable {
  case none
  /// A number in a range, in which whole numbers are classes.
  case number(ClosedRange<Double>)
  /// The same, that may be left out.
  case optionalNumber(ClosedRange<Double>)
  /// A class numbered from 0.
  case classes
  /// A score for each document, which are all columns but the first; for `orDifferences` a number
  /// that is the positive's score minus the negative's does too.
  case scores(orDifferences: Bool)
}

/// A number that says how badly rows that belong together are embedded.
///
/// Value and gradient are finite for every finite input: with one row, no row, equal rows and rows of
/// zeros, whose cosine with every row is 0. Computed in float64, in O(rows²) memory.
public protocol ColumnLoss: Described, Parameterized {
  /// How many columns the loss takes.
  static var columnCounts: ClosedRange<Int> { get }
  var targets: ColumnTargets { get }
  /// Whether a teacher's vectors are asked for.
  var takesTeacher: Bool { get }
  /// Whether columns by a guide are asked for.
  var takesGuide: Bool { get }

  /// The loss of an input that ``validate(_:at:)`` accepts, in float64, of shape [].
  func value(_ input: ColumnInput) -> Tensor

  /// Makes the loss's own parameters, if it has any.
  mutating func makeParameters(dimension: Int, dtype: DType, random: Random)

  /// Checks what the loss alone can know of its input.
  func check(_ input: ColumnInput, at place: String) throws(Failure)
}

extension ColumnLoss {
  public var targets: ColumnTargets { .none }
  public var takesTeacher: Bool { false }
  public var takesGuide: Bool { false }
  public mutating func makeParameters(dimension: Int, dtype: DType, random: Random) {}
  public func check(_ input: ColumnInput, at place: String) throws(Failure) {}

  /// The loss of an input that ``validate(_:at:)`` accepts, in the dtype of its columns.
  public func callAsFunction(_ input: ColumnInput) -> Tensor {
    let dtype = input.columns.first?.dtype ?? .float64
    return value(input.widened).narrowed(to: dtype)
  }

  /// Checks that columns, targets, teacher and guide are what the loss asks for, and finite.
  public func validate(_ input: ColumnInput, at place: String) throws(Failure) {
    let counts = Self.columnCounts
    guard counts.contains(input.columns.count) else {
      let most = counts.upperBound == .max ? "or more" : "to \(counts.upperBound)"
      throw Failure(
        .badData, at: place, "there are \(input.columns.count) columns",
        expected: counts.lowerBound == counts.upperBound
          ? "\(counts.lowerBound)" : "\(counts.lowerBound) \(most)")
    }
    try input.checkMatrices(input.columns, "column", at: place)
    try checkTargets(input, at: place)
    if takesTeacher {
      guard let teacher = input.teacher else {
        throw Failure(.badData, at: place, "there is no teacher", expected: "--teacher T.npy")
      }
      try input.checkMatrices([teacher], "teacher", at: place)
    }
    if takesGuide {
      guard input.guide.count == input.columns.count else {
        throw Failure(
          .badData, at: place, "there are \(input.guide.count) columns of a guide",
          expected: "\(input.columns.count), one for each column")
      }
      try input.checkMatrices(input.guide, "guide", hasOwnDimension: false, at: place)
    }
    try check(input, at: place)
  }

  private func checkTargets(_ input: ColumnInput, at place: String) throws(Failure) {
    let found = input.targets
    func missing(_ what: String) -> Failure {
      Failure(.badData, at: place, "nothing is known of the rows", expected: what)
    }
    func isFitting(_ widths: [Int], _ range: ClosedRange<Double>, isWhole: Bool = false) -> Bool {
      guard let found, found.shape.first == input.rows else { return false }
      let width = found.shape.count == 2 ? found.shape[1] : 1
      return found.shape.count <= 2 && widths.contains(width)
        && found.elements(as: Double.self).allSatisfy {
          $0.isFinite && range.contains($0) && (!isWhole || $0.rounded() == $0)
        }
    }
    let documents = input.columns.count - 1
    let expected: String
    switch targets {
    case .none: return
    case .optionalNumber where found == nil: return
    case .number(let range), .optionalNumber(let range):
      if isFitting([1], range) { return }
      let isAny = range.upperBound == .greatestFiniteMagnitude
      expected =
        "a number for each of \(input.rows) rows"
        + (isAny ? "" : ", from \(range.lowerBound) to \(range.upperBound)")
    case .classes:
      if isFitting([1], 0...1e9, isWhole: true) { return }
      expected = "a class for each of \(input.rows) rows, numbered from 0"
    case .scores(let orDifferences):
      let any = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
      let widths = orDifferences ? [max(1, documents - 1), documents] : [documents]
      if isFitting(widths, any) { return }
      expected = "\(documents) scores for each of \(input.rows) rows, one for each document"
    }
    guard let found else { throw missing(expected) }
    throw Failure(
      .badData, at: place, "the labels or scores have shape \(found.shape), or are out of range",
      expected: expected)
  }
}

extension ColumnInput {
  fileprivate func checkMatrices(
    _ matrices: [Tensor], _ name: String, hasOwnDimension: Bool = true, at place: String
  ) throws(Failure) {
    let width = hasOwnDimension ? dimension : matrices.first?.shape.last ?? 0
    for (i, matrix) in matrices.enumerated() {
      guard matrix.shape == [rows, width] else {
        throw Failure(
          .badData, at: place, "\(name) \(i + 1) has shape \(matrix.shape)",
          expected: "[\(rows), \(width)], as the first")
      }
      guard matrix.elements(as: Double.self).allSatisfy(\.isFinite) else {
        throw Failure(
          .badData, at: place, "\(name) \(i + 1) has a number that is infinite or not a number",
          expected: "finite numbers")
      }
    }
  }
}
