import Autodiff
import Files
import Settings

/// The parts of a graph as they are read from a file of another library.
struct HNSWParts {
  /// No honest graph has so many levels.
  static let highestLevel = 64

  let count, dimension: Int
  private let settings: HNSWSettings
  private var vectors: [Float]
  private var levels: [UInt8]
  private var ground: [UInt32]
  private var upper: [UInt32] = []
  private var deletions: [UInt64]?

  /// - Parameter count: a number of vectors that the file has room for.
  init(count: Int, dimension: Int, settings: HNSWSettings) {
    (self.count, self.dimension, self.settings) = (count, dimension, settings)
    vectors = Array(repeating: 0, count: count * dimension)
    levels = Array(repeating: 0, count: count)
    ground = Array(repeating: 0, count: count * (1 + 2 * settings.links))
  }

  mutating func delete(_ node: Int) {
    deletions = deletions ?? Array(repeating: 0, count: (count + 63) / 64)
    deletions?[node / 64] |= 1 << UInt64(node % 64)
  }

  mutating func setVector(_ node: Int, _ bytes: ArraySlice<UInt8>) {
    let place = node * dimension * 4
    vectors.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[place..<place + dimension * 4])
        .copyBytes(from: bytes)
    }
  }

  mutating func setVectors(_ values: [Float]) { vectors = values }

  /// - Parameter bytes: those of all vectors.
  mutating func setVectors(bytes: ArraySlice<UInt8>) {
    vectors.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
  }

  /// Brings all vectors to unit length; zeros stay zero.
  mutating func normalize() {
    vectors = Tensor(vectors, shape: [count, dimension]).normalizedRows().elements()
  }

  /// - Parameter level: at most ``highestLevel``.
  mutating func setLevel(_ node: Int, _ level: Int) { levels[node] = UInt8(level) }

  /// Sets the ground list of a node, or appends its next upper list; nodes come in their order.
  ///
  /// - Parameter list: the number of links, then 2 M or M of them.
  mutating func setList(_ node: Int, level: Int, _ list: [UInt32]) {
    if level > 0 {
      upper += list
    } else {
      ground.replaceSubrange(node * list.count..<(node + 1) * list.count, with: list)
    }
  }

  /// - Throws: if a link, a number or the entry is wrong.
  func finished(
    metric: ExactIndex.Metric?, entry: UInt32, topLevel: Int, at path: String
  ) throws(Failure) -> HNSWIndex {
    let metric = metric ?? .automatic(for: Tensor(vectors, shape: [count, dimension]))
    let index = HNSWIndex(
      metric: metric, dimension: dimension, settings: settings, vectors: Block(vectors),
      levels: Block(levels), ground: Block(ground), upper: Block(upper),
      upperStart: Block(HNSWIndex.upperStarts(levels)), deletions: deletions, entry: entry,
      topLevel: topLevel)
    try index.check(at: path)
    return index
  }
}
