import Autodiff
import Foundation
import Settings

/// Batches of classes with items each, in which a class is as likely as the new it has to show.
///
/// The classes of a batch are drawn without replacement with probabilities in proportion to the
/// effective number of items
///
///     E(n) = (1 − βⁿ) / (1 − β),  n the items of the class,
///
/// which is n for few items and at most 1 / (1 − β): a frequent class is drawn more often than a
/// rare one, but not by as much as it has more items. β = 0 makes classes even, β = 1 items. The
/// items of a class are drawn without replacement, or with it if the class has too few.
/// - Complexity: O(items + classes of a batch × classes) a batch.
/// - Reference: Cui et al., *Class-Balanced Loss Based on Effective Number of Samples* (CVPR 2019);
///   its weights are of losses, here they are of draws.
public struct ImbalanceAwareSampler: Sampler {
  public var classes = 32
  public var perClass = 4
  public var beta = 0.9

  public init() {}

  public static let summary = "classes drawn by their effective number of items, with items each"
  public static let source =
    "Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes a batch has", in: 1...1_000_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...1_000_000),
    Setting("beta", \Self.beta, "0 for even classes, 1 for even items", in: 0...1),
  ]

  public var batchSize: Int { classes * perClass }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    try checkClasses(classes, of: labels, at: place)
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    var random = random.split("imbalance").split(UInt64(step))
    let weights = members.map { items in
      beta == 1 ? Double(items.count) : (1 - pow(beta, Double(items.count))) / (1 - beta)
    }
    return drawn(classes, weights: weights, &random).flatMap {
      MPerClassSampler.draw(perClass, from: members[$0], &random)
    }
  }
}
