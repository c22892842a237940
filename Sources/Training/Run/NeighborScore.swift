import Autodiff
import Classical
import Data
import Settings

/// What the three nearest rows learned from say of other rows: their class, or their number.
public struct NeighborScore: Sendable {
  public static let count = 3
  /// What the numbers are: "accuracy", or "mean-absolute-error" of targets.
  public let name: String
  public let baseline, trained: Double

  /// - Returns: nil for rows with neither classes nor targets, or too many to look through.
  init?(_ split: RowSplit, raw: (Rows) -> Matrix, learned: (Rows) -> Matrix) {
    let judged = split.test ?? split.train
    let isOwn = split.test == nil
    guard split.train.count > (isOwn ? 1 : 0), judged.count * split.train.count <= 1 << 28 else {
      return nil
    }
    func score(_ map: (Rows) -> Matrix) -> Double? {
      let near = NeighborScore.nearest(map(judged), map(split.train), isOwn: isOwn)
      if let known = split.train.targets, let wanted = judged.targets {
        let errors = near.indices.map { row in
          abs(wanted[row] - near[row].reduce(0) { $0 + known[$1] } / Double(near[row].count))
        }
        return errors.reduce(0, +) / Double(max(1, errors.count))
      }
      guard let known = split.train.labels, let wanted = judged.labels else { return nil }
      let right = near.indices.count { row in
        NeighborScore.vote(near[row].map { split.train.classNames[known[$0]] })
          == judged.classNames[wanted[row]]
      }
      return Double(right) / Double(max(1, judged.count))
    }
    guard let baseline = score(raw), let trained = score(learned) else { return nil }
    (self.baseline, self.trained) = (baseline, trained)
    name = split.train.targets != nil && judged.targets != nil ? "mean-absolute-error" : "accuracy"
  }

  public var json: JSONValue {
    [
      "neighbors": JSONValue(NeighborScore.count), "measure": .string(name),
      "baseline": .number(baseline), "trained": .number(trained),
    ]
  }

  /// The most frequent; of several that is the nearest one.
  private static func vote(_ names: [String]) -> String? {
    let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
    let most = counts.values.max()
    return names.first { counts[$0] == most }
  }

  private static func nearest(_ queries: Matrix, _ rows: Matrix, isOwn: Bool) -> [[Int]] {
    let joined = Matrix(
      rows.elements + (isOwn ? [] : queries.elements),
      rows: rows.rows + (isOwn ? 0 : queries.rows), columns: rows.columns)
    let first = isOwn ? 0 : rows.rows
    return Array(
      nearestRows(joined, count, of: first..<joined.rows) { _, j in j < rows.rows })
  }
}
