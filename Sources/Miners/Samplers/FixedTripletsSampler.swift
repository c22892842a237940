import Autodiff
import Settings

/// Batches out of a set of triplets that is drawn once.
///
/// The set has ``count`` triplets: of each the anchor is drawn among the items whose class has
/// another, the positive among the rest of the class, the negative among the items of all other
/// classes, every one as likely. A pass takes the triplets in a random order, ``perBatch`` at a
/// time, none twice; the few at its end that do not fill a batch are left out of it. A batch lists
/// anchor, positive, negative, anchor, and so on: as the miner "already-packaged" reads it.
/// - Complexity: O(items + count) a batch.
public struct FixedTripletsSampler: Sampler {
  public var count, perBatch: Int

  public init(count: Int, perBatch: Int) { (self.count, self.perBatch) = (count, perBatch) }
  public init() { self.init(count: 10_000, perBatch: 32) }

  public static let summary = "batches out of a set of triplets that is drawn once"
  public static let source =
    "Musgrave, Belongie and Lim, PyTorch Metric Learning, 2020 (no paper of its own)"
  public static let settings = [
    Setting("count", \Self.count, "how many triplets there are", in: 1...1_000_000),
    Setting("perBatch", \Self.perBatch, "how many triplets a batch has", in: 1...1_000_000),
  ]

  public var batchSize: Int { 3 * perBatch }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    guard perBatch <= count else {
      throw Failure(
        .badData, at: place, "\"perBatch\" is \(perBatch)",
        expected: "at most \(count), which is \"count\"")
    }
    let members = itemsByClass(labels)
    guard members.count > 1, members.contains(where: { $0.count > 1 }) else {
      throw Failure(
        .badData, at: place, "there are no triplets among \(labels.count) items",
        expected: "two classes, one of them with two items")
    }
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    let anchors = members.filter { $0.count > 1 }.flatMap { $0 }
    precondition(
      step >= 0 && perBatch <= count && members.count > 1 && !anchors.isEmpty,
      "FixedTripletsSampler: batch \(step) of \(perBatch) triplets out of \(count)")
    let classOf = Dictionary(
      uniqueKeysWithValues: members.enumerated().map { (labels[$0.element[0]], $0.offset) })
    // The items class after class, so that those of the other classes are two ranges of it.
    let sorted = members.flatMap { $0 }
    var starts = [0]
    for items in members { starts.append(starts[starts.count - 1] + items.count) }
    let batches = count / perBatch
    var passRandom = random.split("pass").split(UInt64(step / batches))
    let first = step % batches * perBatch
    let set = random.split("triplets")
    return passRandom.permutation(count)[first..<first + perBatch].flatMap { number -> [Int] in
      var random = set.split(UInt64(number))
      let anchor = anchors[random.below(anchors.count)]
      guard let c = classOf[labels[anchor]] else { return [] }
      let own = members[c]
      let drawn = own[random.below(own.count - 1)]
      let positive = drawn == anchor ? own[own.count - 1] : drawn
      let other = random.below(sorted.count - own.count)
      return [anchor, positive, sorted[other < starts[c] ? other : other + own.count]]
    }
  }
}
