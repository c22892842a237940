import Classical
import Files
import Foundation
import Settings

/// The cases that `classical.py` made with metric-learn 0.7 and with solvers of its own.
struct GoldenCases {
  struct Case: CustomStringConvertible, Sendable {
    let number: Int
    let value: JSONValue
    let data: JSONValue?

    var dataset: String { text("dataset") }
    var method: String { text("method") }
    var description: String { "\(number) \(dataset) \(method)" }

    func text(_ key: String) -> String {
      if case .string(let text)? = value[key] { text } else { "" }
    }
    func number(_ key: String) -> Double? { value[key].flatMap(jsonNumber) }
    func matrix(_ key: String) -> Matrix? { value[key].map { Matrix(json: $0) } }
    func indices(_ key: String) -> [[Int]] {
      guard case .array(let rows)? = value[key] else { return [] }
      return rows.map { numbers($0).map { Int($0) } }
    }
    var parameters: JSONValue { value["parameters"] ?? .object([:]) }
    var tolerance: Double { number("tolerance") ?? 0 }

    /// The rows on which all is fitted, of index i with i % 3 != 2.
    var rows: Matrix {
      let all = Matrix(json: data?["x"] ?? .array([]))
      return all.rows(at: numbers(data?["train"] ?? .array([])).map { Int($0) })
    }
    var targets: [Double] {
      let all = numbers(data?["y"] ?? .array([]))
      return numbers(data?["train"] ?? .array([])).map { all[Int($0)] }
    }
    var labels: [Int] { targets.map { Int($0) } }
    var problem: LearningProblem {
      LearningProblem(rows: rows, labels: labels, place: description)
    }
    /// The pairs of this case, or those of the data set's ITML.
    var pairs: [RowPair] {
      indices("positivePairs").map { RowPair($0[0], $0[1], isAlike: true) }
        + indices("negativePairs").map { RowPair($0[0], $0[1], isAlike: false) }
    }
  }

  let cases: [Case]

  init(path: String) throws {
    let value = try JSONValue(json5: try FileSystem.readText(path), at: path)
    guard case .array(let list)? = value["cases"] else {
      throw Failure(.badData, at: path, "no cases")
    }
    cases = list.enumerated().map { number, item in
      let name = if case .string(let name)? = item["dataset"] { name } else { "" }
      return Case(number: number, value: item, data: value["datasets"]?[name])
    }
  }

  /// A case of the same data set by another method.
  func other(than own: Case, method: String) -> Case? {
    cases.first { $0.dataset == own.dataset && $0.method == method }
  }
}

private func jsonNumber(_ value: JSONValue) -> Double? {
  if case .number(let number) = value { number } else { nil }
}

func numbers(_ value: JSONValue) -> [Double] {
  guard case .array(let items) = value else { return [] }
  return items.compactMap(jsonNumber)
}

extension Matrix {
  init(json value: JSONValue) {
    guard case .array(let rows) = value else {
      self.init(zeros: 0, 0)
      return
    }
    let lists = rows.map(numbers)
    self.init(lists.flatMap { $0 }, rows: lists.count, columns: lists.first?.count ?? 0)
  }

  /// The Frobenius norm of the difference, relative to that of the other.
  func distance(to other: Matrix) -> Double { (self - other).norm / max(other.norm, 1e-300) }
}

/// How many test rows the three nearest training rows classify rightly; ties go to the nearest.
func rightByNeighbors(_ map: Matrix, _ data: JSONValue) -> Int {
  let embedded = Matrix(json: data["x"] ?? .array([])).times(map, transposingOther: true)
  let labels = numbers(data["y"] ?? .array([]))
  let train = numbers(data["train"] ?? .array([])).map { Int($0) }
  return numbers(data["test"] ?? .array([])).map { Int($0) }.count { row in
    let near = train.map { other in
      (
        zip(embedded.row(row), embedded.row(other)).reduce(0) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }, other
      )
    }.sorted { $0 < $1 }.prefix(3).map { labels[$0.1] }
    let counts = Dictionary(near.map { ($0, 1) }, uniquingKeysWith: +)
    let most = counts.values.max()
    return near.first { counts[$0] == most } == labels[row]
  }
}
