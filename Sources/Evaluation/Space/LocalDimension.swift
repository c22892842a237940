import Autodiff
import Foundation

/// The mean over at most 1,000 rows (evenly spread) of the local intrinsic dimension
/// −((1/k) Σ ln(rᵢ / r_k))⁻¹, where rᵢ is the distance of the i-th of the nearest k = 100 others.
///
/// Equal rows count as none; rows whose neighbours are all equally far have no finite dimension and
/// are left out.
/// Source: Levina and Bickel, 2004; Amsaleg et al., Estimating Local Intrinsic Dimensionality, 2015.
/// - Returns: nil if no row has a finite dimension.
/// - Complexity: O(1000 n d).
package func localDimension<S: Scalar>(_ rows: LabeledRows<S>, neighbors k: Int = 100) -> Double? {
  let sample = rows.sample(1000)
  // Rows at distance 0 are left out below, and with them each row itself: by cosine a row of zeros
  // is not at distance 0 of itself.
  let lanes = DistanceRows(query: sample, gallery: rows, isSelf: false).reduce(
    [(row: Int, value: Double)]()
  ) { lane, row, line in
    line[row * rows.count / sample.count] = 0
    // What is beyond the nearest of a part is beyond the nearest of all.
    var part = line.prefix(2048).filter { $0 > 0 }
    var limit = S.infinity
    if part.count > k {
      selectFirst(k, of: &part)
      limit = part[k - 1]
    }
    var nearest = line.filter { $0 > 0 && $0 <= limit }
    guard nearest.count > 1 else { return }
    let count = min(k, nearest.count)
    selectFirst(count, of: &nearest)
    let farthest = Double(nearest[count - 1])
    // Halves, since these are squares of distances.
    let sum = nearest[..<count].reduce(0.0) { $0 + log(Double($1) / farthest) / 2 }
    if sum < 0 { lane.append((row, -Double(count) / sum)) }
  }
  let values = lanes.flatMap { $0 }.sorted { $0.row < $1.row }
  return values.isEmpty ? nil : values.reduce(0) { $0 + $1.value } / Double(values.count)
}

/// Puts the smallest `count` numbers first, ascending.
private func selectFirst<S: Scalar>(_ count: Int, of values: inout [S]) {
  var (low, high) = (0, values.count - 1)
  // A pivot that hardly divides what is left is unlikely, and is not met again and again.
  for _ in 0..<64 where low < high {
    let pivot = values[low + (high - low) / 2]
    var (i, j) = (low, high)
    while i <= j {
      while values[i] < pivot { i += 1 }
      while values[j] > pivot { j -= 1 }
      if i <= j {
        values.swapAt(i, j)
        (i, j) = (i + 1, j - 1)
      }
    }
    if count - 1 <= j { high = j } else if count - 1 >= i { low = i } else { low = high }
  }
  if low < high { values[low...high].sort() }
  values[..<count].sort()
}
