import Autodiff
import Geometry
import Settings

/// Chooses which pairs or triplets of a batch a loss should look at.
///
/// A miner looks at values only: nothing that it does is recorded. Where several candidates tie,
/// it takes the one with the smallest index. A batch without candidates gives no tuples.
public protocol Miner: Described {
  /// Chooses tuples of a batch.
  ///
  /// - Parameters:
  ///   - embeddings: [batch, dimension], float32 or float64.
  ///   - labels: the class of each row.
  ///   - reference: what the batch is compared with; nil for the batch itself.
  ///   - random: for miners that draw; a miner gives the same tuples for the same numbers.
  func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples

  /// Checks what no single setting can: that the settings fit together.
  func validate(at place: String) throws(Failure)
}

extension Miner {
  public func validate(at place: String) throws(Failure) {}

  /// Chooses tuples of a batch whose labels are alike by more than being equal; nil for equal labels.
  ///
  /// A likeness that has no classes is for miners of single anchors.
  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, likeness: Likeness?,
    random: Random
  ) -> Tuples {
    guard let likeness, let anchorwise = self as? any AnchorwiseMiner else {
      precondition(likeness == nil, "mine: this miner needs classes")
      return mine(embeddings, labels: labels, reference: reference, random: random)
    }
    return anchorwise.mine(
      embeddings, pairs: PairTable(labels: labels, reference: reference, likeness: likeness),
      reference: reference, random: random)
  }
}

/// A miner that can choose the tuples of a few anchors at a time, so that they are never all in
/// memory.
public protocol StreamingMiner: Miner {
  /// Whether it chooses triplets rather than pairs.
  static var findsTriplets: Bool { get }
  /// Chooses the same tuples of a batch as ``mine(_:labels:reference:random:)``, those of `size`
  /// anchors at a time.
  func forEachBlock(
    of size: Int, _ embeddings: Tensor, labels: [Int], random: Random, _ body: (Tuples) -> Void)
}

/// A miner that looks at one anchor at a time.
public protocol AnchorwiseMiner: StreamingMiner, Measuring {
  /// Adds what it chooses for one anchor.
  func mine(_ row: Candidates, into found: inout FoundTuples)
}

/// An anchor and the rows that it may be paired with.
public struct Candidates {
  public let anchor: Int
  /// The distance of each row; a similarity is negated, so that smaller is always nearer.
  public let distances: UnsafeBufferPointer<Double>
  /// The kind of each pair; see ``PairTable``.
  public let kinds: UnsafeBufferPointer<Int32>
  /// How many numbers an embedding has.
  public let dimension: Int
  /// A stream of the anchor's own, for miners that draw.
  public let random: Random

  public var indices: Range<Int> { 0..<kinds.count }
  public var positives: some Sequence<Int> { indices.lazy.filter { kinds[$0] > 0 } }
  public var negatives: some Sequence<Int> { indices.lazy.filter { kinds[$0] < 0 } }

  /// The nearest negative, the first of them if several are.
  public var nearestNegative: Int? {
    var (nearest, least) = (-1, Double.infinity)
    for j in indices where kinds[j] < 0 && distances[j] < least {
      (nearest, least) = (j, distances[j])
    }
    return nearest < 0 ? self.nearest(of: negatives) : nearest
  }

  /// The farthest positive, the first of them if several are.
  public var farthestPositive: Int? {
    var (farthest, most) = (-1, -Double.infinity)
    for j in indices where kinds[j] > 0 && distances[j] > most {
      (farthest, most) = (j, distances[j])
    }
    return farthest < 0 ? self.farthest(of: positives) : farthest
  }

  /// The nearest of some rows, the first of them if several are.
  public func nearest(of rows: some Sequence<Int>) -> Int? {
    rows.min { distances[$0] < distances[$1] }
  }

  /// The farthest of some rows, the first of them if several are.
  public func farthest(of rows: some Sequence<Int>) -> Int? {
    rows.min { distances[$0] > distances[$1] }
  }
}

/// The tuples found so far.
public struct FoundTuples: Sendable {
  public var positive: [Pair] = []
  public var negative: [Pair] = []
  public var triplets: [Triplet] = []
}

extension AnchorwiseMiner {
  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    mine(
      embeddings, pairs: PairTable(labels: labels, reference: reference), reference: reference,
      random: random)
  }

  /// Chooses tuples among given pairs, whatever makes them positive or negative.
  public func mine(
    _ embeddings: Tensor, pairs: PairTable, reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let matrix = distance.matrix(embeddings.detached, reference?.embeddings.detached)
    return mine(
      0..<pairs.rows, of: pairs, matrix, dimension: embeddings.shape[1], random: random)
  }

  public func forEachBlock(
    of size: Int, _ embeddings: Tensor, labels: [Int], random: Random, _ body: (Tuples) -> Void
  ) {
    let pairs = PairTable(labels: labels, reference: nil)
    let matrix = distance.matrix(embeddings.detached)
    for start in stride(from: 0, to: pairs.rows, by: size) {
      body(
        mine(
          start..<min(pairs.rows, start + size), of: pairs, matrix,
          dimension: embeddings.shape[1], random: random))
    }
  }

  private func mine(
    _ anchors: Range<Int>, of pairs: PairTable, _ matrix: Tensor, dimension: Int, random: Random
  ) -> Tuples {
    var found = matrix.mapAnchors(
      anchors, of: pairs, sign: distance.sign, dimension: dimension, random: random, grain: 16,
      FoundTuples()
    ) { row, found in mine(row, into: &found) }
    return Self.findsTriplets
      ? .triplets(found.joined(\.triplets))
      : .pairs(positive: found.joined(\.positive), negative: found.joined(\.negative))
  }
}

extension [FoundTuples] {
  /// The lists of all, one after the other; each is let go once it is copied.
  fileprivate mutating func joined<Tuple>(_ list: WritableKeyPath<FoundTuples, [Tuple]>) -> [Tuple]
  {
    var result: [Tuple] = []
    result.reserveCapacity(reduce(0) { $0 + $1[keyPath: list].count })
    for i in indices {
      result += self[i][keyPath: list]
      self[i][keyPath: list] = []
    }
    return result
  }
}

extension Tensor {
  /// Shows each anchor and its distances, this being their matrix, to `body` with what was found
  /// so far; `grain` anchors together begin with `initial`.
  func mapAnchors<Found>(
    _ anchors: Range<Int>, of pairs: PairTable, sign: Double, dimension: Int = 0,
    random: Random = Random(seed: 0), grain: Int, _ initial: Found,
    _ body: (Candidates, inout Found) -> Void
  ) -> [Found] {
    let columns = pairs.columns
    var found = [Found](repeating: initial, count: (anchors.count + grain - 1) / grain)
    found.withUnsafeMutableBufferPointer { found in
      Parallel.forEachRange(anchors.count, grain: grain) { rows in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: columns) { distances in
          withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
            for place in rows {
              let anchor = anchors.lowerBound + place
              read(row: anchor, times: sign, into: distances)
              pairs.fill(kinds, row: anchor)
              let row = Candidates(
                anchor: anchor, distances: UnsafeBufferPointer(distances),
                kinds: UnsafeBufferPointer(kinds), dimension: dimension,
                random: random.split(UInt64(anchor)))
              body(row, &found[rows.lowerBound / grain])
            }
          }
        }
      }
    }
    return found
  }
}

extension Tensor {
  /// Copies one row of a matrix as doubles.
  fileprivate func read(
    row: Int, times factor: Double, into result: UnsafeMutableBufferPointer<Double>
  ) {
    let start = row * shape[1]
    switch dtype {
    case .float32:
      withElements(of: Float.self) { x in
        for j in result.indices { result[j] = Double(x[start + j]) * factor }
      }
    case .float64:
      withElements(of: Double.self) { x in
        for j in result.indices { result[j] = x[start + j] * factor }
      }
    }
  }
}
