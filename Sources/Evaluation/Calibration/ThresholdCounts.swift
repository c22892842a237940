import Autodiff

/// What one threshold accepts and refuses, class by class.
package struct ThresholdCounts {
  /// Accepted pairs of two different classes, by class × number of classes + other class.
  package let falseAccepts: [(first: Int, second: Int, count: Int)]
  /// Refused matching pairs and all matching pairs of each class.
  package let falseRejects, positives: [Int]

  private struct Accumulator {
    var falseAccepts: [Int: Int] = [:]
    var falseRejects: [Int]
  }

  /// - Parameter limit: the largest squared distance that is accepted, in the scale of `distances`.
  package init<S: Scalar>(_ distances: DistanceRows<S>, limit: Double) {
    let (classes, count) = (distances.gallery.classes, distances.gallery.members.count)
    let initial = Accumulator(falseRejects: Array(repeating: 0, count: count))
    let lanes = distances.reducePairs(initial) { lane, row, first, line in
      let number = classes[row]
      for (column, square) in line.enumerated() {
        let isAccepted = Double(square) <= limit
        let other = classes[first + column]
        if other == number {
          if !isAccepted { lane.falseRejects[number] += 1 }
        } else if isAccepted {
          lane.falseAccepts[min(number, other) * count + max(number, other), default: 0] += 1
        }
      }
    }
    var accepts: [Int: Int] = [:]
    for lane in lanes { accepts.merge(lane.falseAccepts, uniquingKeysWith: +) }
    falseAccepts = accepts.sorted { $0.key < $1.key }.map {
      ($0.key / count, $0.key % count, $0.value)
    }
    falseRejects = (0..<count).map { number in lanes.reduce(0) { $0 + $1.falseRejects[number] } }
    positives = distances.gallery.members.map { $0.count * ($0.count - 1) / 2 }
  }

  package func falseAccepts(_ weights: [Int]) -> Int {
    falseAccepts.reduce(0) { $0 + $1.count * weights[$1.first] * weights[$1.second] }
  }

  /// The share of matching pairs that are refused; nil if there are none.
  package func falseRejectRate(_ weights: [Int]) -> Double? {
    var (refused, total) = (0, 0)
    for number in positives.indices {
      refused += falseRejects[number] * weights[number]
      total += positives[number] * weights[number]
    }
    return total > 0 ? Double(refused) / Double(total) : nil
  }
}
