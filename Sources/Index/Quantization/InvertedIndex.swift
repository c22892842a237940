import Autodiff
import Settings

/// Vectors in lists, each around a centre; a search reads the lists of the nearest centres only.
///
/// - Reference: Sivic and Zisserman, *Video Google* (2003); Jégou et al., *Product quantization for
///   nearest neighbor search* (2011), without the quantisation.
public struct InvertedIndex: VectorIndex {
  public let centers: ExactIndex
  /// The ids of the vectors, list after list.
  public let ids: [Int]
  /// Where each list begins, and where the last ends.
  public let starts: [Int]
  /// The vectors in the order of `ids`.
  public let listed: Tensor
  /// How many lists are read unless a search says otherwise.
  public let probes: Int

  public var metric: ExactIndex.Metric { centers.metric }
  public var dimension: Int { centers.dimension }
  public var count: Int { ids.count }

  /// - Parameters:
  ///   - lists: how many; about √n if nil.
  ///   - seed: of the rows that centres start from.
  public init(
    _ vectors: Tensor, metric: ExactIndex.Metric, lists: Int? = nil, probes: Int = 16,
    seed: Int = 0, name: String = "vectors"
  ) throws(Failure) {
    let vectors = try vectors.checkedVectors(name: name)
    let n = vectors.shape[0]
    guard n > 0 else {
      throw Failure(.badData, at: name, "there are no vectors to make lists of")
    }
    let lists = min(n, lists ?? max(1, Int(Double(n).squareRoot())))
    var random = Random(seed: UInt64(seed)).split("lists")
    let isUnit = metric == .innerProduct
    let found = try clusterCenters(of: vectors, count: lists, isUnit: isUnit, random: &random)
    let nearest = try assignments(of: vectors, to: found, metric: metric)
    var sizes = [Int](repeating: 0, count: lists)
    for center in nearest { sizes[center] += 1 }
    let ids = (0..<n).sorted { (nearest[$0], $0) < (nearest[$1], $1) }
    try self.init(
      centers: ExactIndex(found, metric: metric), ids: ids, sizes: sizes,
      listed: vectors.rows(at: ids), probes: probes)
  }

  init(centers: ExactIndex, ids: [Int], sizes: [Int], listed: Tensor, probes: Int) {
    (self.centers, self.ids, self.listed, self.probes) = (centers, ids, listed, probes)
    starts = sizes.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
  }

  public func search(
    _ queries: Tensor, count wanted: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    let queries = try queries.checkedQueries(dimension: dimension, count: wanted, name: name)
    let found = min(wanted, count)
    let near = try centers.search(
      queries, count: max(1, min(effort.probes, centers.count)), name: name)
    let keys = queries.nearestKeys(count: found, grain: 8) { row, query in
      let top = nearest(near[row].map(\.id), query, count: found)
      // Where the lists that were read hold too few, all are.
      return top.keys.count < found ? nearest(Array(0..<centers.count), query, count: found) : top
    }
    return Neighbors(keys, countPerQuery: found, metric: metric)
  }

  private func nearest(
    _ lists: [Int], _ query: UnsafePointer<Float>, count: Int
  ) -> TopKeys {
    var top = TopKeys(count: count)
    let kernels = RowKernels<Float>()
    var distances: [Float] = []
    listed.withElements(of: Float.self) { listed in
      guard let base = listed.baseAddress else { return }
      for list in lists {
        let places = (starts[list]..<starts[list + 1]).map { UInt32($0) }
        if distances.count < places.count { distances = Array(repeating: 0, count: places.count) }
        kernels.distances(
          &distances, from: query, to: base, rows: places, count: places.count,
          columns: dimension, isSquared: metric == .l2)
        for (i, place) in places.enumerated() {
          top.offer(HNSWKey(distances[i], UInt32(ids[Int(place)])))
        }
      }
    }
    return top
  }

  public func storedVectors() -> Tensor {
    var places = [Int](repeating: 0, count: count)
    for (place, id) in ids.enumerated() { places[id] = place }
    return listed.rows(at: places)
  }
}
