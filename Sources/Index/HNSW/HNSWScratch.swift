import Synchronization

/// The memory of one search, used again by the next.
struct HNSWScratch: ~Copyable {
  /// The nearest nodes so far, in order.
  private(set) var pool: UnsafeMutablePointer<HNSWKey>
  private(set) var count = 0
  private var limit = 0
  private var capacity = 1
  /// Unvisited links of one node and their distances.
  let nodes: UnsafeMutablePointer<UInt32>
  let distances: UnsafeMutablePointer<Float>
  private let visited: UnsafeMutablePointer<UInt16>
  private let nodeCount: Int
  private var turn: UInt16 = 0

  init(nodeCount: Int, links: Int) {
    self.nodeCount = nodeCount
    visited = .allocate(capacity: max(1, nodeCount))
    visited.initialize(repeating: 0, count: max(1, nodeCount))
    nodes = .allocate(capacity: 2 * links + 1)
    distances = .allocate(capacity: 2 * links + 1)
    pool = .allocate(capacity: 1)
  }

  deinit {
    visited.deallocate()
    nodes.deallocate()
    distances.deallocate()
    pool.deallocate()
  }

  mutating func begin(breadth: Int) {
    (count, limit) = (0, max(1, min(breadth, nodeCount)))
    reserve(limit + 1)
    turn &+= 1
    if turn == 0 {
      visited.update(repeating: 0, count: nodeCount)
      turn = 1
    }
  }

  private mutating func reserve(_ size: Int) {
    guard size > capacity else { return }
    let larger = UnsafeMutablePointer<HNSWKey>.allocate(capacity: 2 * size)
    larger.update(from: pool, count: count)
    pool.deallocate()
    (pool, capacity) = (larger, 2 * size)
  }

  @inline(__always)
  func markVisited(_ node: UInt32) { visited[Int(node)] = turn }

  /// Leaves in `nodes` the links that were not visited, and returns how many they are.
  @inline(__always)
  func collectUnvisited(_ list: UnsafePointer<UInt32>) -> Int {
    var found = 0
    var i = 1
    while i <= Int(list[0]) {
      let node = list[i]
      nodes[found] = node
      found &+= visited[Int(node)] == turn ? 0 : 1
      visited[Int(node)] = turn
      i &+= 1
    }
    return found
  }

  @inline(__always)
  func accepts(_ key: HNSWKey) -> Bool { count < limit || key < pool[count - 1] }

  /// Puts a key in its place, which is returned; the farthest key may go.
  @inline(__always)
  mutating func insert(_ key: HNSWKey, isDeleted: Bool) -> Int {
    // A deleted node leads on, but takes no other's place.
    if isDeleted {
      limit += 1
      reserve(limit + 1)
    }
    var (low, high) = (0, count)
    while low < high {
      let middle = (low &+ high) / 2
      if pool[middle].bits | 1 < key.bits { low = middle &+ 1 } else { high = middle }
    }
    let moved = min(count, limit &- 1) &- low
    guard moved >= 0 else { return count }
    if moved > 0 { (pool + low + 1).update(from: pool + low, count: moved) }
    pool[low] = key
    count = min(count &+ 1, limit)
    return low
  }

  mutating func markFollowed(_ place: Int) { pool[place].bits |= 1 }
}

/// Scratches that wait for the next search.
final class HNSWScratchPool: Sendable {
  // A class because all searches of a batch share one.
  private let free = Mutex<[Held]>([])
  private let nodeCount, links: Int

  /// Used by one thread at a time, which the lock sees to.
  private struct Held: @unchecked Sendable { let scratch: UnsafeMutablePointer<HNSWScratch> }

  init(nodeCount: Int, links: Int) { (self.nodeCount, self.links) = (nodeCount, links) }

  deinit {
    free.withLock { held in
      for item in held {
        item.scratch.deinitialize(count: 1)
        item.scratch.deallocate()
      }
    }
  }

  func withScratch(_ body: (inout HNSWScratch) -> Void) {
    let held = free.withLock { $0.popLast() } ?? make()
    defer { free.withLock { $0.append(held) } }
    body(&held.scratch.pointee)
  }

  private func make() -> Held {
    let scratch = UnsafeMutablePointer<HNSWScratch>.allocate(capacity: 1)
    scratch.initialize(to: HNSWScratch(nodeCount: nodeCount, links: links))
    return Held(scratch: scratch)
  }
}
