import Settings

/// How relevant items are to each other where one class for each does not say it.
public enum Relevance: Sendable, Equatable {
  /// Several labels for each item, [items][levels], the finest first and each level dividing the next:
  /// the share of levels from the coarsest on that two items have in common.
  case levels([[Int]])
  /// Any number of labels for each item, [items][labels]: the labels that two items have in common over
  /// those that either has (Jaccard), 0 where neither has any.
  case labelSets([[Bool]])
  /// Given for each pair, [items][items], 0 or more.
  case grades([[Double]])

  /// How many items there are.
  public var count: Int {
    switch self {
    case .levels(let rows): rows.count
    case .labelSets(let rows): rows.count
    case .grades(let rows): rows.count
    }
  }

  /// From 0, not relevant.
  func grade(_ i: Int, _ j: Int) -> Double {
    switch self {
    case .levels(let rows):
      var common = 0
      for (a, b) in zip(rows[i].reversed(), rows[j].reversed()) {
        guard a == b else { break }
        common += 1
      }
      return Double(common) / Double(rows[i].count)
    case .labelSets(let rows):
      var (both, either) = (0, 0)
      for (a, b) in zip(rows[i], rows[j]) {
        if a && b { both += 1 }
        if a || b { either += 1 }
      }
      return either > 0 ? Double(both) / Double(either) : 0
    case .grades(let rows): return rows[i][j]
    }
  }

  func check(at place: String) throws(Failure) {
    let isRectangular: Bool
    switch self {
    case .levels(let rows):
      isRectangular = rows.allSatisfy { $0.count == rows[0].count && !$0.isEmpty }
    case .labelSets(let rows): isRectangular = rows.allSatisfy { $0.count == rows[0].count }
    case .grades(let rows):
      isRectangular = rows.allSatisfy { row in
        row.count == rows.count && row.allSatisfy { $0 >= 0 && $0.isFinite }
      }
    }
    guard isRectangular else {
      throw Failure(
        .badData, at: place, "the relevance does not have a row of equal length for each item",
        expected: "levels or labels for each item, or a grade of 0 or more for each pair")
    }
  }
}
