import Autodiff
import Settings

/// Rows, and what is known of them.
public struct LearningProblem: Sendable {
  /// [items, columns], finite.
  public var rows: Matrix
  /// The class of each row, from 0.
  public var labels: [Int]?
  /// What messages call the classes; empty: their numbers.
  public var classNames: [String] = []
  public var targets: [Double]?
  /// Two rows, and whether they are alike.
  public var pairs: [RowPair]?
  /// Rows a, b, c: a is nearer to b than to c.
  public var triplets: [RowTriplet]?
  /// Rows a, b, c, d: a is nearer to b than c is to d.
  public var quadruplets: [RowQuadruplet]?
  /// The chunk of each row, from 0; -1 for none.
  public var chunks: [Int]?
  /// Whether each row was treated; the outcomes are the targets.
  public var treated: [Bool]?
  /// Which columns stand for one covariate each; empty: every column for its own.
  public var covariates: [Range<Int>] = []
  /// The rows of the map; nil: as many as there are columns.
  public var components: Int?
  /// What is drawn at random depends on this alone.
  public var random = Random(seed: 0)
  /// Where the rows came from, for messages.
  public var place: String

  public init(rows: Matrix, labels: [Int]? = nil, place: String = "rows") {
    (self.rows, self.labels, self.place) = (rows, labels, place)
  }

  public var count: Int { rows.rows }
  public var width: Int { rows.columns }
  public var classCount: Int { (labels?.max() ?? -1) + 1 }
}

public struct RowPair: Sendable, Hashable {
  public var first, second: Int
  public var isAlike: Bool

  public init(_ first: Int, _ second: Int, isAlike: Bool) {
    (self.first, self.second, self.isAlike) = (first, second, isAlike)
  }
}

public struct RowTriplet: Sendable, Hashable {
  public var anchor, near, far: Int

  public init(_ anchor: Int, _ near: Int, _ far: Int) {
    (self.anchor, self.near, self.far) = (anchor, near, far)
  }
}

public struct RowQuadruplet: Sendable, Hashable {
  public var near, far: (Int, Int)

  public init(_ a: Int, _ b: Int, _ c: Int, _ d: Int) { (near, far) = ((a, b), (c, d)) }

  public static func == (a: Self, b: Self) -> Bool { a.near == b.near && a.far == b.far }
  public func hash(into hasher: inout Hasher) {
    for index in [near.0, near.1, far.0, far.1] { hasher.combine(index) }
  }
}

// MARK: - What learners ask for

extension LearningProblem {
  func failure(_ found: String, expected: String = "", remedy: String = "") -> Failure {
    Failure(.badData, at: place, found, expected: expected, remedy: remedy)
  }

  func name(ofClass label: Int) -> String {
    classNames.indices.contains(label) ? classNames[label] : String(label)
  }

  /// The class of each row, of two classes at least.
  func requiredLabels() throws(Failure) -> [Int] {
    guard let labels else {
      throw failure("the rows have no labels", expected: "a class for each row")
    }
    guard Set(labels).count > 1 else {
      throw failure(
        "all rows are of one class", expected: "two classes or more, to tell them apart")
    }
    return labels
  }

  func requiredTargets() throws(Failure) -> [Double] {
    guard let targets else {
      throw failure("the rows have no targets", expected: "a number for each row")
    }
    return targets
  }

  /// The rows of each class.
  static func members(of labels: [Int]) -> [[Int]] {
    var members = [[Int]](repeating: [], count: (labels.max() ?? -1) + 1)
    for (row, label) in labels.enumerated() { members[label].append(row) }
    return members
  }

  /// How many rows the map has, refused beyond the number of columns.
  func rank() throws(Failure) -> Int {
    let rank = components ?? width
    guard rank <= width else {
      throw failure(
        "\(rank) components of \(width) columns", expected: "\(width) components or fewer")
    }
    return rank
  }

  /// Fails unless there are so many rows.
  func requireRows(_ least: Int) throws(Failure) {
    guard count >= least else {
      throw failure("there are \(count) rows", expected: "\(least) or more")
    }
  }
}
