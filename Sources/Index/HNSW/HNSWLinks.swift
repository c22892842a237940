import Autodiff

extension HNSWBuilder {
  /// Lets each node that the batch chose on a level take up the link back.
  ///
  /// Where there is no room left, the links are chosen again among the old and the new.
  func linkBack(_ batch: [UInt32], level: Int, _ graph: HNSWGraph) {
    // A pair is the node that was chosen, then the new node: sorted, those of one node follow
    // each other.
    var pairs: [UInt64] = []
    for node in batch where Int(levels[Int(node)]) >= level {
      let list = graph.list(node, level: level)
      for i in 1..<1 + Int(list[0]) { pairs.append(UInt64(list[i]) << 32 | UInt64(node)) }
    }
    pairs.sort()
    var starts: [Int] = []
    for i in pairs.indices where i == 0 || pairs[i] >> 32 != pairs[i - 1] >> 32 {
      starts.append(i)
    }
    starts.append(pairs.count)
    Parallel.forEachRange(starts.count - 1, grain: 32) { range in
      scratches.withScratch { scratch in
        for group in range {
          let new = pairs[starts[group]..<starts[group + 1]]
          take(
            new.map { UInt32(truncatingIfNeeded: $0) },
            to: UInt32(new[starts[group]] >> 32), level: level, graph, &scratch)
        }
      }
    }
  }

  private func take(
    _ new: [UInt32], to node: UInt32, level: Int, _ graph: HNSWGraph, _ scratch: inout HNSWScratch
  ) {
    let list = graph.list(node, level: level)
    let (count, capacity) = (Int(list[0]), graph.capacity(level: level))
    let old = UnsafeBufferPointer(start: list + 1, count: count)
    let fresh = new.filter { !old.contains($0) }
    guard count + fresh.count > capacity else {
      for (i, other) in fresh.enumerated() { list[1 + count + i] = other }
      list[0] = UInt32(count + fresh.count)
      return
    }
    let all = Array(old) + fresh
    let query = graph.vector(node)
    let keys = all.map { graph.key($0, from: query) }.sorted()
    let chosen = keys.withUnsafeBufferPointer { keys in
      keys.baseAddress.map {
        graph.select($0, count: keys.count, limit: capacity, into: list + 1, &scratch)
      }
    }
    list[0] = UInt32(chosen ?? 0)
  }

  /// Links nodes that no way leads to from the entry, until all are reached on the ground.
  ///
  /// Pruning may cut off a node or a far cluster, above all among copies of one vector. Each is
  /// linked from the nearest node that is reached and has room, or in place of its last link if
  /// none has.
  func connect() {
    guard inserted > 0 else { return }
    let graph = graph
    var isReached = [Bool](repeating: false, count: total)
    reach(from: entry, graph, &isReached)
    for node in 0..<UInt32(total) where !isReached[Int(node)] {
      scratches.withScratch { scratch in
        let query = graph.vector(node)
        let start = graph.descend(
          query, from: entry, through: stride(from: topLevel, to: 0, by: -1), &scratch)
        graph.search(
          query, from: start, breadth: index.settings.efConstruction, level: 0, &scratch)
        attach(node, graph, &scratch)
      }
      reach(from: node, graph, &isReached)
    }
  }

  private func attach(_ node: UInt32, _ graph: HNSWGraph, _ scratch: inout HNSWScratch) {
    let capacity = graph.capacity(level: 0)
    for i in 0..<scratch.count {
      let list = graph.list(scratch.pool[i].node, level: 0)
      guard Int(list[0]) < capacity else { continue }
      list[0] += 1
      list[Int(list[0])] = node
      return
    }
    // The node that loses its place stays reached through the new one.
    let list = graph.list(scratch.pool[0].node, level: 0)
    let lost = list[capacity]
    list[capacity] = node
    let own = graph.list(node, level: 0)
    if !UnsafeBufferPointer(start: own + 1, count: Int(own[0])).contains(lost) {
      own[0] = min(own[0] + 1, UInt32(capacity))
      own[Int(own[0])] = lost
    }
  }

  /// Marks all nodes that the ground's links lead to.
  private func reach(from node: UInt32, _ graph: HNSWGraph, _ isReached: inout [Bool]) {
    isReached[Int(node)] = true
    var waiting = [node]
    while let next = waiting.popLast() {
      let list = graph.list(next, level: 0)
      for i in 1..<1 + Int(list[0]) where !isReached[Int(list[i])] {
        isReached[Int(list[i])] = true
        waiting.append(list[i])
      }
    }
  }
}
