import Autodiff
import Settings

/// The nearest keys so far, in order.
struct TopKeys {
  private(set) var keys: [HNSWKey] = []
  private let count: Int

  init(count: Int) {
    self.count = count
    keys.reserveCapacity(count + 1)
  }

  mutating func offer(_ key: HNSWKey) {
    if keys.count == count {
      guard let last = keys.last, key < last else { return }
      keys.removeLast()
    }
    var (low, high) = (0, keys.count)
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    keys.insert(key, at: low)
  }

  /// Offers rows by their distance from a query.
  mutating func offer(
    _ rows: [UInt32], from query: UnsafePointer<Float>, to base: UnsafePointer<Float>,
    dimension: Int, isSquared: Bool
  ) {
    var distances = [Float](repeating: 0, count: rows.count)
    RowKernels<Float>().distances(
      &distances, from: query, to: base, rows: rows, count: rows.count, columns: dimension,
      isSquared: isSquared)
    for (row, distance) in zip(rows, distances) { offer(HNSWKey(distance, row)) }
  }
}

extension Neighbors {
  /// - Parameter keys: for each query `countPerQuery` of them, nearest first.
  init(_ keys: [HNSWKey], countPerQuery: Int, metric: ExactIndex.Metric) {
    self.init(
      countPerQuery: countPerQuery, ids: keys.map { Int($0.node) },
      scores: keys.map { Double(metric == .l2 ? $0.distance : 0 - $0.distance) })
  }
}

extension Tensor {
  /// The nearest keys of each row, found in parallel: `count` of them for each, nearest first.
  ///
  /// - Parameters:
  ///   - grain: rows that one thread takes at least.
  ///   - nearest: the nearest keys of a row, at least `count`.
  func nearestKeys(
    count: Int, grain: Int, _ nearest: (_ row: Int, UnsafePointer<Float>) -> TopKeys
  ) -> [HNSWKey] {
    let (rows, columns) = (shape[0], shape[1])
    var keys = Array(repeating: HNSWKey(0, 0), count: rows * count)
    keys.withUnsafeMutableBufferPointer { keys in
      let keys = keys
      withElements(of: Float.self) { queries in
        guard let queries = queries.baseAddress else { return }
        Parallel.forEachRange(rows, grain: grain) { range in
          for row in range {
            let found = nearest(row, queries + row * columns).keys
            for (i, key) in found.enumerated() { keys[row * count + i] = key }
          }
        }
      }
    }
    return keys
  }
}
