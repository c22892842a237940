import Autodiff
import Geometry
import Settings

/// A sampler that looks at what the encoder makes of all items, now and then.
///
/// What it learns is its state, which a checkpoint holds: a resumed run draws the same batches.
public protocol AdaptiveSampler: Sampler {
  /// After how many steps the items are embedded again; the first time before step 0.
  var every: Int { get }

  /// Makes room for the state of so many items; until it observes, it draws without it.
  mutating func prepare(itemCount: Int, dimension: Int)

  /// Learns from the embeddings of all items, [items, dimension].
  mutating func observe(_ embeddings: Tensor, labels: [Int], random: Random)

  /// Calls `body` with all that a resumed run needs, by name; float64, of shapes that ``prepare``
  /// sets.
  mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows
}

extension AdaptiveSampler {
  /// Whether items are embedded before a step.
  public func observes(before step: Int) -> Bool { step % max(1, every) == 0 }
}

/// Checks that there are enough classes for a batch.
func checkClasses(_ classes: Int, of labels: [Int], at place: String) throws(Failure) {
  let count = Set(labels).count
  guard count >= classes else {
    throw Failure(
      .badData, at: place,
      count == 1 ? "there is one class to draw from" : "there are \(count) classes to draw from",
      expected: "at least \(classes), the classes of a batch",
      // One class has no other to be told from.
      remedy: count > 1 ? "set \"classes\" to \(count) or less" : "")
  }
}

/// Draws different places with probabilities in proportion to weights, 0 or more; when only weights
/// of 0 are left, the first places.
func drawn(_ count: Int, weights: [Double], _ random: inout Random) -> [Int] {
  var weights = weights
  var free = [Bool](repeating: true, count: weights.count)
  return (0..<min(count, weights.count)).map { _ in
    var rest = random.uniform() * weights.reduce(0, +)
    var place = free.firstIndex(of: true) ?? 0
    for i in weights.indices where weights[i] > 0 {
      place = i
      rest -= weights[i]
      if rest < 0 { break }
    }
    (weights[place], free[place]) = (0, false)
    return place
  }
}

/// Unit means of classes, by ascending label: [classes, dimension]; 0 where rows cancel out.
func unitClassMeans(_ embeddings: Tensor, _ members: [[Int]]) -> Tensor {
  let dimension = embeddings.shape[1]
  let rows = embeddings.detached.withUnitRows().elements(as: Double.self)
  var means = [Double](repeating: 0, count: members.count * dimension)
  for (c, items) in members.enumerated() {
    for item in items {
      for k in 0..<dimension { means[c * dimension + k] += rows[item * dimension + k] }
    }
  }
  return Tensor(means, shape: [members.count, dimension]).withUnitRows()
}
