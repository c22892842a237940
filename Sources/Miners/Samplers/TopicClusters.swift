import Autodiff
import Geometry

/// The cluster of each of some unit rows, by spherical k-means: Lloyd's iterations from rows that
/// are drawn, with cosine similarity.
///
/// A cluster that loses its rows keeps its centre.
/// - Complexity: O(rows × count × dimension) an iteration.
func topicClusters(_ rows: Tensor, count: Int, iterations: Int = 20, random: Random) -> [Int] {
  let (n, dimension) = (rows.shape[0], rows.shape[1])
  var random = random
  let count = min(count, n)
  guard count > 0 else { return [] }
  let numbers = rows.elements(as: Double.self)
  var centers = rows.rows(at: Array(random.permutation(n).prefix(count)))
  var clusters: [Int] = []
  for _ in 0..<iterations {
    let cosines = rows.timesTransposed(centers).elements(as: Double.self)
    let next = (0..<n).map { row in
      var best = 0
      for c in 1..<max(1, count) where cosines[row * count + c] > cosines[row * count + best] {
        best = c
      }
      return best
    }
    guard next != clusters else { break }
    clusters = next
    var sums = [Double](repeating: 0, count: count * dimension)
    var sizes = [Int](repeating: 0, count: count)
    for (row, c) in clusters.enumerated() {
      sizes[c] += 1
      for k in 0..<dimension { sums[c * dimension + k] += numbers[row * dimension + k] }
    }
    let old = centers.elements(as: Double.self)
    for c in 0..<count where sizes[c] == 0 {
      for k in 0..<dimension { sums[c * dimension + k] = old[c * dimension + k] }
    }
    centers = Tensor(sums, shape: [count, dimension]).withUnitRows()
  }
  return clusters
}
