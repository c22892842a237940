import Autodiff
import Foundation

/// ‖a - b‖_p to a power for every row a and column b; b = nil compares the rows with each other.
///
/// Sums the differences themselves, scaled by the largest of them so that no power overflows.
/// Where a difference is 0 it takes no gradient, and equal rows send each other none.
/// - Complexity: O(rows × columns × dimension) time, forward and back; no memory but the matrix.
func pNormDistances(_ a: Tensor, _ b: Tensor?, p: Double, power: Double) -> Tensor {
  let (x, y) = (a.detached, b?.detached ?? a.detached)
  let value =
    a.dtype == .float32
    ? distances(x, y, p, power, Float.self) : distances(x, y, p, power, Double.self)
  let pull = { @Sendable (cotangent: Tensor, isTransposed: Bool) -> Tensor in
    a.dtype == .float32
      ? gradient(x, y, p, power, cotangent, isTransposed, Float.self)
      : gradient(x, y, p, power, cotangent, isTransposed, Double.self)
  }
  guard let b else {
    return value.recorded("pNormDistances", a.edge { pull($0, false) + pull($0, true) })
  }
  return value.recorded(
    "pNormDistances", a.edge { pull($0, false) }, b.edge { pull($0, true) })
}

extension Tensor {
  /// Each row divided by its p-norm; a row of zeros stays 0 and takes no gradient.
  package func withUnitRows(p: Double) -> Tensor {
    guard p != 2 else { return withUnitRows() }
    let (n, d) = (shape[0], shape[1])
    let x = detached
    func run<S: Scalar>(_: S.Type) -> Tensor {
      x.withElements(of: S.self) { x in
        Tensor(shape: [n, d], of: S.self) { y in
          Parallel.forEachRange(n, grain: 32) { rows in
            for i in rows {
              let row = UnsafeBufferPointer(rebasing: x[i * d..<(i + 1) * d])
              let norm = PNorm(row.lazy.map { Double($0) }, p: p)
              guard norm.value > 0 else {
                for k in i * d..<(i + 1) * d { y[k] = 0 }
                continue
              }
              for k in 0..<d { y[i * d + k] = S(Double(row[k]) / norm.value) }
            }
          }
        }
      }
    }
    let value = dtype == .float32 ? run(Float.self) : run(Double.self)
    return value.recorded(
      "unitRows",
      edge { cotangent in
        let (xs, gs) = (x.elements(as: Double.self), cotangent.elements(as: Double.self))
        var result = [Double](repeating: 0, count: n * d)
        for i in 0..<n {
          let row = xs[i * d..<(i + 1) * d]
          let norm = PNorm(row, p: p)
          guard norm.value > 0 else { continue }
          let product = zip(row, gs[i * d..<(i + 1) * d]).reduce(0) { $0 + $1.0 * $1.1 }
          for k in i * d..<(i + 1) * d {
            result[k] =
              (gs[k] - product / norm.value * norm.slope(xs[k])) / norm.value
          }
        }
        return Tensor(result, shape: [n, d]).converted(to: x.dtype)
      })
  }
}

/// The p-norm of some numbers.
private struct PNorm {
  let p, value: Double

  @inline(__always)
  init(_ numbers: some Sequence<Double>, p: Double) {
    self.p = p
    var largest = 0.0
    for number in numbers { largest = max(largest, abs(number)) }
    guard largest > 0 else {
      value = 0
      return
    }
    var sum = 0.0
    for number in numbers { sum += raised(abs(number) / largest, p) }
    value = largest * (p == 1 ? sum : pow(sum, 1 / p))
  }

  /// The derivative of the norm in one of the numbers.
  @inline(__always)
  func slope(_ number: Double) -> Double {
    guard number != 0, value > 0 else { return 0 }
    let size = raised(abs(number) / value, p - 1)
    return number < 0 ? -size : size
  }
}

@inline(__always)
private func raised(_ x: Double, _ p: Double) -> Double {
  if p == 0 { return 1 }
  if p == 1 { return x }
  if p == 2 { return x * x }
  return x == 0 ? 0 : pow(x, p)
}

@specialized(where S == Float)
@specialized(where S == Double)
private func distances<S: Scalar>(
  _ a: Tensor, _ b: Tensor, _ p: Double, _ power: Double, _: S.Type
) -> Tensor {
  let (n, m, d) = (a.shape[0], b.shape[0], a.shape[1])
  return a.withElements(of: S.self) { a in
    b.withElements(of: S.self) { b in
      Tensor(shape: [n, m], of: S.self) { y in
        Parallel.forEachRange(n, grain: 4) { rows in
          for i in rows {
            for j in 0..<m {
              let norm = PNorm(
                (0..<d).lazy.map { Double(a[i * d + $0]) - Double(b[j * d + $0]) }, p: p)
              y[i * m + j] = S(power == 1 ? norm.value : raised(norm.value, power))
            }
          }
        }
      }
    }
  }
}

/// The gradient in the rows, or in the columns if transposed.
@specialized(where S == Float)
@specialized(where S == Double)
private func gradient<S: Scalar>(
  _ a: Tensor, _ b: Tensor, _ p: Double, _ power: Double, _ cotangent: Tensor,
  _ isTransposed: Bool, _: S.Type
) -> Tensor {
  let (own, other) = isTransposed ? (b, a) : (a, b)
  let (n, m, d) = (own.shape[0], other.shape[0], own.shape[1])
  return own.withElements(of: S.self) { x in
    other.withElements(of: S.self) { y in
      cotangent.withElements(of: S.self) { g in
        Tensor(shape: [n, d], of: S.self) { result in
          Parallel.forEachRange(n, grain: 4) { rows in
            var sums = [Double](repeating: 0, count: d)
            for i in rows {
              for k in 0..<d { sums[k] = 0 }
              for j in 0..<m {
                let weight = Double(isTransposed ? g[j * n + i] : g[i * m + j])
                guard weight != 0 else { continue }
                let difference = { (k: Int) in Double(x[i * d + k]) - Double(y[j * d + k]) }
                let norm = PNorm((0..<d).lazy.map(difference), p: p)
                guard norm.value > 0 else { continue }
                let factor = weight * power * raised(norm.value, power - 1)
                for k in 0..<d { sums[k] += factor * norm.slope(difference(k)) }
              }
              for k in 0..<d { result[i * d + k] = S(sums[k]) }
            }
          }
        }
      }
    }
  }
}
