import Autodiff
import Synchronization

/// Items of one shape with the class of each.
public struct Dataset: Sendable {
  /// What messages and reports call it.
  public let name: String
  /// The shape of one item: [height, width, channels] for pictures, [width] for vectors.
  public let itemShape: [Int]
  /// The items one after another.
  public let values: [Float]
  /// The class of each item, an index into `classNames`.
  public let labels: [Int]
  /// The classes; every one has items.
  public let classNames: [String]
  /// Where each item comes from: a path, or a place in a file.
  public let itemNames: [String]
  /// The hash, once somebody asked for it; copies share it.
  private let foundHash = FoundHash()

  /// - Parameter labels: indices into `classNames`; classes without items are dropped.
  public init(
    name: String, itemShape: [Int], values: [Float], labels: [Int], classNames: [String],
    itemNames: [String]
  ) {
    precondition(
      values.count == labels.count * itemShape.reduce(1, *) && itemNames.count == labels.count,
      "Dataset: \(values.count) numbers and \(itemNames.count) names for \(labels.count) items "
        + "of shape \(itemShape)")
    var isUsed = [Bool](repeating: false, count: classNames.count)
    for label in labels { isUsed[label] = true }
    let used = classNames.indices.filter { isUsed[$0] }
    var places = [Int](repeating: -1, count: classNames.count)
    for (place, label) in used.enumerated() { places[label] = place }
    (self.name, self.itemShape, self.values) = (name, itemShape, values)
    self.labels = labels.map { places[$0] }
    self.classNames = used.map { classNames[$0] }
    self.itemNames = itemNames
  }

  public var count: Int { labels.count }
  /// Numbers in one item.
  public var itemWidth: Int { itemShape.reduce(1, *) }

  /// The items as rows of a matrix, [items, width].
  public var flattened: Tensor { Tensor(values, shape: [count, itemWidth]) }

  /// A hash of shapes, labels and values (FNV-1a over 64-bit words).
  ///
  /// - Complexity: one pass over the values the first time, then none.
  public var hash: UInt64 { foundHash.value { computedHash } }

  private var computedHash: UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ word: UInt64) { hash = (hash ^ word) &* 0x100_0000_01B3 }
    for length in itemShape { add(UInt64(length)) }
    for label in labels { add(UInt64(label)) }
    for value in values { add(UInt64(value.bitPattern)) }
    return hash
  }

  /// Name, size and hash in a line, to tell whether data are the same.
  public var identity: String {
    "\(name): \(count) items of \(classNames.count) classes, \(String(hash, radix: 16))"
  }

  /// How many items each class has.
  public var classSizes: [Int] {
    var sizes = [Int](repeating: 0, count: classNames.count)
    for label in labels { sizes[label] += 1 }
    return sizes
  }

  /// The items of some classes only, in their order.
  public func keeping(classes: [Int], name: String? = nil) -> Dataset {
    let kept = Set(classes)
    let items = labels.indices.filter { kept.contains(labels[$0]) }
    let width = itemWidth
    var values: [Float] = []
    values.reserveCapacity(items.count * width)
    for item in items { values += self.values[item * width..<(item + 1) * width] }
    return Dataset(
      name: name ?? self.name, itemShape: itemShape, values: values,
      labels: items.map { labels[$0] }, classNames: classNames,
      itemNames: items.map { itemNames[$0] })
  }
}

extension Dataset {
  private static func turned(_ name: String, quarterTurns: Int) -> String {
    "\(name) turned by \(90 * quarterTurns)°"
  }

  /// Whether a class is one that ``withRotations()`` made.
  static func isTurned(className: String) -> Bool {
    (1...3).contains { className.hasSuffix(turned("", quarterTurns: $0)) }
  }

  /// Every class of square pictures four times: as it is, and turned by one, two and three quarters.
  func withRotations() -> Dataset {
    let (width, classCount) = (itemWidth, classNames.count)
    var (values, labels) = (values, labels)
    var (classNames, itemNames) = (classNames, itemNames)
    for turns in 1...3 {
      for item in 0..<count {
        let picture = Image(
          width: itemShape[1], height: itemShape[0], channels: itemShape[2],
          values: Array(self.values[item * width..<(item + 1) * width]))
        values += picture.rotated(quarterTurns: turns).values
      }
      labels += self.labels.map { $0 + turns * classCount }
      classNames += self.classNames.map { Dataset.turned($0, quarterTurns: turns) }
      itemNames += self.itemNames.map { Dataset.turned($0, quarterTurns: turns) }
    }
    return Dataset(
      name: name + " with rotations", itemShape: itemShape, values: values, labels: labels,
      classNames: classNames, itemNames: itemNames)
  }

  /// Some items as a tensor, [items] + the shape of an item, float32.
  ///
  /// - Parameters:
  ///   - augmentation: changes every item on the way.
  ///   - random: each place in the batch draws from a stream of its own, so that the result does
  ///     not depend on the number of threads.
  public func batch(
    _ items: [Int], augmentation: (any Augmentation)? = nil, random: Random = Random(seed: 0)
  ) -> Tensor {
    let width = itemWidth
    return Tensor(shape: [items.count] + itemShape, of: Float.self) { output in
      values.withUnsafeBufferPointer { values in
        Parallel.forEachRange(items.count, grain: 16) { places in
          for place in places {
            let source = UnsafeBufferPointer(
              rebasing: values[items[place] * width..<(items[place] + 1) * width])
            let target = UnsafeMutableBufferPointer(
              rebasing: output[place * width..<(place + 1) * width])
            if let augmentation {
              var random = random.split(UInt64(place))
              augmentation.apply(to: source, shape: itemShape, into: target, random: &random)
            } else {
              _ = target.update(fromContentsOf: source)
            }
          }
        }
      }
    }
  }
}

/// A hash that is found once.
///
/// A class because all copies of a data set, which never changes, share what one of them found.
private final class FoundHash: Sendable {
  private let found = Mutex<UInt64?>(nil)

  func value(_ compute: () -> UInt64) -> UInt64 {
    found.withLock { found in
      let value = found ?? compute()
      found = value
      return value
    }
  }
}
