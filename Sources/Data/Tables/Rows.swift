import Autodiff
import Settings

/// Rows of float64 numbers with what is known of each.
///
/// What ``Dataset`` is to pictures and training steps, this is to a table from which a metric is
/// learned: classes are optional, and there may be numbers to predict instead.
public struct Rows: Sendable {
  public var name: String
  /// The names of the columns.
  public var columns: [String]
  /// The numbers, row after row.
  public var values: [Double]
  public var count: Int
  /// The class of each row, an index into `classNames`.
  public var labels: [Int]?
  public var classNames: [String] = []
  public var targets: [Double]?
  public var treated: [Bool]?
  /// Which columns stand for one covariate each: the columns of a category belong together.
  public var covariates: [Range<Int>] = []
  /// Where each row comes from.
  public var rowNames: [String]
  /// The shape of an item, if it is no vector.
  public var itemShape: [Int]?

  public init(
    name: String, columns: [String], values: [Double], count: Int, rowNames: [String]? = nil
  ) {
    precondition(
      values.count == columns.count * count,
      "Rows: \(values.count) numbers for \(count) rows of \(columns.count)")
    (self.name, self.columns, self.values, self.count) = (name, columns, values, count)
    self.rowNames = rowNames ?? (0..<count).map { "\(name)#\($0)" }
  }

  public var width: Int { columns.count }

  /// Items of a data set as rows, in float64.
  public init(_ items: Dataset) {
    self.init(
      name: items.name, columns: (0..<items.itemWidth).map { "column \($0)" },
      values: items.values.map(Double.init), count: items.count, rowNames: items.itemNames)
    (labels, classNames, itemShape) = (items.labels, items.classNames, items.itemShape)
  }

  /// Some rows, in the order given.
  public func keeping(_ rows: [Int], name: String? = nil) -> Rows {
    var kept: [Double] = []
    kept.reserveCapacity(rows.count * width)
    for row in rows { kept += values[row * width..<(row + 1) * width] }
    var result = Rows(
      name: name ?? self.name, columns: columns, values: kept, count: rows.count,
      rowNames: rows.map { rowNames[$0] })
    (result.classNames, result.itemShape) = (classNames, itemShape)
    result.covariates = covariates
    result.labels = labels.map { labels in rows.map { labels[$0] } }
    result.targets = targets.map { targets in rows.map { targets[$0] } }
    result.treated = treated.map { treated in rows.map { treated[$0] } }
    return result
  }

  /// The rows as items in float32; all of one class if they have none.
  public var dataset: Dataset {
    Dataset(
      name: name, itemShape: itemShape ?? [width], values: values.map { Float($0) },
      labels: labels ?? [Int](repeating: 0, count: count),
      classNames: labels == nil ? ["all"] : classNames, itemNames: rowNames)
  }
}

/// Rows to learn from, and rows to judge on if some were kept aside.
public struct RowSplit: Sendable {
  public var train: Rows
  public var test: Rows?
  /// What a user should know of how the rows were read, a sentence each.
  public var notes: [String] = []
  /// How the cells of a table became numbers; goes with the model.
  public var preparation: JSONValue?

  public init(train: Rows, test: Rows? = nil) { (self.train, self.test) = (train, test) }
}

/// A data source that a classical learner can take: rows of numbers.
public protocol RowSource: DataSource {
  func loadRows(root: String) throws(Failure) -> RowSplit
}

extension RowSource {
  public func load(root: String) throws(Failure) -> DataSplit {
    let split = try loadRows(root: root)
    guard split.train.labels != nil, (split.test ?? split.train).labels != nil else {
      throw Failure(
        .badData, at: split.train.name, "the rows have no classes",
        expected: "labels, without which there is nothing to judge by",
        remedy: "give labels, or judge with kindred evaluate --embeddings E.npy --labels Y.npy")
    }
    return DataSplit(train: split.train.dataset, test: (split.test ?? split.train).dataset)
  }
}

/// Which rows of one set are kept aside to judge on.
public enum RowDivision: String, CaseIterable, Sendable {
  /// None, or a share of the rows of each class.
  case rows
  /// Whole classes, which are then never seen in learning.
  case classes
}

/// How rows of one set are divided.
public struct RowRules: Sendable {
  public var split = RowDivision.rows
  public var testShare = 0.0
  public var testClasses: [String] = []
  public var seed = 0

  public init() {}

  /// The rows in two parts.
  func divide(_ rows: Rows, at place: String) throws(Failure) -> RowSplit {
    let parts = try division(
      count: rows.count, labels: rows.labels, classNames: rows.classNames, at: place)
    guard !parts.test.isEmpty else { return RowSplit(train: rows) }
    return RowSplit(
      train: rows.keeping(parts.train, name: rows.name + " (train)"),
      test: rows.keeping(parts.test, name: rows.name + " (test)"))
  }

  /// Which rows are learned from and which are judged.
  ///
  /// - Throws: if rows are asked for and nothing would be left on one side.
  func division(
    count: Int, labels: [Int]?, classNames: [String], at place: String
  ) throws(Failure) -> (train: [Int], test: [Int]) {
    if split == .classes || !testClasses.isEmpty {
      guard let labels else {
        throw Failure(
          .badData, at: place, "the rows have no classes to split by", remedy: "set split: \"rows\""
        )
      }
      let items = Dataset(
        name: place, itemShape: [0], values: [], labels: labels, classNames: classNames,
        itemNames: (0..<count).map(String.init))
      let halves = try ClassSplit(
        testClasses: testClasses, testFraction: testShare > 0 ? testShare : 0.5, seed: seed
      ).apply(to: items, at: place)
      return (
        halves.train.itemNames.compactMap { Int($0) }, halves.test.itemNames.compactMap { Int($0) }
      )
    }
    guard testShare > 0 else { return (Array(0..<count), []) }
    var random = Random(seed: UInt64(seed)).split("rows")
    var groups = [Array(0..<count)]
    if let labels {
      groups = classNames.indices.map { label in labels.indices.filter { labels[$0] == label } }
    }
    // The nearest whole number of all rows so far, so that small classes take part too.
    var (seen, taken) = (0, 0)
    var test: Set<Int> = []
    for group in groups {
      seen += group.count
      let wanted = Int((testShare * Double(seen)).rounded()) - taken
      let own = min(max(0, wanted), max(0, group.count - 1))
      taken += own
      for member in random.permutation(group.count).prefix(own) { test.insert(group[member]) }
    }
    guard !test.isEmpty, test.count < count else {
      throw Failure(
        .badData, at: place,
        "of \(count) rows, \(count - test.count) are left to learn from and \(test.count) to judge on",
        expected: "one at least of each", remedy: "change the share")
    }
    return ((0..<count).filter { !test.contains($0) }, test.sorted())
  }
}

/// A source whose rows are divided by rules.
public protocol RowRuled: RowSource {
  var rowRules: RowRules { get set }
}

extension RowRuled {
  static var rowSettings: [Setting<Self>] {
    [
      Setting(
        "split", \.rowRules.split,
        "what is kept to judge on: rows of all classes, or whole classes"),
      Setting(
        "testShare", \.rowRules.testShare,
        "the share of rows (or classes) to judge on; 0: none (of classes: half)", in: 0...0.95),
      Setting(
        "testClasses", \.rowRules.testClasses, "the classes to judge on; empty: by testShare"),
      Setting("seed", \.rowRules.seed, "what is kept to judge on is drawn from this"),
    ]
  }
}
