import Autodiff
import Settings

/// Batches of a few groups of classes, of which each gives a few classes and a few items of each.
///
/// Classes of one group are hard to tell apart, so such batches have more hard negatives than ones
/// drawn from all classes. ``groups`` says which group each class is of, in the order of the
/// classes' numbers. A batch draws ``groupsPerBatch`` groups that have ``classesPerGroup`` classes
/// or more, then that many classes of each, without repeating one, then ``perClass`` items of each
/// class as ``MPerClassSampler`` does. It lists group after group, class after class.
/// - Complexity: O(items) a batch.
public struct HierarchicalSampler: Sampler {
  /// The group of class 0, of class 1, and so on.
  public var groups: [Int]
  public var groupsPerBatch, classesPerGroup, perClass: Int

  public init(groups: [Int], groupsPerBatch: Int, classesPerGroup: Int, perClass: Int) {
    (self.groups, self.groupsPerBatch) = (groups, groupsPerBatch)
    (self.classesPerGroup, self.perClass) = (classesPerGroup, perClass)
  }
  public init() { self.init(groups: [], groupsPerBatch: 2, classesPerGroup: 8, perClass: 4) }

  public static let summary = "batches of a few groups of classes that are alike"
  public static let source =
    "Musgrave, Belongie and Lim, PyTorch Metric Learning, 2020 (HierarchicalSampler), after Zhai "
    + "et al., Learning a Unified Embedding for Visual Search at Pinterest, KDD 2019"
  public static let settings = [
    Setting("groups", \Self.groups, "the group of each class, by the class's number"),
    Setting("groupsPerBatch", \Self.groupsPerBatch, "how many groups a batch has", in: 1...10_000),
    Setting(
      "classesPerGroup", \Self.classesPerGroup, "how many classes of each group", in: 1...10_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...10_000),
  ]

  public var batchSize: Int { groupsPerBatch * classesPerGroup * perClass }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    if let label = labels.first(where: { !groups.indices.contains($0) }) {
      throw Failure(
        .badData, at: place, "\"groups\" lists \(groups.count) classes",
        expected: "the group of every class, also of class \(label)",
        remedy: "write groups: [0, 0, 1, …], a number for each class")
    }
    let count = classesByGroup(itemsByClass(labels), labels).count
    guard count >= groupsPerBatch else {
      throw Failure(
        .badData, at: place, "there are \(count) groups of \(classesPerGroup) classes or more",
        expected: "at least \(groupsPerBatch), the groups of a batch")
    }
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    let usable = classesByGroup(members, labels)
    precondition(
      step >= 0 && usable.count >= groupsPerBatch,
      "HierarchicalSampler: batch \(step) of \(groupsPerBatch) groups out of \(usable.count)")
    var random = random.split("hierarchy").split(UInt64(step))
    return random.permutation(usable.count).prefix(groupsPerBatch).flatMap { group in
      random.permutation(usable[group].count).prefix(classesPerGroup).flatMap { place in
        MPerClassSampler.draw(perClass, from: members[usable[group][place]], &random)
      }
    }
  }

  /// The places of each group's classes among `members`, of groups that have enough of them.
  private func classesByGroup(_ members: [[Int]], _ labels: [Int]) -> [[Int]] {
    var classes: [Int: [Int]] = [:]
    for (place, items) in members.enumerated() {
      classes[groups[labels[items[0]]], default: []].append(place)
    }
    return classes.sorted { $0.key < $1.key }.map(\.value)
      .filter { $0.count >= classesPerGroup }
  }
}
