import Autodiff
import Settings

/// What a picture of an embedding set is drawn from: who is near whom, and how far pairs are apart.
public struct Inspection: Sendable {
  /// For each row the rank of its nearest match among all others; nil for a row without a match.
  public let firstRanks: [Int?]
  /// For each row the nearest others, nearest first: 10, or all if there are fewer.
  public let nearest: [[Int]]
  /// All unordered pairs of different rows, by ascending distance; steps without pairs are left out.
  public let steps: [PairCount]
  /// How each class fares at common thresholds; nil with fewer than two classes with pairs.
  public let classCurves: ClassCurves?

  /// - Complexity: as ``evaluate(query:gallery:options:)``: O(n² d) time.
  public init(_ set: EmbeddingSet) throws(Failure) {
    try set.check()
    self =
      set.embeddings.dtype == .float64
      ? Inspection(set, of: Double.self) : Inspection(set, of: Float.self)
  }

  private init<S: Scalar>(_ set: EmbeddingSet, of type: S.Type) {
    let rows = LabeledRows<S>.prepare([set], distance: .euclidean)[0]
    let distances = DistanceRows(query: rows, gallery: rows, isSelf: true)
    let count = min(NearestRows.most, rows.count - 1)
    let pass = RankPass(
      distances, measures: [{ Double($0.first) }], countsPairs: true, nearestCount: count,
      curves: true)
    firstRanks = pass.values[0].map { $0.isNaN ? nil : Int($0) }
    nearest = (0..<rows.count).map { row in
      pass.nearest[row * count..<(row + 1) * count].map(Int.init)
    }
    let scale = rows.scale
    steps = pass.pairCounts(scale: scale)
    let labels = Set(set.labels).sorted()
    classCurves = PairCurve(distances, pass).flatMap {
      OperatingCurves(distances, over: $0.falseAcceptQuantiles, zones: pass.zones)
    }.map { curves in
      ClassCurves(
        labels: curves.classes.map { labels[$0] }, thresholds: curves.thresholds.map { $0 * scale },
        utilities: curves.utilities, firstAccepts: curves.firstAccepts)
    }
  }

  /// The share of rows with a match whose first match is among the nearest `k`; nil without such.
  public func recall(at k: Int) -> Double? {
    let known = firstRanks.compactMap { $0 }
    return known.isEmpty ? nil : Double(known.count { $0 <= k }) / Double(known.count)
  }

  /// Rows whose nearest other is of another class, counted by the two classes, most first.
  public func confusions(labels: [Int]) -> [(first: Int, second: Int, rows: [Int])] {
    var rows: [[Int]: [Int]] = [:]
    for (row, others) in nearest.enumerated() {
      guard let other = others.first, labels[other] != labels[row] else { continue }
      let pair = [labels[row], labels[other]].sorted()
      rows[pair, default: []].append(row)
    }
    return rows.sorted {
      $0.value.count != $1.value.count
        ? $0.value.count > $1.value.count : $0.key.lexicographicallyPrecedes($1.key)
    }
    .map { ($0.key[0], $0.key[1], $0.value) }
  }
}

/// The utility 2 · sensitivity · specificity / (sensitivity + specificity) of each class at common
/// thresholds, from a false accept rate of 1 % to one of 10 % over all pairs.
public struct ClassCurves: Sendable {
  /// The labels of the classes with a matching pair.
  public let labels: [Int]
  /// Distances, ascending.
  public let thresholds: [Double]
  /// [classes][thresholds]
  public let utilities: [[Double]]
  /// Of each class the matching pairs that the first threshold accepts, and all of them.
  package let firstAccepts: [(accepted: Int, pairs: Int)]

  public var meanUtilities: [Double] {
    utilities.map { $0.reduce(0, +) / Double(max(1, $0.count)) }
  }

  /// For each threshold the mean over the classes and the standard deviation, whose square is what
  /// OPIS averages.
  public var bands: [(mean: Double, deviation: Double)] {
    thresholds.indices.map { t in
      let column = utilities.map { $0[t] }
      let mean = column.reduce(0, +) / Double(column.count)
      let square = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
      return (mean, square.squareRoot())
    }
  }
}
