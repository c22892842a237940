import Autodiff
import Settings

/// Batches in which no item occurs twice.
///
/// As ``MPerClassSampler``, except that classes with fewer than ``perClass`` items are left out
/// rather than drawn from with replacement. For losses that take every other row of the batch for
/// a different item, such as a pair of views and in-batch negatives, with 2 items of each class.
/// - Complexity: O(items) a batch.
public struct NoDuplicatesSampler: Sampler {
  public var classes, perClass: Int

  public init(classes: Int, perClass: Int) { (self.classes, self.perClass) = (classes, perClass) }
  public init() { self.init(classes: 32, perClass: 2) }

  public static let summary = "batches of a number of classes in which no item occurs twice"
  public static let source =
    "Reimers and Gurevych, Sentence-BERT, EMNLP 2019 (NoDuplicatesDataLoader of its library)"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes a batch has", in: 1...1_000_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...1_000_000),
  ]

  public var batchSize: Int { classes * perClass }
  private var inner: MPerClassSampler { MPerClassSampler(classes: classes, perClass: perClass) }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    let items = usableItems(labels)
    let count = Set(items.map { labels[$0] }).count
    guard count >= classes else {
      throw Failure(
        .badData, at: place, "\(count) classes have \(perClass) items or more",
        expected: "at least \(classes), the classes of a batch",
        remedy: "lower \"classes\" or \"perClass\"")
    }
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let items = usableItems(labels)
    return inner.batch(step, of: items.map { labels[$0] }, random: random).map { items[$0] }
  }

  private func usableItems(_ labels: [Int]) -> [Int] {
    itemsByClass(labels).filter { $0.count >= perClass }.flatMap { $0 }
  }
}
