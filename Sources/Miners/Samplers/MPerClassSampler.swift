import Autodiff
import Geometry
import Settings

/// Batches of a number of classes with a number of items each.
///
/// A pass puts the classes in a random order and takes them in groups, without repeating one; the
/// few at the end that do not fill a group are left out of that pass. The items of a class are
/// drawn without replacement, or with it if the class has too few. A batch lists its classes one
/// after another. (Also known as PK sampling.)
/// - Complexity: O(items) a batch.
public struct MPerClassSampler: Sampler {
  public var classes, perClass: Int

  public init(classes: Int, perClass: Int) { (self.classes, self.perClass) = (classes, perClass) }
  public init() { self.init(classes: 32, perClass: 4) }

  public static let summary = "batches of a number of classes with a number of items each"
  public static let source =
    "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes a batch has", in: 1...1_000_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...1_000_000),
  ]

  public var batchSize: Int { classes * perClass }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    try checkClasses(classes, of: labels, at: place)
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    precondition(
      step >= 0 && members.count >= classes,
      "MPerClassSampler: batch \(step) of \(classes) classes out of \(members.count)")
    let batches = members.count / classes
    var passRandom = random.split("classes").split(UInt64(step / batches))
    let order = passRandom.permutation(members.count)
    let first = step % batches * classes
    var itemRandom = random.split("items").split(UInt64(step))
    return order[first..<first + classes].flatMap {
      MPerClassSampler.draw(perClass, from: members[$0], &itemRandom)
    }
  }

  /// Draws items without replacement, or with it if there are too few.
  static func draw(_ count: Int, from items: [Int], _ random: inout Random) -> [Int] {
    guard items.count >= count else {
      return (0..<count).map { _ in items[random.below(items.count)] }
    }
    var items = items
    for i in 0..<count { items.swapAt(i, i + random.below(items.count - i)) }
    return Array(items.prefix(count))
  }
}

/// The items of each class, by ascending label.
func itemsByClass(_ labels: [Int]) -> [[Int]] {
  var members: [Int: [Int]] = [:]
  for (item, label) in labels.enumerated() { members[label, default: []].append(item) }
  return members.sorted { $0.key < $1.key }.map(\.value)
}
