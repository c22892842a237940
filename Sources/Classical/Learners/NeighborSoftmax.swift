import Autodiff
import Foundation

/// The share of each row in an anchor's neighbourhood: p_ij = softmax over j ≠ i of -|L (x_i - x_j)|².
///
/// What NCA and MLKR are made of. Shares below e^-45 of the nearest one's are left out: together they
/// are less than rounding.
struct NeighborSoftmax {
  /// Centred rows, and those of the anchors.
  private let rows, own: Matrix
  let anchors: [Int]

  init(_ rows: Matrix, anchors: [Int]) {
    self.rows = rows.centered()
    self.anchors = anchors
    own = anchors.count == rows.rows ? self.rows : self.rows.rows(at: anchors)
  }

  /// Sums `body` over the anchors; returns the value and its gradient in the map.
  ///
  /// With E = X transpose(L), the gradient of a function of |E_i - E_j|² in L is 2 L H, where w_ij is
  /// its derivative in the square and H = X^T (diag(row sums + column sums of W) - W - W^T) X.
  /// - Parameter body: gets an anchor and the shares of its neighbours, turns these into the
  ///   derivatives of its value in the squared distances, and returns the value.
  /// - Complexity: O(anchors · items · columns) time; memory for a few copies of the rows and, for
  ///   each thread, a strip of 72 rows of distances to all.
  func sum(
    map: Matrix, _ body: (Int, inout SparseRow) -> Double
  ) -> (value: Double, gradient: Matrix) {
    let points = Embedded(rows.times(map, transposingOther: true))
    let queries = anchors.count == rows.rows ? points.rows : points.rows.rows(at: anchors)
    guard points.isFinite else { return (.nan, Matrix(zeros: map.rows, map.columns)) }
    let (n, d) = (rows.rows, rows.columns)
    let (k, height) = (points.rows.columns, Double.stripRows)
    var neighbors = Matrix(zeros: anchors.count, d)
    var (rowSums, sums) = ([Double](repeating: 0, count: anchors.count), zeros(n))
    var value = 0.0
    // So many anchors at a time that their strips' column sums stay few.
    let round = 64 * height
    for first in stride(from: 0, to: anchors.count, by: round) {
      let count = min(round, anchors.count - first)
      let strips = (count + height - 1) / height
      var (columnSums, values) = (zeros(strips * n), zeros(strips))
      withPointers(&neighbors, &rowSums, &columnSums, &values) {
        neighbors, rowSums, columnSums, values in
        points.withPointers { points in
          rows.elements.withUnsafeBufferPointer { x in
            queries.elements.withUnsafeBufferPointer { q in
              guard let x = x.baseAddress, let q = q.baseAddress else { return }
              Double.productStrips(q + first * k, points.base, m: count, n: n, k: k) {
                places, products in
                let strip = Strip(
                  weights: UnsafeMutablePointer(mutating: products), count: places.count, width: n)
                let columns = columnSums + places.lowerBound / height * n
                let start = first + places.lowerBound
                values[places.lowerBound / height] = strip.fill(
                  anchors[start..<start + places.count], points, rowSums + start, columns, body)
                strip.multiply(x, into: neighbors + start * d, d)
              }
            }
          }
        }
      }
      value += values.reduce(0, +)
      for strip in 0..<strips { for j in 0..<n { sums[j] += columnSums[strip * n + j] } }
    }
    for (place, row) in anchors.enumerated() { sums[row] += rowSums[place] }
    let cross = own.times(neighbors, transposingSelf: true)
    let diagonal = rows.times(rows.scalingRows(by: sums), transposingSelf: true)
    let scatter = (diagonal - cross - cross.transposed).symmetrized()
    return (value, map.times(scatter) * 2)
  }

  private func zeros(_ count: Int) -> [Double] { [Double](repeating: 0, count: count) }

  private func withPointers(
    _ a: inout Matrix, _ b: inout [Double], _ c: inout [Double], _ d: inout [Double],
    _ body: (
      UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>,
      UnsafeMutablePointer<Double>
    ) -> Void
  ) {
    a.elements.withUnsafeMutableBufferPointer { a in
      b.withUnsafeMutableBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          d.withUnsafeMutableBufferPointer { d in
            guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress,
              let d = d.baseAddress
            else { return }
            body(a, b, c, d)
          }
        }
      }
    }
  }
}

/// Embedded rows with their squared lengths, by which products become distances.
private struct Embedded {
  let rows: Matrix
  let norms: [Double]
  let largest: Double

  init(_ rows: Matrix) {
    self.rows = rows
    let k = rows.columns
    norms = rows.elements.withUnsafeBufferPointer { e in
      (0..<rows.rows).map { i in
        e.baseAddress.map { innerProduct($0 + i * k, $0 + i * k, k) } ?? 0
      }
    }
    largest = norms.max() ?? 0
  }

  var isFinite: Bool { norms.allSatisfy(\.isFinite) }

  struct Pointers {
    let base, norms: UnsafePointer<Double>
    let width: Int
    /// How far off a distance from products may be for each unit of squared length.
    let rounding, largest: Double
  }

  func withPointers(_ body: (Pointers) -> Void) {
    rows.elements.withUnsafeBufferPointer { e in
      norms.withUnsafeBufferPointer { norms in
        guard let base = e.baseAddress, let norms = norms.baseAddress else { return }
        body(
          Pointers(
            base: base, norms: norms, width: rows.columns,
            rounding: Double(16 + rows.columns) * 2.3e-16, largest: largest))
      }
    }
  }
}

/// Anchors by all rows: products at first, then weights.
private struct Strip {
  let weights: UnsafeMutablePointer<Double>
  let count, width: Int
  private let reach = 45.0
  /// Up to this sum of squared lengths products tell distances to 12 places.
  private let exactLength = 2500.0

  init(weights: UnsafeMutablePointer<Double>, count: Int, width: Int) {
    (self.weights, self.count, self.width) = (weights, count, width)
  }

  func fill(
    _ anchors: ArraySlice<Int>, _ points: Embedded.Pointers,
    _ rowSums: UnsafeMutablePointer<Double>, _ columnSums: UnsafeMutablePointer<Double>,
    _ body: (Int, inout SparseRow) -> Double
  ) -> Double {
    let (lines, kernels) = (LineKernels<Double>(), RowKernels<Double>())
    let places = UnsafeMutablePointer<Int32>.allocate(capacity: width)
    var row = SparseRow(rows: .allocate(capacity: width), weights: .allocate(capacity: width))
    defer {
      places.deallocate()
      row.rows.deallocate()
      row.weights.deallocate()
    }
    var value = 0.0
    for (place, i) in anchors.enumerated() {
      let line = weights + place * width
      let norm = points.norms[i]
      _ = lines.squares(line, norms: points.norms, norm: norm, share: 0, width)
      line[i] = .infinity
      let limit = minimum(line, width) + reach + 2 * points.rounding * (norm + points.largest)
      row.count = lines.placesWithin(places, line, limit: limit, width)
      var nearest = -Double.infinity
      for slot in 0..<row.count {
        let j = Int(places[slot])
        let square =
          norm + points.norms[j] <= exactLength
          ? max(0, line[j])
          : squaredDistance(
            points.base + i * points.width, points.base + j * points.width, points.width)
        nearest = max(nearest, -square)
        row.rows[slot] = j
        row.weights[slot] = -square
      }
      let total = kernels.expSum(row.weights, row.weights, peak: nearest, row.count)
      for slot in 0..<row.count { row.weights[slot] /= total }
      value += body(i, &row)
      line.update(repeating: 0, count: width)
      var sum = 0.0
      for slot in 0..<row.count {
        let (j, weight) = (row.rows[slot], row.weights[slot])
        sum += weight
        columnSums[j] += weight
        line[j] = weight
      }
      rowSums[place] = sum
    }
    return value
  }

  /// The weights times all rows: few weights one by one, many as a product.
  func multiply(
    _ x: UnsafePointer<Double>, into result: UnsafeMutablePointer<Double>, _ columns: Int
  ) {
    var used = 0
    for place in 0..<count * width where weights[place] != 0 { used += 1 }
    guard 16 * used < count * width else {
      Double.product(
        result, weights, x, m: count, n: columns, k: width, transposingA: false,
        transposingB: false, adding: false)
      return
    }
    for place in 0..<count {
      for j in 0..<width where weights[place * width + j] != 0 {
        add(weights[place * width + j], x + j * columns, to: result + place * columns, columns)
      }
    }
  }

  private func minimum(_ x: UnsafePointer<Double>, _ count: Int) -> Double {
    var least = SIMD8<Double>(repeating: .infinity)
    var i = 0
    while i + 8 <= count {
      least = pointwiseMin(least, eight(x + i))
      i += 8
    }
    var result = least.min()
    while i < count {
      result = min(result, x[i])
      i += 1
    }
    return result
  }
}

/// Minimises a function of a map by quasi-Newton steps.
func descend(
  from start: Matrix, maxIterations: Int, tolerance: Double,
  _ function: @escaping (Matrix) -> (value: Double, gradient: Matrix)
) -> (map: Matrix, result: LBFGS.Result) {
  var solver = LBFGS()
  solver.maxIterations = maxIterations
  solver.gradientTolerance = tolerance
  solver.valueTolerance = 1e-11
  let result = solver.minimize(from: start.elements) { point, gradient in
    let found = function(Matrix(point, rows: start.rows, columns: start.columns))
    gradient = found.gradient.elements
    return found.value
  }
  return (Matrix(result.point, rows: start.rows, columns: start.columns), result)
}
