import Autodiff
import Settings

/// Batches whose classes are about the same topic, so that their negatives are hard.
///
/// Every ``every`` steps all items are embedded again, and the unit means of the classes are cut
/// into ``topics`` clusters by k-means. A batch draws topics, each as likely, and takes up to
/// ``classes`` / ``topicsPerBatch`` classes of each, until it has ``classes`` different ones: a
/// small topic gives all its classes, and another topic is drawn. Of each class it takes
/// ``perClass`` items, without replacement while there are enough. With items that are classes of
/// their own and perClass = 1 these are the query batches of topic-aware sampling.
/// - Complexity: O(classes × topics × dimension) an iteration of k-means to learn; O(items) a batch.
/// - Reference: Hofstätter et al., *Efficiently Teaching an Effective Dense Retriever with Balanced
///   Topic Aware Sampling* (SIGIR 2021); for balanced margins see
///   ``BalancedMarginMiner``.
public struct TopicClusteredSampler: AdaptiveSampler {
  public var classes = 32
  public var perClass = 4
  public var topics = 16
  public var topicsPerBatch = 1
  public var every = 500
  /// The topic of each item, -1 until it is known; [items].
  private var topicOf = Tensor(zeros: [0], dtype: .float64)

  public init() {}

  public static let summary = "batches of classes that the encoder takes to be about one topic"
  public static let source =
    "Hofstätter et al., Efficiently Teaching an Effective Dense Retriever with Balanced Topic "
    + "Aware Sampling, SIGIR 2021"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes a batch has", in: 1...1_000_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...1_000_000),
    Setting("topics", \Self.topics, "how many topics there are", in: 1...1_000_000),
    Setting(
      "topicsPerBatch", \Self.topicsPerBatch, "how many topics share a batch", in: 1...1_000_000),
    Setting("every", \Self.every, "after how many steps topics are found anew", in: 1...1 << 30),
  ]

  public var batchSize: Int { classes * perClass }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    try checkClasses(classes, of: labels, at: place)
  }

  public mutating func prepare(itemCount: Int, dimension: Int) {
    topicOf = Tensor(repeating: -1, shape: [itemCount], dtype: .float64)
  }

  public mutating func observe(_ embeddings: Tensor, labels: [Int], random: Random) {
    let members = itemsByClass(labels)
    let clusters = topicClusters(
      unitClassMeans(embeddings, members), count: topics, random: random)
    var result = [Double](repeating: -1, count: labels.count)
    for (c, items) in members.enumerated() {
      for item in items { result[item] = Double(clusters[c]) }
    }
    topicOf = Tensor(result, shape: [labels.count])
  }

  public mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    try body("topics", &topicOf)
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    precondition(
      members.count >= classes,
      "TopicClusteredSampler: \(classes) classes out of \(members.count)")
    let known = topicOf.elements(as: Double.self)
    var classesOf: [Double: [Int]] = [:]
    for (c, items) in members.enumerated() {
      classesOf[known.count == labels.count ? known[items[0]] : -1, default: []].append(c)
    }
    var topics = classesOf.sorted { $0.key < $1.key }.map(\.value)
    var random = random.split("topics").split(UInt64(step))
    let share = max(1, (classes + topicsPerBatch - 1) / topicsPerBatch)
    var chosen: [Int] = []
    while chosen.count < classes {
      let topic = random.below(topics.count)
      let taken = MPerClassSampler.draw(
        min(share, classes - chosen.count, topics[topic].count), from: topics[topic], &random)
      chosen += taken
      topics[topic].removeAll { taken.contains($0) }
      if topics[topic].isEmpty { topics.remove(at: topic) }
    }
    return chosen.flatMap { MPerClassSampler.draw(perClass, from: members[$0], &random) }
  }
}
