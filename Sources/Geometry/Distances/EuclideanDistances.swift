import Autodiff
import Foundation

/// ‖a - b‖ to a power for every row a and column b; b = nil compares the rows with each other.
///
/// Found from one matrix product. Where that would cancel, because two rows lie much nearer to
/// each other than to 0, the differences themselves are summed, so equal rows are 0 apart. The
/// gradient is a product too, with the same care.
func euclideanDistances(_ a: Tensor, _ b: Tensor?, power: Double) -> Tensor {
  let (x, y) = (a.detached, b?.detached)
  let rowSquares = squaredLengths(of: x)
  let columnSquares = y.map { squaredLengths(of: $0) } ?? rowSquares
  func run<S: Scalar>(_: S.Type) -> Tensor {
    distances(x, y, rowSquares.map { S($0) }, columnSquares.map { S($0) }, power)
  }
  let value = a.dtype == .float32 ? run(Float.self) : run(Double.self)
  let pullback = Pullback(
    a: x, b: y ?? x, rowSquares: rowSquares, columnSquares: columnSquares, value: value,
    power: power)
  let weights = SharedPullback { pullback.weights($0) }
  let pull = { @Sendable (cotangent: Cotangent, side: Side) -> Cotangent in
    let weights = weights(cotangent.tensor)
    return Cotangent(
      value.dtype == .float32
        ? pullback.pull(weights, by: cotangent.factor, to: side, Float.self)
        : pullback.pull(weights, by: cotangent.factor, to: side, Double.self))
  }
  guard let b else { return value.recorded("distances", a.scaledEdge { pull($0, .both) }) }
  return value.recorded(
    "distances", a.scaledEdge { pull($0, .rows) }, b.scaledEdge { pull($0, .columns) })
}

/// var(a - b) / var(a) for centred rows a and columns b; 0 where a is 0.
func signalToNoise(_ a: Tensor, _ b: Tensor?) -> Tensor {
  let x = a.detached
  let squares = euclideanDistances(a, b, power: 2)
  let powers = squaredLengths(of: x)
  let inverse = powers.map { $0 > 1e-24 ? 1 / $0 : 0 }
  let value = squares.detached.scalingRows(by: inverse)
  return value.recorded(
    "signalToNoise", squares.edge { $0.scalingRows(by: inverse) },
    a.edge { cotangent in
      let sums = cotangent.rowProducts(with: value)
      return x.scalingRows(by: zip(sums, inverse).map { -2 * $0 * $1 })
    })
}

private enum Side { case rows, columns, both }

/// Squared distances below this share of the squared lengths are summed from differences.
private let nearness = 1e-3

private func squaredLengths(of x: Tensor) -> [Double] {
  let (n, d) = (x.shape[0], x.shape[1])
  func run<S: Scalar>(_: S.Type) -> [Double] {
    let kernels = RowKernels<S>()
    var squares = [Double](repeating: 0, count: n)
    squares.withUnsafeMutableBufferPointer { squares in
      x.withElements(of: S.self) { x in
        guard let x = x.baseAddress else { return }
        Parallel.forEachRange(n, grain: grain(columns: d)) { rows in
          for i in rows { squares[i] = kernels.innerProduct(x + i * d, x + i * d, d) }
        }
      }
    }
    return squares
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

@specialized(where S == Float)
@specialized(where S == Double)
private func distances<S: Scalar>(
  _ a: Tensor, _ b: Tensor?, _ rowSquares: [S], _ columnSquares: [S], _ power: Double
) -> Tensor {
  let other = b ?? a
  let (m, d) = (other.shape[0], a.shape[1])
  let isOwn = b == nil
  let kernels = RowKernels<S>()
  let isRoot = power == 1
  var matrix = b.map { a.timesTransposed($0) } ?? a.ownProducts()
  matrix.updateElements(of: S.self) { y in
    a.withElements(of: S.self) { a in
      other.withElements(of: S.self) { b in
        columnSquares.withUnsafeBufferPointer { squares in
          guard let y = y.baseAddress, let squares = squares.baseAddress else { return }
          /// Finds the distances from row i of some columns.
          func find(_ i: Int, _ columns: Range<Int>) {
            let (row, first) = (y + i * m, columns.lowerBound)
            let hasNear = kernels.distances(
              row + first, squares: squares + first, own: rowSquares[i], nearness: S(nearness),
              isRoot: isRoot, columns.count)
            guard hasNear else { return }
            for j in columns where row[j] == -1 {
              var square: S = 0
              for k in 0..<d {
                let difference = a[i * d + k] - b[j * d + k]
                square += difference * difference
              }
              row[j] = isRoot ? square.squareRoot() : square
            }
          }
          Parallel.forEachRange(rowSquares.count, grain: 32) { rows in
            for i in rows {
              if isOwn {
                find(i, 0..<i)
                y[i * m + i] = 0
                find(i, i + 1..<m)
              } else {
                find(i, 0..<m)
              }
              if power != 1, power != 2 {
                for j in i * m..<(i + 1) * m { y[j] = S(pow(Double(y[j]), power / 2)) }
              }
            }
          }
        }
      }
    }
  }
  return matrix
}

/// The way back from distances to rows, to columns, or to both where they are the same.
private struct Pullback {
  let a, b: Tensor
  let rowSquares, columnSquares: [Double]
  let value: Tensor
  let power: Double

  /// The weight of every pair, and apart from them the pairs that are too near for a product.
  struct Weights {
    let all: Tensor
    let near: [NearPair]
  }

  struct NearPair { var row, column: Int; var weight: Double }

  func weights(_ cotangent: Tensor) -> Weights {
    value.dtype == .float32
      ? weights(cotangent, Float.self) : weights(cotangent, Double.self)
  }

  /// With w = dL/dD · p Dᵖ⁻¹ / D, the gradient in row i is Σ w (a - b) = a Σ w - w b.
  @specialized(where S == Float)
  @specialized(where S == Double)
  func pull<S: Scalar>(
    _ pairs: Weights, by number: Double, to side: Side, _: S.Type
  ) -> Tensor {
    let weights = pairs.all
    let points = side == .columns ? b : a
    var (result, rowSums) =
      switch side {
      case .both: weights.plusTransposeTimes(b)
      case .rows: (weights.times(b), Tensor(sums(of: weights, S.self), shape: [a.shape[0]]))
      case .columns: (weights.times(a, transposingSelf: true), weights.sumOverRows())
      }
    let d = points.shape[1]
    let factor = S(number)
    let sums = rowSums.elements(as: S.self)
    result.updateElements(of: S.self) { result in
      points.withElements(of: S.self) { x in
        Parallel.forEachRange(sums.count, grain: grain(columns: d)) { rows in
          for i in rows {
            for k in i * d..<(i + 1) * d { result[k] = (sums[i] * x[k] - result[k]) * factor }
          }
        }
      }
      a.withElements(of: S.self) { a in
        b.withElements(of: S.self) { b in
          for pair in pairs.near {
            let weight = S(number * pair.weight)
            for k in 0..<d {
              let step = weight * (a[pair.row * d + k] - b[pair.column * d + k])
              if side != .columns { result[pair.row * d + k] += step }
              if side != .rows { result[pair.column * d + k] -= step }
            }
          }
        }
      }
    }
    return result
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private func weights<S: Scalar>(_ cotangent: Tensor, _: S.Type) -> Weights {
    let (n, m) = (a.shape[0], b.shape[0])
    let rowSquares = rowSquares.map { S($0) }
    let columnSquares = columnSquares.map { S($0) }
    let grain = 32
    var near = [[NearPair]](repeating: [], count: (n + grain - 1) / grain)
    let (power, limit) = (self.power, S(nearness))
    let kernels = RowKernels<S>()
    let weights = cotangent.withElements(of: S.self) { g in
      value.withElements(of: S.self) { value in
        near.withUnsafeMutableBufferPointer { near in
          columnSquares.withUnsafeBufferPointer { squares in
            Tensor(shape: [n, m], of: S.self) { w in
              guard let w = w.baseAddress, let g = g.baseAddress, let value = value.baseAddress,
                let squares = squares.baseAddress
              else { return }
              Parallel.forEachRange(n, grain: grain) { rows in
                for i in rows {
                  let start = i * m
                  if power == 1 || power == 2 {
                    let hasNear = kernels.distanceWeights(
                      w + start, g + start, value + start, squares: squares, own: rowSquares[i],
                      nearness: limit, isRoot: power == 1, m)
                    guard hasNear else { continue }
                  }
                  for j in 0..<m {
                    let distance = value[start + j]
                    let (square, slope) = squareAndSlope(distance)
                    let isNear = square < limit * (rowSquares[i] + squares[j])
                    let weight = g[start + j] * slope
                    w[start + j] = isNear ? 0 : weight
                    if isNear, square > 0, weight != 0 {
                      near[i / grain].append(NearPair(row: i, column: j, weight: Double(weight)))
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return Weights(all: weights, near: Array(near.joined()))
  }

  /// The squared distance, and p Dᵖ⁻¹ / D.
  @inline(__always)
  private func squareAndSlope<S: Scalar>(_ distance: S) -> (S, S) {
    if power == 1 { return (distance * distance, distance > 0 ? 1 / distance : 0) }
    if power == 2 { return (distance, 2) }
    let square = S(pow(Double(distance), 2 / power))
    return (square, distance > 0 ? S(power) * distance / square : 0)
  }

  private func sums<S: Scalar>(of weights: Tensor, _: S.Type) -> [S] {
    let (n, m) = (weights.shape[0], weights.shape[1])
    let kernels = RowKernels<S>()
    var sums = [S](repeating: 0, count: n)
    sums.withUnsafeMutableBufferPointer { sums in
      weights.withElements(of: S.self) { w in
        guard let w = w.baseAddress else { return }
        Parallel.forEachRange(n, grain: grain(columns: m)) { rows in
          for i in rows { sums[i] = S(kernels.sum(w + i * m, m)) }
        }
      }
    }
    return sums
  }
}
