import Autodiff
import Evaluation
import Foundation

/// The metrics once more, in the slowest and plainest way.
struct Oracle {
  let query, gallery: [[Double]]
  let queryLabels, galleryLabels: [Int]
  let isSelf: Bool
  /// The group of each row, of queries and gallery alike, or nil.
  let groups: [Int]?

  init(
    _ query: [[Double]], _ labels: [Int], gallery: ([[Double]], [Int])? = nil, groups: [Int]? = nil
  ) {
    self.groups = groups
    (self.query, queryLabels) = (query, labels)
    self.gallery = gallery?.0 ?? query
    galleryLabels = gallery?.1 ?? labels
    isSelf = gallery == nil
  }

  func distance(_ i: Int, _ j: Int) -> Double {
    zip(query[i], gallery[j]).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }

  /// For each query with a match, whether each neighbour matches, nearest first.
  var matches: [[Bool]] {
    query.indices.compactMap { i in
      let order = gallery.indices.filter { !isSelf || $0 != i }
        .sorted { (distance(i, $0), $0) < (distance(i, $1), $1) }
      let matches = order.map { galleryLabels[$0] == queryLabels[i] }
      return matches.contains(true) ? matches : nil
    }
  }

  func mean(_ measure: ([Bool]) -> Double) -> Double {
    let values = matches.map(measure)
    return values.reduce(0, +) / Double(values.count)
  }

  static func averagePrecision(_ matches: [Bool], within k: Int) -> Double {
    var (hits, sum) = (0.0, 0.0)
    for (i, match) in matches.prefix(k).enumerated() where match {
      hits += 1
      sum += hits / Double(i + 1)
    }
    return sum / Double(matches.count { $0 })
  }

  /// Distances of matching pairs and of the others.
  var pairs: (positives: [Double], negatives: [Double]) {
    var result: ([Double], [Double]) = ([], [])
    for i in query.indices {
      for j in gallery.indices where !isSelf || j > i {
        if let groups, queryLabels[i] == galleryLabels[j], groups[i] == groups[j] { continue }
        if queryLabels[i] == galleryLabels[j] {
          result.0.append(distance(i, j))
        } else {
          result.1.append(distance(i, j))
        }
      }
    }
    return result
  }

  var areaUnderCurve: Double {
    let (positives, negatives) = pairs
    var sum = 0.0
    for p in positives { for n in negatives { sum += p < n ? 1 : p == n ? 0.5 : 0 } }
    return sum / Double(positives.count) / Double(negatives.count)
  }

  var equalErrorRate: Double {
    let (positives, negatives) = pairs
    var last = (accept: 0.0, reject: 1.0)
    for t in Set(positives + negatives).sorted() {
      let accept = Double(negatives.count { $0 <= t }) / Double(negatives.count)
      let reject = Double(positives.count { $0 > t }) / Double(positives.count)
      if accept >= reject {
        let (a, b) = (last.accept - last.reject, accept - reject)
        return last.accept + (accept - last.accept) * (-a / (b - a))
      }
      last = (accept, reject)
    }
    return 1
  }

  var inconsistency: Double {
    let negatives = pairs.negatives.sorted()
    func quantile(_ share: Double) -> Double {
      let place = share * Double(negatives.count - 1)
      let below = Int(place)
      let next = negatives[min(below + 1, negatives.count - 1)]
      return negatives[below] + (place - Double(below)) * (next - negatives[below])
    }
    let (low, high) = (quantile(0.01), quantile(0.1))
    let classes = Set(queryLabels).sorted()
    let curves: [[Double]] = classes.compactMap { label in
      var (positives, negatives): ([Double], [Double]) = ([], [])
      for i in query.indices where queryLabels[i] == label {
        for j in gallery.indices where !isSelf || i != j {
          if galleryLabels[j] == label, groups.map({ $0[i] == $0[j] }) ?? false { continue }
          if galleryLabels[j] == label {
            positives.append(distance(i, j))
          } else {
            negatives.append(distance(i, j))
          }
        }
      }
      guard !positives.isEmpty else { return nil }
      return (0...100).map { step in
        let t = step == 100 ? high : low + (high - low) / 100 * Double(step)
        let sensitivity = Double(positives.count { $0 <= t }) / Double(positives.count)
        let specificity = Double(negatives.count { $0 > t }) / Double(negatives.count)
        return sensitivity + specificity > 0
          ? 2 * sensitivity * specificity / (sensitivity + specificity) : 0
      }
    }
    var sum = 0.0
    for t in 0...100 {
      let mean = curves.reduce(0.0) { $0 + $1[t] } / Double(curves.count)
      sum += curves.reduce(0.0) { $0 + ($1[t] - mean) * ($1[t] - mean) }
    }
    return sum / Double(curves.count * 101)
  }
}

extension EmbeddingSet {
  init(
    _ rows: [[Double]], _ labels: [Int], groups: [Int]? = nil, dtype: DType = .float64
  ) {
    self.init(
      embeddings: Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
        .converted(to: dtype), labels: labels, groups: groups)
  }
}
