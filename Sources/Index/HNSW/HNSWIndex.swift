import Autodiff
import Settings

/// How a graph is built.
public struct HNSWSettings: Configurable, Equatable {
  public var links = 16
  public var efConstruction = 200
  public var order = HNSWOrder.given
  public var seed = 0

  public init() {}

  public static let settings = [
    Setting("links", \HNSWSettings.links, "M: links of a node; twice as many below", in: 2...256),
    Setting(
      "efConstruction", \HNSWSettings.efConstruction,
      "how many near nodes an insertion looks at", in: 1...100_000),
    Setting("order", \HNSWSettings.order, "the order in which vectors are inserted"),
    Setting("seed", \HNSWSettings.seed, "of the levels, and of a random order"),
  ]

  /// Settings out of a file, for which the rules are those of any others.
  init(
    links: Int, efConstruction: Int, order: HNSWOrder = .given, seed: Int = 0, at path: String
  ) throws(Failure) {
    self = try HNSWSettings().setting(
      [
        "links": JSONValue(links), "efConstruction": JSONValue(efConstruction),
        "order": .string(order.rawValue), "seed": JSONValue(seed),
      ], at: path)
  }
}

/// Vectors that are searched by following links from near ones to nearer ones: a hierarchical
/// navigable small world.
///
/// The graph is the same bits for the same vectors, settings and instruction set, on any number of
/// threads. Inner products are meant for vectors of unit length; for others the recall is lower.
/// - Reference: Malkov and Yashunin, *Efficient and robust approximate nearest neighbor search
///   using Hierarchical Navigable Small World graphs* (2018); inserted in batches after Manohar et
///   al., *ParlayANN* (2024).
public struct HNSWIndex: Sendable {
  public let metric: ExactIndex.Metric
  public let dimension, count: Int
  public let settings: HNSWSettings
  let vectorBlock: Block<Float>
  /// The highest level of each node; 0 is the ground.
  let levels: Block<UInt8>
  let ground, upper, upperStart: Block<UInt32>
  /// A bit for each node; nil if none is deleted.
  private(set) var deletions: [UInt64]?
  /// Where searches begin; of no meaning if there are no vectors.
  let entry: UInt32
  let topLevel: Int
  private let scratches: HNSWScratchPool

  /// The largest number of vectors, since links are 31 bits, as in FAISS.
  static let largestCount = 0x7FFF_FFFF

  init(
    metric: ExactIndex.Metric, dimension: Int, settings: HNSWSettings, vectors: Block<Float>,
    levels: Block<UInt8>, ground: Block<UInt32>, upper: Block<UInt32>, upperStart: Block<UInt32>,
    deletions: [UInt64]?, entry: UInt32, topLevel: Int
  ) {
    (self.metric, self.dimension, self.settings) = (metric, dimension, settings)
    (vectorBlock, self.levels, self.ground) = (vectors, levels, ground)
    (self.upper, self.upperStart, self.deletions) = (upper, upperStart, deletions)
    (self.entry, self.topLevel, count) = (entry, topLevel, levels.count)
    scratches = HNSWScratchPool(nodeCount: levels.count, links: settings.links)
  }

  /// All vectors, deleted ones too; [count, dimension].
  public var vectors: Tensor {
    Tensor(shape: [count, dimension], of: Float.self) { elements in
      _ = elements.update(fromContentsOf: vectorBlock.elements)
    }
  }

  /// The parts of the graph; valid while the index lives. Nobody writes through it.
  func withGraph<Result>(_ body: (HNSWGraph) throws -> Result) rethrows -> Result {
    func graph(_ deleted: UnsafePointer<UInt64>?) -> HNSWGraph {
      HNSWGraph(
        vectors: vectorBlock.base, dimension: dimension, isSquared: metric == .l2,
        links: settings.links, ground: UnsafeMutablePointer(mutating: ground.base),
        upper: UnsafeMutablePointer(mutating: upper.base), upperStart: upperStart.base,
        deleted: deleted)
    }
    defer { withExtendedLifetime(self) {} }
    guard let deletions else { return try body(graph(nil)) }
    return try deletions.withUnsafeBufferPointer { try body(graph($0.baseAddress)) }
  }
}

// MARK: - Searching

extension HNSWIndex {
  /// How many vectors are not deleted.
  public var liveCount: Int {
    count - (deletions?.reduce(0) { $0 + $1.nonzeroBitCount } ?? 0)
  }

  /// Finds near vectors of each query; of equally near ones the smaller id comes first.
  ///
  /// - Parameters:
  ///   - queries: shape [m, dimension].
  ///   - count: how many to find; all that are not deleted if there are fewer.
  ///   - ef: how many near vectors are followed; more find more. At least `count`.
  public func search(
    _ queries: Tensor, count: Int, ef: Int, name: String = "queries"
  ) throws(Failure) -> Neighbors {
    let queries = try queries.checkedQueries(dimension: dimension, count: count, name: name)
    let found = min(count, liveCount)
    let rows = queries.shape[0]
    guard found > 0, rows > 0 else { return Neighbors(countPerQuery: found, ids: [], scores: []) }
    var ids = Array(repeating: 0, count: rows * found)
    var scores = Array(repeating: 0.0, count: rows * found)
    ids.withUnsafeMutableBufferPointer { ids in
      scores.withUnsafeMutableBufferPointer { scores in
        let (ids, scores) = (ids, scores)
        queries.withElements(of: Float.self) { elements in
          guard let base = elements.baseAddress else { return }
          withGraph { graph in
            Parallel.forEachRange(rows, grain: 16) { range in
              scratches.withScratch { scratch in
                for row in range {
                  findNearest(to: base + row * dimension, count: found, ef: ef, graph, &scratch) {
                    ids[row * found + $0] = Int($1.node)
                    let score = metric == .l2 ? $1.distance : 0 - $1.distance
                    scores[row * found + $0] = Double(score)
                  }
                }
              }
            }
          }
        }
      }
    }
    return Neighbors(countPerQuery: found, ids: ids, scores: scores)
  }

  /// Tells the nearest keys by their places. Should fewer be found than there are, all vectors are
  /// compared.
  @inline(__always)
  private func findNearest(
    to query: UnsafePointer<Float>, count: Int, ef: Int, _ graph: HNSWGraph,
    _ scratch: inout HNSWScratch, _ tell: (Int, HNSWKey) -> Void
  ) {
    let start = graph.descend(
      query, from: entry, through: stride(from: topLevel, to: 0, by: -1), &scratch)
    graph.search(query, from: start, breadth: max(ef, count), level: 0, &scratch)
    var told = 0
    for i in 0..<scratch.count where told < count {
      let key = scratch.pool[i]
      guard !graph.isDeleted(key.node) else { continue }
      tell(told, key)
      told += 1
    }
    if told == count { return }
    let all = (0..<UInt32(self.count)).filter { !graph.isDeleted($0) }
    for (i, key) in all.map({ graph.key($0, from: query) }).sorted().prefix(count).enumerated() {
      tell(i, key)
    }
  }
}

// MARK: - Changing

extension HNSWIndex {
  /// Marks vectors as deleted: searches pass through them and do not return them.
  ///
  /// - Throws: if there is no such vector.
  public mutating func delete(_ ids: some Sequence<Int>) throws(Failure) {
    var marks = deletions ?? Array(repeating: 0, count: (count + 63) / 64)
    for id in ids {
      guard (0..<count).contains(id) else {
        throw Failure(
          .badData, at: "delete", "there is no vector \(id)", expected: "0 to \(count - 1)")
      }
      marks[id / 64] |= 1 << UInt64(id % 64)
    }
    deletions = marks.allSatisfy { $0 == 0 } ? nil : marks
  }

  public func isDeleted(_ id: Int) -> Bool {
    deletions.map { $0[id / 64] >> UInt64(id % 64) & 1 == 1 } ?? false
  }
}

extension Tensor {
  /// Queries that fit an index.
  func checkedQueries(dimension: Int, count: Int, name: String) throws(Failure) -> Tensor {
    let queries = try checkedVectors(name: name)
    try queries.checkQueries(dimension: dimension, count: count, name: name)
    return queries
  }

  /// Fails unless the width is that of an index, and neighbours are asked for.
  func checkQueries(dimension: Int, count: Int, name: String) throws(Failure) {
    guard shape[1] == dimension else {
      throw Failure(
        .badData, at: name, "the queries have \(shape[1]) columns",
        expected: "\(dimension), as the index has", remedy: "embed them with the index's model")
    }
    guard count > 0 else {
      throw Failure(
        .badUsage, at: "top", "\(count) neighbours are asked for", expected: "1 or more")
    }
  }
}
