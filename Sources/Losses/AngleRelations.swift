import Autodiff

/// The sum of Huber's function over the differences of all angles from a teacher's, and its gradient.
///
/// With e_jk the direction from row j to row k, 0 for equal rows, t_jk that of the teacher, and
/// H(u) = u²/2 for |u| < 1, else |u| - 1/2:
///
///     Σ_ijk H(e_ji · e_jk - t_ji · t_jk)
///
/// One vertex j after another; of the products of its directions only a strip is there at a time.
/// - Complexity: O(rows³ × dimension) time, O(rows × dimension) memory in each piece.
struct AngleRelations<S: Scalar> {
  private let rows, teacher: Tensor
  private let count, dimension, teacherDimension: Int
  private let kernels = RowKernels<S>()

  /// Vertices are dealt out to so many sums, which are added in order.
  private static var pieceCount: Int { 16 }
  private static var stripRows: Int { 256 }

  /// - Parameter teacher: as many rows, of any dimension.
  init(of rows: Tensor, to teacher: Tensor) {
    self.rows = rows.detached.converted(to: S.dtype)
    self.teacher = teacher.detached.converted(to: S.dtype)
    (count, dimension, teacherDimension) = (rows.shape[0], rows.shape[1], teacher.shape[1])
  }

  /// The sum, and its derivatives by the elements of the rows.
  func evaluated() -> (total: Double, gradient: [Double]) {
    let pieceCount = min(count, Self.pieceCount)
    let width = count * dimension
    var totals = [Double](repeating: 0, count: pieceCount)
    var gradients = [S](repeating: 0, count: pieceCount * width)
    rows.withElements(of: S.self) { rows in
      teacher.withElements(of: S.self) { teacher in
        gradients.withUnsafeMutableBufferPointer { gradients in
          guard let rows = rows.baseAddress, let teacher = teacher.baseAddress,
            let gradients = gradients.baseAddress
          else { return }
          totals.withUnsafeMutableBufferPointer { totals in
            Parallel.forEach(pieceCount) { piece in
              totals[piece] = sum(
                of: stride(from: piece, to: count, by: pieceCount), rows, teacher,
                gradients + piece * width)
            }
          }
        }
      }
    }
    // Each product is there twice, with either side as the one that moves.
    let gradient = (0..<width).map { place in
      2 * (0..<pieceCount).reduce(0.0) { $0 + Double(gradients[$1 * width + place]) }
    }
    return (totals.reduce(0, +), gradient)
  }

  private func sum(
    of vertices: StrideTo<Int>, _ rows: UnsafePointer<S>, _ teacher: UnsafePointer<S>,
    _ gradient: UnsafeMutablePointer<S>
  ) -> Double {
    let strip = min(count, Self.stripRows)
    let own = Directions(count, dimension, kernels)
    let wanted = Directions(count, teacherDimension, kernels)
    let memory = UnsafeMutablePointer<S>.allocate(capacity: strip * (2 * count + dimension))
    defer {
      own.free()
      wanted.free()
      memory.deallocate()
    }
    let (slopes, targets, pull) = (memory, memory + strip * count, memory + 2 * strip * count)
    var total = 0.0
    for vertex in vertices {
      own.look(from: vertex, to: rows)
      wanted.look(from: vertex, to: teacher)
      for first in Swift.stride(from: 0, to: count, by: strip) {
        let height = min(strip, count - first)
        own.multiply(slopes, rows: first..<first + height)
        wanted.multiply(targets, rows: first..<first + height)
        for i in 0..<height {
          total += kernels.huber(slopes + i * count, minus: targets + i * count, count)
        }
        S.product(
          pull, slopes, own.unit, m: height, n: dimension, k: count, transposingA: false,
          transposingB: false, adding: false)
        for i in 0..<height {
          own.add(pull + i * dimension, at: first + i, from: vertex, to: gradient)
        }
      }
    }
    return total
  }
}

/// The directions from one row to all.
private struct Directions<S: Scalar> {
  let count, dimension: Int
  let unit, lengths: UnsafeMutablePointer<S>
  let kernels: RowKernels<S>

  init(_ count: Int, _ dimension: Int, _ kernels: RowKernels<S>) {
    (self.count, self.dimension, self.kernels) = (count, dimension, kernels)
    unit = .allocate(capacity: count * dimension)
    lengths = .allocate(capacity: count)
  }

  func free() {
    unit.deallocate()
    lengths.deallocate()
  }

  func look(from vertex: Int, to rows: UnsafePointer<S>) {
    let origin = rows + vertex * dimension
    for i in 0..<count {
      let (row, direction) = (rows + i * dimension, unit + i * dimension)
      for k in 0..<dimension { direction[k] = row[k] - origin[k] }
      let length = S(kernels.innerProduct(direction, direction, dimension)).squareRoot()
      lengths[i] = length > 1e-12 ? length : 0
      kernels.scale(direction, direction, by: lengths[i] > 0 ? 1 / length : 0, dimension)
    }
  }

  /// The products of some directions with all.
  func multiply(_ products: UnsafeMutablePointer<S>, rows: Range<Int>) {
    S.product(
      products, unit + rows.lowerBound * dimension, unit, m: rows.count, n: count, k: dimension,
      transposingA: false, transposingB: true, adding: false)
  }

  /// Carries the derivative by a direction on to the rows at its ends.
  func add(
    _ pull: UnsafePointer<S>, at row: Int, from vertex: Int, to gradient: UnsafeMutablePointer<S>
  ) {
    guard lengths[row] > 0 else { return }
    let direction = unit + row * dimension
    let along = S(kernels.innerProduct(pull, direction, dimension))
    let share = 1 / lengths[row]
    let (end, start) = (gradient + row * dimension, gradient + vertex * dimension)
    for k in 0..<dimension {
      let step = (pull[k] - along * direction[k]) * share
      end[k] += step
      start[k] -= step
    }
  }
}
