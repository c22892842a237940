import Autodiff
import Foundation
import Settings

/// Items drawn so that rare classes are seen as often as frequent ones, or nearly so.
///
/// Each item of a batch is drawn by itself: first its class c, with a probability in proportion to
///
///     n(c)ᵖ,  n(c) the number of items of the class, p = ``power``
///
/// and then one of the class, every one as likely. A power of 0 makes all classes as likely, 1 all
/// items, ½ lies between. Draws are with replacement, so a batch always has ``count`` items.
/// - Complexity: O(items) a batch.
/// - Reference: Mahajan et al., *Exploring the Limits of Weakly Supervised Pretraining* (ECCV 2018),
///   for the square root.
public struct ClassBalancedSampler: Sampler {
  public var count: Int
  public var power: Double

  public init(count: Int, power: Double = 0) { (self.count, self.power) = (count, power) }
  public init() { self.init(count: 128) }

  public static let summary = "items whose classes are drawn evenly, or by a power of their size"
  public static let source =
    "Mahajan et al., Exploring the Limits of Weakly Supervised Pretraining, ECCV 2018"
  public static let settings = [
    Setting("count", \Self.count, "how many items a batch has", in: 1...1_000_000),
    Setting("power", \Self.power, "0 for even classes, 1 for even items", in: 0...1),
  ]

  public var batchSize: Int { count }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    guard !labels.isEmpty else {
      throw Failure(
        .badData, at: place, "there are no items to draw from", expected: "at least one")
    }
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    precondition(
      step >= 0 && !members.isEmpty,
      "ClassBalancedSampler: batch \(step) of \(members.count) classes")
    var sum = 0.0
    let cumulative = members.map { items in
      sum += pow(Double(items.count), power)
      return sum
    }
    var random = random.split("balanced").split(UInt64(step))
    return (0..<count).map { _ in
      let number = random.uniform() * sum
      var (low, high) = (0, members.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if cumulative[middle] > number { high = middle } else { low = middle + 1 }
      }
      return members[low][random.below(members[low].count)]
    }
  }
}
