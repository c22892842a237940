import Autodiff
import Settings

/// Called now and then while a graph is built.
public typealias BuildProgress = (_ done: Int, _ total: Int) -> Void

extension HNSWIndex {
  /// Builds a graph.
  ///
  /// - Parameters:
  ///   - vectors: shape [n, d]; a vector's id is its row.
  ///   - labels: the class of each vector, for the order by class.
  /// - Complexity: about O(n log n) distances; memory for the vectors and 4 (2 M + 1) n bytes.
  public init(
    _ vectors: Tensor, metric: ExactIndex.Metric, settings: HNSWSettings = HNSWSettings(),
    labels: [Int]? = nil, name: String = "vectors", onProgress: BuildProgress = { _, _ in }
  ) throws(Failure) {
    let empty = HNSWIndex(
      metric: metric, dimension: vectors.shape.last ?? 1, settings: settings, vectors: Block([]),
      levels: Block([]), ground: Block([]), upper: Block([]), upperStart: Block([]),
      deletions: nil, entry: 0, topLevel: 0)
    self = try empty.adding(vectors, labels: labels, name: name, onProgress: onProgress)
  }

  /// The index with more vectors, whose ids follow those that there are.
  ///
  /// - Complexity: a copy of the index, and the insertion of the new vectors.
  public func adding(
    _ vectors: Tensor, labels: [Int]? = nil, name: String = "vectors",
    onProgress: BuildProgress = { _, _ in }
  ) throws(Failure) -> HNSWIndex {
    let added = try vectors.checkedVectors(name: name)
    guard added.shape[1] == dimension else {
      throw Failure(
        .badData, at: name, "the vectors have \(added.shape[1]) columns",
        expected: "\(dimension), as the index has")
    }
    let total = count + added.shape[0]
    guard total < HNSWIndex.largestCount else {
      throw Failure(
        .badData, at: name, "there are \(total) vectors",
        expected: "less than \(HNSWIndex.largestCount)", remedy: "export them in --shards")
    }
    let random = Random(seed: UInt64(settings.seed)).split("HNSW")
    let order = try settings.order.rows(
      of: added, labels: labels, random: random.split("order"), name: name)
    var builder = HNSWBuilder(self, adding: added, random: random.split("levels"))
    var done = 0
    while done < order.count {
      let batch = builder.nextBatch(order[done...].lazy.map { UInt32($0 + count) })
      try builder.insert(batch)
      done += batch.count
      onProgress(done, order.count)
    }
    return builder.finished()
  }
}

/// A graph that grows by a batch of nodes at a time.
///
/// All nodes of a batch look for their neighbours in the graph as it was before, and among each
/// other, at the same time; then every node that was chosen takes up its new links. No list is
/// written by two threads, so no locks are needed and the result does not depend on timing.
struct HNSWBuilder {
  let index: HNSWIndex
  let vectors: Block<Float>
  let levels: Block<UInt8>
  let ground, upper, upperStart: Block<UInt32>
  let scratches: HNSWScratchPool
  let total: Int
  /// Nodes of the graph so far.
  private(set) var inserted: Int
  private(set) var entry: UInt32
  private(set) var topLevel: Int

  /// Batches are at most this share of the graph, and this long.
  private static let (share, longest) = (32, 2048)

  /// Memory for all vectors, with those that are there copied.
  init(_ index: HNSWIndex, adding added: Tensor, random: Random) {
    let (count, total) = (index.count, index.count + added.shape[0])
    let (d, links) = (index.dimension, index.settings.links)
    (self.index, self.total) = (index, total)
    vectors = Block(count: total * d) { base in
      base.update(from: index.vectorBlock.base, count: count * d)
      added.withElements(of: Float.self) { elements in
        if let start = elements.baseAddress {
          (base + count * d).update(from: start, count: elements.count)
        }
      }
    }
    // P(level ≥ l) = M^-l.
    let highest = HNSWIndex.highestLevel(links: links)
    let levels = Block<UInt8>(count: total) { base in
      base.update(from: index.levels.base, count: count)
      for node in count..<total {
        var stream = random.split(UInt64(node))
        var (draw, level) = (1 - stream.uniform(), 0)
        while level < highest, draw * Double(links) < 1 {
          draw *= Double(links)
          level += 1
        }
        base[node] = UInt8(level)
      }
    }
    self.levels = levels
    ground = Block(count: total * (1 + 2 * links)) { base in
      base.update(repeating: 0, count: total * (1 + 2 * links))
      base.update(from: index.ground.base, count: index.ground.count)
    }
    let starts = HNSWIndex.upperStarts(levels.elements)
    let lists = Int(starts.last ?? 0) + Int(levels.elements.last ?? 0)
    upper = Block(count: lists * (1 + links)) { base in
      base.update(repeating: 0, count: lists * (1 + links))
      base.update(from: index.upper.base, count: index.upper.count)
    }
    upperStart = Block(starts)
    scratches = HNSWScratchPool(nodeCount: total, links: links)
    (inserted, entry, topLevel) = (count, index.entry, index.topLevel)
  }

  var graph: HNSWGraph {
    HNSWGraph(
      vectors: vectors.base, dimension: index.dimension, isSquared: index.metric == .l2,
      links: index.settings.links, ground: UnsafeMutablePointer(mutating: ground.base),
      upper: UnsafeMutablePointer(mutating: upper.base), upperStart: upperStart.base, deleted: nil)
  }

  /// The nodes that go together: a small part of the graph, and one that opens a level alone.
  func nextBatch(_ nodes: some Collection<UInt32>) -> [UInt32] {
    let size = min(HNSWBuilder.longest, max(1, inserted / HNSWBuilder.share))
    var batch: [UInt32] = []
    for node in nodes.prefix(size) {
      let opensLevel = inserted == 0 || Int(levels[Int(node)]) > topLevel
      if opensLevel && !batch.isEmpty { break }
      batch.append(node)
      if opensLevel { break }
    }
    return batch
  }

  mutating func insert(_ batch: [UInt32]) throws(Failure) {
    defer { inserted += batch.count }
    guard inserted > 0 else {
      (entry, topLevel) = (batch[0], Int(levels[Int(batch[0])]))
      return
    }
    let peers = try nearestPeers(of: batch)
    let (graph, entry, topLevel) = (graph, entry, topLevel)
    Parallel.forEachRange(batch.count, grain: 4) { range in
      scratches.withScratch { scratch in
        for i in range {
          choose(for: batch[i], peers: peers[i], graph, from: entry, topLevel: topLevel, &scratch)
        }
      }
    }
    for level in 0...topLevel { linkBack(batch, level: level, graph) }
    let level = Int(levels[Int(batch[0])])
    if level > topLevel { (self.entry, self.topLevel) = (batch[0], level) }
  }

  /// Finds a new node's neighbours on each of its levels, and writes its own links.
  private func choose(
    for node: UInt32, peers: [UInt32], _ graph: HNSWGraph, from entry: UInt32, topLevel: Int,
    _ scratch: inout HNSWScratch
  ) {
    let query = graph.vector(node)
    let own = Int(levels[Int(node)])
    var start = graph.descend(
      query, from: entry, through: stride(from: topLevel, to: own, by: -1), &scratch)
    for level in stride(from: min(own, topLevel), through: 0, by: -1) {
      graph.search(
        query, from: start, breadth: index.settings.efConstruction, level: level, &scratch)
      start = scratch.pool[0].node
      for peer in peers where Int(levels[Int(peer)]) >= level {
        let key = graph.key(peer, from: query)
        if scratch.accepts(key) { _ = scratch.insert(key, isDeleted: false) }
      }
      let list = graph.list(node, level: level)
      list[0] = UInt32(
        graph.select(
          scratch.pool, count: scratch.count, limit: index.settings.links, into: list + 1, &scratch)
      )
    }
  }

  /// The nearest other nodes of the batch of each: those of a class may come together, and find
  /// none of theirs in the graph.
  private func nearestPeers(of batch: [UInt32]) throws(Failure) -> [[UInt32]] {
    guard batch.count > 1 else { return [[]] }
    let d = index.dimension
    let rows = Tensor(shape: [batch.count, d], of: Float.self) { elements in
      for (i, node) in batch.enumerated() {
        let vector = UnsafeBufferPointer(start: graph.vector(node), count: d)
        _ = elements[i * d..<(i + 1) * d].update(fromContentsOf: vector)
      }
    }
    let found = try ExactIndex(rows, metric: index.metric).search(
      rows, count: index.settings.links + 1)
    return batch.indices.map { i in
      found[i].filter { $0.id != i }.map { batch[$0.id] }
    }
  }

  func finished() -> HNSWIndex {
    connect()
    var deletions = index.deletions
    if var marks = deletions {
      marks += Array(repeating: 0, count: (total + 63) / 64 - marks.count)
      deletions = marks
    }
    return HNSWIndex(
      metric: index.metric, dimension: index.dimension, settings: index.settings,
      vectors: vectors, levels: levels, ground: ground, upper: upper, upperStart: upperStart,
      deletions: deletions, entry: entry, topLevel: topLevel)
  }
}

extension HNSWIndex {
  /// The highest level with more than one node in 10⁹, for which FAISS files have room.
  static func highestLevel(links: Int) -> Int {
    var (level, share) = (0, 1 - 1 / Double(links))
    while share / Double(links) >= 1e-9 {
      share /= Double(links)
      level += 1
    }
    return level
  }

  /// How many upper lists come before those of each node.
  static func upperStarts(_ levels: some Sequence<UInt8>) -> [UInt32] {
    var next: UInt32 = 0
    return levels.map { level in
      defer { next += UInt32(level) }
      return next
    }
  }
}
