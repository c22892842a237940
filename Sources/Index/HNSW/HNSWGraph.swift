import Autodiff

/// A node at a distance: the order of keys is that of distances, then of nodes.
///
/// The bits of the distance in an order that unsigned numbers have, then the node, then whether
/// its links were followed.
struct HNSWKey: Comparable {
  var bits: UInt64

  @inline(__always)
  init(_ distance: Float, _ node: UInt32) {
    // Overflow may give what is no number: it is farther than everything.
    let pattern = (distance.isNaN ? .infinity : distance).bitPattern
    let ordered = pattern & 0x8000_0000 == 0 ? pattern | 0x8000_0000 : ~pattern
    bits = UInt64(ordered) << 32 | UInt64(node) << 1
  }

  @inline(__always)
  var node: UInt32 { UInt32(truncatingIfNeeded: bits) >> 1 }

  @inline(__always)
  var distance: Float {
    let ordered = UInt32(truncatingIfNeeded: bits >> 32)
    return Float(bitPattern: ordered & 0x8000_0000 == 0 ? ~ordered : ordered & 0x7FFF_FFFF)
  }

  @inline(__always)
  static func < (a: HNSWKey, b: HNSWKey) -> Bool { a.bits < b.bits }
}

/// Where the parts of a graph lie, for the time of one search or one insertion.
struct HNSWGraph {
  let vectors: UnsafePointer<Float>
  let dimension: Int
  let isSquared: Bool
  /// M: how many links a node has on the upper levels; twice as many on the ground.
  let links: Int
  /// For each node its number of links, then the links, then what room is left.
  let ground: UnsafeMutablePointer<UInt32>
  let upper: UnsafeMutablePointer<UInt32>
  /// How many upper lists come before those of a node.
  let upperStart: UnsafePointer<UInt32>
  /// A bit for each node; nil if none is deleted.
  let deleted: UnsafePointer<UInt64>?
  let kernels = RowKernels<Float>()

  @inline(__always)
  func capacity(level: Int) -> Int { level == 0 ? 2 * links : links }

  /// The number of a node's links, then the links.
  @inline(__always)
  func list(_ node: UInt32, level: Int) -> UnsafeMutablePointer<UInt32> {
    level == 0
      ? ground + Int(node) * (1 + 2 * links)
      : upper + (Int(upperStart[Int(node)]) + level - 1) * (1 + links)
  }

  @inline(__always)
  func vector(_ node: UInt32) -> UnsafePointer<Float> { vectors + Int(node) * dimension }

  @inline(__always)
  func isDeleted(_ node: UInt32) -> Bool {
    guard let deleted else { return false }
    return deleted[Int(node) / 64] >> UInt64(node % 64) & 1 == 1
  }

  @inline(__always)
  func distances(
    _ y: UnsafeMutablePointer<Float>, from query: UnsafePointer<Float>,
    to nodes: UnsafePointer<UInt32>, count: Int
  ) {
    kernels.distances(
      y, from: query, to: vectors, rows: nodes, count: count, columns: dimension,
      isSquared: isSquared)
  }

  @inline(__always)
  func key(_ node: UInt32, from query: UnsafePointer<Float>) -> HNSWKey {
    var (node, distance) = (node, Float(0))
    distances(&distance, from: query, to: &node, count: 1)
    return HNSWKey(distance, node)
  }
}

extension HNSWGraph {
  /// Goes from node to nearer node until none of the links is nearer.
  func descend(
    _ query: UnsafePointer<Float>, from entry: UInt32, through levels: some Sequence<Int>,
    _ scratch: inout HNSWScratch
  ) -> UInt32 {
    var nearest = key(entry, from: query)
    for level in levels {
      var isMoving = true
      while isMoving {
        isMoving = false
        let list = list(nearest.node, level: level)
        let count = Int(list[0])
        distances(scratch.distances, from: query, to: list + 1, count: count)
        for i in 0..<count {
          let key = HNSWKey(scratch.distances[i], list[1 + i])
          if key < nearest { (nearest, isMoving) = (key, true) }
        }
      }
    }
    return nearest.node
  }

  /// Leaves in the scratch's pool the nearest nodes that are found, in order, of which `breadth`
  /// are not deleted.
  ///
  /// The nearest node whose links were not followed yet is next, until all in the pool were: the
  /// search of Malkov and Yashunin (2018), algorithm 2, with one sorted list for both heaps.
  func search(
    _ query: UnsafePointer<Float>, from entry: UInt32, breadth: Int, level: Int,
    _ scratch: inout HNSWScratch
  ) {
    scratch.begin(breadth: breadth)
    scratch.markVisited(entry)
    _ = scratch.insert(key(entry, from: query), isDeleted: isDeleted(entry))
    var next = 0
    while next < scratch.count {
      let key = scratch.pool[next]
      guard key.bits & 1 == 0 else {
        next += 1
        continue
      }
      scratch.markFollowed(next)
      let count = scratch.collectUnvisited(list(key.node, level: level))
      distances(scratch.distances, from: query, to: scratch.nodes, count: count)
      var lowest = next + 1
      for i in 0..<count {
        let found = HNSWKey(scratch.distances[i], scratch.nodes[i])
        guard scratch.accepts(found) else { continue }
        lowest = min(lowest, scratch.insert(found, isDeleted: isDeleted(found.node)))
      }
      next = lowest
    }
  }

  /// Writes those candidates that are nearer to the node than to one that was chosen before.
  ///
  /// Algorithm 4 of Malkov and Yashunin (2018), without filling up. Of equal vectors only one is
  /// chosen, since a node whose links all lead to copies of itself is no way to anywhere.
  /// - Parameter candidates: nearest first.
  func select(
    _ candidates: UnsafePointer<HNSWKey>, count: Int, limit: Int,
    into chosen: UnsafeMutablePointer<UInt32>, _ scratch: inout HNSWScratch
  ) -> Int {
    var size = 0
    for i in 0..<count where size < limit {
      let candidate = candidates[i]
      let distance = candidate.distance
      var isKept = true
      var start = 0
      while start < size, isKept {
        let group = min(4, size - start)
        distances(
          scratch.distances, from: vector(candidate.node), to: chosen + start, count: group)
        for j in 0..<group
        where scratch.distances[j] < distance || (isSquared && scratch.distances[j] == 0) {
          isKept = false
        }
        start += group
      }
      guard isKept else { continue }
      chosen[size] = candidate.node
      size += 1
    }
    return size
  }
}
