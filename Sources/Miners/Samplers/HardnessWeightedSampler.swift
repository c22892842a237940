import Autodiff
import Foundation
import Geometry
import Settings

/// Batches of a number of classes with a number of items each, hard items more often.
///
/// Every ``every`` steps all items are embedded again. With unit embeddings x and unit class means
/// μ, an item of class c is as hard as it is nearer to another class than to its own:
///
///     h = max over c' ≠ c of x·μ(c') − x·μ(c),    weight = exp(h / τ)
///
/// The classes of a batch are drawn without replacement with probabilities in proportion to the mean
/// weight of their items, the items of a class in proportion to their weights, without replacement
/// while there are enough. Class means stand in for the tuples of a miner, so that one pass over the
/// items is enough.
/// - Complexity: O(items × classes × dimension) to learn, O(items + classes²) a batch.
/// - Reference: the idea of weights from re-embedded items is pytorch-metric-learning's
///   TuplesToWeightsSampler; the weight is reconstructed.
public struct HardnessWeightedSampler: AdaptiveSampler {
  public var classes = 32
  public var perClass = 4
  public var every = 100
  public var temperature = 0.2
  /// The weight of each item, 1 until it is known; [items].
  private var weights = Tensor(zeros: [0], dtype: .float64)

  public init() {}

  public static let summary = "items drawn the more often the harder they are to tell"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes a batch has", in: 1...1_000_000),
    Setting("perClass", \Self.perClass, "how many items of each class", in: 1...1_000_000),
    Setting("every", \Self.every, "after how many steps items are embedded again", in: 1...1 << 30),
    Setting("temperature", \Self.temperature, "how much hardness counts less, τ", in: 0.01...100),
  ]

  public var batchSize: Int { classes * perClass }

  public func validate(labels: [Int], at place: String) throws(Failure) {
    try checkClasses(classes, of: labels, at: place)
  }

  public mutating func prepare(itemCount: Int, dimension: Int) {
    weights = Tensor(repeating: 1, shape: [itemCount], dtype: .float64)
  }

  public mutating func observe(_ embeddings: Tensor, labels: [Int], random: Random) {
    let members = itemsByClass(labels)
    let means = unitClassMeans(embeddings, members)
    let unit = embeddings.detached.withUnitRows().converted(to: .float64)
    var result = [Double](repeating: 1, count: labels.count)
    for (c, items) in members.enumerated() {
      let cosines = unit.rows(at: items).timesTransposed(means).elements(as: Double.self)
      for (i, item) in items.enumerated() {
        let row = cosines[i * members.count..<(i + 1) * members.count]
        var other = -1.0
        for (k, cosine) in row.enumerated() where k != c { other = max(other, cosine) }
        result[item] = exp((other - cosines[i * members.count + c]) / temperature)
      }
    }
    weights = Tensor(result, shape: [labels.count])
  }

  public mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    try body("weights", &weights)
  }

  public func batch(_ step: Int, of labels: [Int], random: Random) -> [Int] {
    let members = itemsByClass(labels)
    let known = weights.elements(as: Double.self)
    let weights = known.count == labels.count ? known : labels.map { _ in 1 }
    var random = random.split("hardness").split(UInt64(step))
    let means = members.map { items in
      items.reduce(0) { $0 + weights[$1] } / Double(items.count)
    }
    return drawn(classes, weights: means, &random).flatMap { c -> [Int] in
      let items = members[c]
      var chosen: [Int] = []
      // A class with too few items gives all of them before one is repeated.
      while chosen.count < perClass {
        chosen += drawn(perClass - chosen.count, weights: items.map { weights[$0] }, &random)
          .map { items[$0] }
      }
      return chosen
    }
  }
}
