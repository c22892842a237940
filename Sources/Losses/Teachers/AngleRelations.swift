import Autodiff

/// The sum of Huber's function over the differences of all angles from a teacher's, and its gradient.
///
/// With e_jk the direction from row j to row k, 0 for equal rows, t_jk that of the teacher, and
/// H(u) = u²/2 for |u| < 1, else |u| - 1/2:
///
///     Σ_ijk H(e_ji · e_jk - t_ji · t_jk)
///
/// One vertex j after another. With U its directions and T those of the teacher, the derivative by U
/// is 2 (U Uᵀ - T Tᵀ) U = 2 (U (Uᵀ U) - T (Tᵀ U)) where all differences are within [-1, 1]; so only
/// products of one half are looked at, a strip at a time, for their sum and for what is beyond.
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
    let memory = UnsafeMutablePointer<S>.allocate(capacity: 2 * strip * count)
    let pull = UnsafeMutablePointer<S>.allocate(capacity: count * dimension)
    let mixing = UnsafeMutablePointer<S>.allocate(
      capacity: max(dimension, teacherDimension) * dimension)
    defer {
      own.free()
      wanted.free()
      memory.deallocate()
      pull.deallocate()
      mixing.deallocate()
    }
    var total = 0.0
    for vertex in vertices {
      own.look(from: vertex, to: rows)
      wanted.look(from: vertex, to: teacher)
      own.combine(pull, by: own, mixing, subtracting: false)
      wanted.combine(pull, by: own, mixing, subtracting: true)
      for first in stride(from: 0, to: count, by: strip) {
        let block = first..<min(first + strip, count)
        let (products, targets) = (memory, memory + strip * count)
        own.multiply(products, rows: block)
        wanted.multiply(targets, rows: block)
        total += reduce(products, targets, block, own.unit, pull)
      }
      for row in 0..<count {
        own.add(pull + row * dimension, at: row, from: vertex, to: gradient)
      }
    }
    return total
  }

  /// The sum over some rows and the columns from the first of them on; those beyond the rows stand for
  /// their mirror images too.
  private func reduce(
    _ products: UnsafeMutablePointer<S>, _ targets: UnsafePointer<S>, _ block: Range<Int>,
    _ unit: UnsafePointer<S>, _ pull: UnsafeMutablePointer<S>
  ) -> Double {
    let width = count - block.lowerBound
    var total = 0.0
    for row in block {
      let start = (row - block.lowerBound) * width
      let parts = [
        (block.lowerBound, block.count, 1.0), (block.upperBound, width - block.count, 2),
      ]
      for (first, length, times) in parts {
        let offset = start + first - block.lowerBound
        let (cost, isBeyond) = kernels.huber(products + offset, minus: targets + offset, length)
        total += cost * times
        guard isBeyond else { continue }
        for column in first..<first + length {
          let excess = products[start + column - block.lowerBound]
          guard excess != 0 else { continue }
          for k in 0..<dimension {
            pull[row * dimension + k] -= excess * unit[column * dimension + k]
          }
          guard times > 1 else { continue }
          for k in 0..<dimension {
            pull[column * dimension + k] -= excess * unit[row * dimension + k]
          }
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

  /// The products of some directions with those from the first of them on.
  func multiply(_ products: UnsafeMutablePointer<S>, rows: Range<Int>) {
    let first = unit + rows.lowerBound * dimension
    S.product(
      products, first, first, m: rows.count, n: count - rows.lowerBound, k: dimension,
      transposingA: false, transposingB: true, adding: false)
  }

  /// y = D (Dᵀ U), or y - D (Dᵀ U), for these directions D and others, U.
  ///
  /// - Parameter mixing: room for Dᵀ U.
  func combine(
    _ y: UnsafeMutablePointer<S>, by other: Directions, _ mixing: UnsafeMutablePointer<S>,
    subtracting: Bool
  ) {
    S.product(
      mixing, unit, other.unit, m: dimension, n: other.dimension, k: count, transposingA: true,
      transposingB: false, adding: false)
    if subtracting { kernels.scale(mixing, mixing, by: -1, dimension * other.dimension) }
    S.product(
      y, unit, mixing, m: count, n: other.dimension, k: dimension, transposingA: false,
      transposingB: false, adding: subtracting)
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
