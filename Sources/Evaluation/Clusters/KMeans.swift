import Autodiff

/// Cuts rows into clusters around means: Lloyd's iterations from k-means++ centres
/// (Arthur and Vassilvitskii, 2007).
package struct KMeans {
  /// The cluster of each row, numbered from 0; a cluster may be empty.
  package let clusters: [Int]

  /// - Parameter iterations: the most that are made; fewer if no row changes its cluster.
  /// - Complexity: O(n k d) per iteration.
  package init<S: Scalar>(
    _ rows: LabeledRows<S>, count: Int, iterations: Int = 20, random: inout Random
  ) {
    var centers = KMeans.spreadCenters(rows, count: count, random: &random).map { Double($0) }
    let search = NearestCenters(rows)
    var clusters = search.clusters(centers)
    for _ in 1..<max(2, iterations) {
      KMeans.moveCenters(&centers, rows, clusters, count: count)
      let next = search.clusters(centers)
      guard next != clusters else { break }
      clusters = next
    }
    self.clusters = clusters
  }

  /// Each centre is a row drawn with probability ∝ its squared distance to the centres so far.
  private static func spreadCenters<S: Scalar>(
    _ rows: LabeledRows<S>, count: Int, random: inout Random
  ) -> [S] {
    let d = rows.dimension
    var centers: [S] = []
    var distances = Array(repeating: Double.infinity, count: rows.count)
    var next = random.below(rows.count)
    while true {
      let center = Array(rows.rows[next * d..<(next + 1) * d])
      centers += center
      guard centers.count < count * d else { return centers }
      rows.rows.withUnsafeBufferPointer { elements in
        center.withUnsafeBufferPointer { center in
          distances.withUnsafeMutableBufferPointer { distances in
            guard let x = elements.baseAddress, let c = center.baseAddress else { return }
            let distances = distances
            Parallel.forEachRange(rows.count, grain: 512) { range in
              for row in range {
                distances[row] = min(distances[row], Double(squaredDistance(x + row * d, c, d)))
              }
            }
          }
        }
      }
      let total = distances.reduce(0, +)
      guard total > 0 else {
        next = random.below(rows.count)
        continue
      }
      var left = random.uniform() * total
      next = rows.count - 1
      for (row, distance) in distances.enumerated() where distance > 0 {
        next = row
        left -= distance
        if left < 0 { break }
      }
    }
  }

  /// Moves each centre to the mean of its rows; one without rows stays.
  private static func moveCenters<S: Scalar>(
    _ centers: inout [Double], _ rows: LabeledRows<S>, _ clusters: [Int], count: Int
  ) {
    let d = rows.dimension
    var sums = Array(repeating: 0.0, count: count * d)
    var sizes = Array(repeating: 0, count: count)
    for (row, cluster) in clusters.enumerated() {
      sizes[cluster] += 1
      for i in 0..<d { sums[cluster * d + i] += Double(rows.rows[row * d + i]) }
    }
    for cluster in 0..<count where sizes[cluster] > 0 {
      for i in 0..<d {
        centers[cluster * d + i] = sums[cluster * d + i] / Double(sizes[cluster])
      }
    }
  }
}
