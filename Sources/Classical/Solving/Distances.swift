import Autodiff

/// The sum of (a - b)², in eight sums side by side.
///
/// Exact for equal rows, and not taken from inner products, whose rounding moves what lies on a margin.
@inline(__always)
func squaredDistance(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
) -> Double {
  var total = 0.0
  var i = 0
  if count >= 8 {
    var sums = SIMD8<Double>(repeating: 0)
    while i + 8 <= count {
      let step = eight(a + i) - eight(b + i)
      sums += step * step
      i += 8
    }
    total =
      ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
  }
  while i < count {
    let step = a[i] - b[i]
    total += step * step
    i += 1
  }
  return total
}

/// The squared distance, or infinity once it is known to be more than `limit`.
@inline(__always)
func squaredDistance(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int, limit: Double
) -> Double {
  guard count > 32 else { return squaredDistance(a, b, count) }
  // Sums of squares only grow, so a part that is too long needs no rest.
  guard squaredDistance(a, b, 16) <= limit else { return .infinity }
  let whole = squaredDistance(a, b, count)
  return whole
}

/// The sum of a · b, in eight sums side by side.
@inline(__always)
func innerProduct(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
) -> Double {
  var sums = SIMD8<Double>(repeating: 0)
  var i = 0
  while i + 8 <= count {
    sums += eight(a + i) * eight(b + i)
    i += 8
  }
  var total = sums.sum()
  while i < count {
    total += a[i] * b[i]
    i += 1
  }
  return total
}

@inline(__always)
func eight(_ x: UnsafePointer<Double>) -> SIMD8<Double> {
  UnsafeRawPointer(x).loadUnaligned(as: SIMD8<Double>.self)
}

/// y += factor x.
@inline(__always)
func add(
  _ factor: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>, _ count: Int
) {
  var i = 0
  while i + 8 <= count {
    let sum = eight(y + i) + eight(x + i) * factor
    UnsafeMutableRawPointer(y + i).storeBytes(of: sum, as: SIMD8<Double>.self)
    i += 8
  }
  while i < count {
    y[i] += factor * x[i]
    i += 1
  }
}

/// The nearest rows of each row among those that `isWanted` allows, the lower index first of equals.
///
/// - Parameter queries: the rows whose neighbours are found; nil for all.
/// - Complexity: O(queries · rows · columns), in O(queries · count) memory.
package func nearestRows(
  _ x: Matrix, _ count: Int, of queries: Range<Int>? = nil, where isWanted: (Int, Int) -> Bool
) -> [[Int]] {
  let (n, d) = (x.rows, x.columns)
  let queries = queries ?? 0..<n
  var result = [[Int]](repeating: [], count: queries.count)
  guard count > 0 else { return result }
  result.withUnsafeMutableBufferPointer { result in
    x.elements.withUnsafeBufferPointer { x in
      guard let base = x.baseAddress else { return }
      Parallel.forEachRange(queries.count, grain: 32) { places in
        for place in places {
          let i = queries.lowerBound + place
          var nearest = NearestList(count: count)
          for j in 0..<n where j != i && isWanted(i, j) {
            nearest.add(
              j, squaredDistance(base + i * d, base + j * d, d, limit: nearest.limit))
          }
          result[place] = nearest.rows
        }
      }
    }
  }
  return result
}

/// The few nearest of what was added, in order.
struct NearestList {
  let count: Int
  private(set) var rows: [Int] = []
  private(set) var distances: [Double] = []

  init(count: Int) { self.count = count }

  /// What is farther than this cannot come in.
  var limit: Double { rows.count < count ? .infinity : distances[count - 1] }

  mutating func add(_ row: Int, _ distance: Double) {
    guard rows.count < count || distance < limit else { return }
    var place = rows.count
    while place > 0, distances[place - 1] > distance { place -= 1 }
    rows.insert(row, at: place)
    distances.insert(distance, at: place)
    if rows.count > count {
      rows.removeLast()
      distances.removeLast()
    }
  }
}

/// Few weights of one anchor's pairs.
struct SparseRow {
  var rows: UnsafeMutablePointer<Int>
  var weights: UnsafeMutablePointer<Double>
  var count = 0

  @inline(__always)
  mutating func append(_ row: Int, _ weight: Double) {
    rows[count] = row
    weights[count] = weight
    count += 1
  }
}

/// Sums over pairs of an anchor and any row: the value, and the scatter
/// H = sum of w_ij (x_i - x_j) transpose(x_i - x_j).
///
/// With E = X transpose(L), the gradient of a function of |E_i - E_j|² in L is 2 L H when w_ij is its
/// derivative in the square. H = X^T (diag(row sums + column sums of W) - W - W^T) X.
/// - Parameters:
///   - x: centred rows, [items, columns].
///   - anchors: distinct rows.
///   - body: writes the weights of one anchor, at most one for each row, and returns its value.
/// - Complexity: O(weights · columns + items · columns²), in memory for a few copies of the rows.
func pairScatter(
  _ x: Matrix, anchors: [Int], _ body: (Int, inout SparseRow) -> Double
) -> (value: Double, scatter: Matrix) {
  let (n, d) = (x.rows, x.columns)
  // A number of groups that depends on the rows alone, so that sums have one order.
  let groups = max(1, min(64, anchors.count / 16))
  var neighbors = Matrix(zeros: n, d)
  var rowSums = [Double](repeating: 0, count: n)
  var columnSums = [Double](repeating: 0, count: groups * n)
  var values = [Double](repeating: 0, count: groups)
  x.elements.withUnsafeBufferPointer { x in
    neighbors.elements.withUnsafeMutableBufferPointer { neighbors in
      columnSums.withUnsafeMutableBufferPointer { columnSums in
        rowSums.withUnsafeMutableBufferPointer { rowSums in
          values.withUnsafeMutableBufferPointer { values in
            guard let x = x.baseAddress, let neighbors = neighbors.baseAddress,
              let columnSums = columnSums.baseAddress
            else { return }
            Parallel.forEach(groups) { group in
              let own = anchors.count * group / groups..<anchors.count * (group + 1) / groups
              let columns = columnSums + group * n
              var row = SparseRow(rows: .allocate(capacity: n), weights: .allocate(capacity: n))
              defer {
                row.rows.deallocate()
                row.weights.deallocate()
              }
              var value = 0.0
              for place in own {
                let i = anchors[place]
                row.count = 0
                value += body(i, &row)
                var sum = 0.0
                for slot in 0..<row.count {
                  let (j, weight) = (row.rows[slot], row.weights[slot])
                  sum += weight
                  columns[j] += weight
                  add(weight, x + j * d, to: neighbors + i * d, d)
                }
                rowSums[i] = sum
              }
              values[group] = value
            }
          }
        }
      }
    }
  }
  for j in 0..<n { for group in 0..<groups { rowSums[j] += columnSums[group * n + j] } }
  let cross = x.times(neighbors, transposingSelf: true)
  let own = x.times(x.scalingRows(by: rowSums), transposingSelf: true)
  return (values.reduce(0, +), (own - cross - cross.transposed).symmetrized())
}
