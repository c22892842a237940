import Autodiff
import Geometry
import Settings

/// Batches of classes whose items cover their class: no two near-copies while something is unseen.
///
/// Classes are drawn as by ``MPerClassSampler``. Of each class the first item is drawn, and each
/// further one is the item farthest from those taken so far (greedy k-centre: the radius that is
/// left uncovered is at most twice the least possible), by unit embeddings that are made anew every
/// ``every`` steps. Until items are embedded they are drawn at random; a class with too few items
/// gives all of them before one is repeated.
/// - Complexity: O(items × dimension) memory; O(perClass × items of a class × dimension) a class.
/// - Reference: Sener and Savarese, *Active Learning for Convolutional Neural Networks: A Core-Set
///   Approach* (ICLR 2018), for the greedy cover; batches of it are our use.
public struct CoresetSampler: AdaptiveSampler {
  public var classes = 32
  public var perClass = 4
  public var every = 500
  /// Unit embeddings of all items, 0 until they are known; [items, dimension].
  private var embeddings = Tensor(zeros: [0, 0], dtype: .float64)

  public init() {}

  public static let summary = "items of each class that cover it, by a greedy coreset"
  public static let source =
    "Sener and Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, "
    + "ICLR 2018"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes a batch has", in: 1...1_000_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...1_000_000),
    Setting("every", \Self.every, "after how many steps items are embedded again", in: 1...1 << 30),
  ]

  public var batchSize: Int { classes * perClass }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    try checkClasses(classes, of: labels, at: place)
  }

  public mutating func prepare(itemCount: Int, dimension: Int) {
    embeddings = Tensor(zeros: [itemCount, dimension], dtype: .float64)
  }

  public mutating func observe(_ found: Tensor, labels: [Int], random: Random) {
    embeddings = found.detached.withUnitRows().converted(to: .float64)
  }

  public mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    try body("embeddings", &embeddings)
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let plain = MPerClassSampler(classes: classes, perClass: 1)
    let first = plain.batch(step, of: labels, random: random)
    let members = itemsByClass(labels)
    let place = Dictionary(members.map { (labels[$0[0]], $0) }, uniquingKeysWith: { a, _ in a })
    var random = random.split("coreset").split(UInt64(step))
    return first.flatMap { item in
      cover(place[labels[item]] ?? [item], from: item, &random)
    }
  }

  /// Items of a class, the first given, each of the others the farthest from those before.
  private func cover(_ items: [Int], from first: Int, _ random: inout Random) -> [Int] {
    let dimension = embeddings.shape[1]
    // Ties, as before items are embedded, go to the first in a random order.
    let order = random.permutation(items.count).map { items[$0] }
    var chosen = [first]
    embeddings.withElements(of: Double.self) { x in
      var nearest = [Double](repeating: .infinity, count: order.count)
      var newest = first
      while chosen.count < min(perClass, order.count) {
        var farthest = -1
        for (i, item) in order.enumerated() {
          var squared = 0.0
          if embeddings.shape[0] > max(item, newest) {
            for k in 0..<dimension {
              let difference = x[item * dimension + k] - x[newest * dimension + k]
              squared += difference * difference
            }
          }
          nearest[i] = item == newest ? -1 : min(nearest[i], squared)
          if nearest[i] >= 0, farthest < 0 || nearest[i] > nearest[farthest] { farthest = i }
        }
        guard farthest >= 0 else { break }
        newest = order[farthest]
        chosen.append(newest)
      }
    }
    while chosen.count < perClass { chosen.append(order[random.below(order.count)]) }
    return chosen
  }
}
