import Autodiff
import Settings

/// Centres of rows by Lloyd's iterations, from rows drawn at random or from given centres.
///
/// An empty cluster takes half of the largest: both centres are that one, moved a little apart.
/// - Complexity: O(n k d) an iteration; at most 256 rows for each centre are looked at.
func clusterCenters(
  of rows: Tensor, count: Int, isUnit: Bool = false, iterations: Int = 15,
  from start: Tensor? = nil,
  random: inout Random
) throws(Failure) -> Tensor {
  let d = rows.shape[1]
  var order = random.permutation(rows.shape[0])
  if order.count > 256 * count { order = Array(order.prefix(256 * count)) }
  let sample = rows.detached.rows(at: order)
  // With fewer rows than centres, some centres are equal.
  var centers = start ?? sample.rows(at: (0..<count).map { $0 % max(1, order.count) })
  for _ in 0..<iterations {
    if isUnit { centers = centers.normalizedRows() }
    let nearest = try assignments(of: sample, to: centers, metric: isUnit ? .innerProduct : .l2)
    var sums = [Double](repeating: 0, count: count * d)
    var sizes = [Int](repeating: 0, count: count)
    sample.withElements(of: Float.self) { x in
      for (row, center) in nearest.enumerated() {
        sizes[center] += 1
        for j in 0..<d { sums[center * d + j] += Double(x[row * d + j]) }
      }
    }
    var next = centers.elements(as: Float.self)
    for center in 0..<count where sizes[center] > 0 {
      for j in 0..<d {
        next[center * d + j] = Float(sums[center * d + j] / Double(sizes[center]))
      }
    }
    if order.count >= 2 * count { splitLargest(&next, &sizes, width: d) }
    centers = Tensor(next, shape: [count, d])
  }
  return isUnit ? centers.normalizedRows() : centers
}

private func splitLargest(_ centers: inout [Float], _ sizes: inout [Int], width d: Int) {
  for empty in sizes.indices where sizes[empty] == 0 {
    guard let largest = sizes.indices.max(by: { sizes[$0] < sizes[$1] }), sizes[largest] > 1 else {
      return
    }
    for j in 0..<d {
      let (value, step): (Float, Float) = (centers[largest * d + j], j % 2 == 0 ? 1 : -1)
      centers[empty * d + j] = value * (1 + step / 1024)
      centers[largest * d + j] = value * (1 - step / 1024)
    }
    sizes[empty] = sizes[largest] / 2
    sizes[largest] -= sizes[empty]
  }
}

/// The nearest centre of each row, the first of equally near ones.
func assignments(
  of rows: Tensor, to centers: Tensor, metric: ExactIndex.Metric
) throws(Failure) -> [Int] {
  try ExactIndex(centers, metric: metric, name: "centres").search(rows, count: 1).ids
}
