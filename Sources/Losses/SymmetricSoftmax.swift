import Autodiff
import Foundation
import Miners

/// What a row's positives have of the softmax of its cosines, for unit rows compared with each other.
///
/// With X = exp(γ (c - 1)), P the sum of X over a row's positives and N over its negatives, the mean of
///
///     -log(P / (P + N)) = log(1 + N / P)
///
/// Both X and what is positive are symmetric, so that half of the exponentials do. The gradient in the
/// rows is γ W x for W = X ∘ (r_i + r_j) between negatives, with r = 1 / (P + N), and W = -X ∘ (f_i + f_j)
/// between positives, with f = r N / P: numbers of the rows alone, so W is never in memory. The largest
/// exponential of a row is 1, its own, or they are all equal; see ``LossRow/softmaxCost(scale:)``
/// for any softmax.
struct SymmetricSoftmax {
  /// Symmetric; each row is its own positive.
  let pairs: PairTable
  /// The sharpness γ; exp(-γ) must be a normal number.
  let scale: Double

  /// - Parameter rows: each of length 1 or 0.
  func reduced(_ rows: Tensor, as reduction: Reduction) -> LossOutput {
    rows.dtype == .float32
      ? reduced(rows, reduction, Float.self) : reduced(rows, reduction, Double.self)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private func reduced<S: Scalar>(
    _ rows: Tensor, _ reduction: Reduction, _: S.Type
  ) -> LossOutput {
    let unit = rows.detached
    var x = unit.exponentialsOfOwnProducts(slope: scale)
    let rowSums = rowSums(x, S.self)
    let divisor = reduction.divisor(for: rowSums.terms)
    if rows.isRecorded { weighPositives(&x, rowSums) }
    let (weights, numbers) = (x, Tensor(rowSums.inverses, shape: [unit.shape[0]]))
    let slope = scale / divisor
    let value = Tensor(rowSums.terms.total / divisor, dtype: rows.dtype).recorded(
      "symmetricSoftmax",
      rows.scaledEdge {
        Cotangent(weights.timesSums(of: numbers, times: unit), times: $0.product.item * slope)
      })
    var sums = LossSums()
    sums.terms = rowSums.terms
    return LossOutput(value: value, active: sums.active)
  }

  /// The terms of all rows, r and f of each, and whether it has pairs that are ignored.
  private struct RowSums<S: Scalar> {
    var costs: [Double]
    var inverses, shares: [S]
    var isPartial: [Bool]

    init(count: Int) {
      (costs, inverses) = (Array(repeating: 0, count: count), Array(repeating: 0, count: count))
      (shares, isPartial) = (inverses, Array(repeating: false, count: count))
    }

    var terms: TermSum { costs.reduce(into: TermSum()) { $0.add($1) } }
  }

  private func rowSums<S: Scalar>(_ x: Tensor, _: S.Type) -> RowSums<S> {
    let n = x.shape[0]
    let kernels = RowKernels<S>()
    var result = RowSums<S>(count: n)
    result.costs.withUnsafeMutableBufferPointer { costs in
      result.inverses.withUnsafeMutableBufferPointer { inverses in
        result.shares.withUnsafeMutableBufferPointer { shares in
          result.isPartial.withUnsafeMutableBufferPointer { isPartial in
            x.withElements(of: S.self) { x in
              guard let x = x.baseAddress else { return }
              forEachRow(n) { i, kinds in
                let sums = kernels.sideSums(x + i * n, kinds: kinds, n)
                let (positive, negative) = (sums.positive.total, sums.negative.total)
                costs[i] = log1p(negative / positive)
                inverses[i] = S(1 / (positive + negative))
                shares[i] = S(negative / positive / (positive + negative))
                isPartial[i] = sums.positive.count + sums.negative.count < n
              }
            }
          }
        }
      }
    }
    return result
  }

  /// Makes what positives weigh of X, as a factor of r_i + r_j, and that of ignored pairs 0.
  private func weighPositives<S: Scalar>(_ x: inout Tensor, _ sums: RowSums<S>) {
    let n = sums.inverses.count
    let kernels = RowKernels<S>()
    x.updateElements(of: S.self) { x in
      guard let x = x.baseAddress else { return }
      sums.inverses.withUnsafeBufferPointer { inverses in
        sums.shares.withUnsafeBufferPointer { shares in
          forEachRow(n) { i, kinds in
            var j = kernels.nextPositive(kinds, from: 0, n)
            while j < n {
              x[i * n + j] *= -((shares[i] + shares[j]) / (inverses[i] + inverses[j]))
              j = kernels.nextPositive(kinds, from: j + 1, n)
            }
            if sums.isPartial[i] {
              for j in 0..<n where kinds[j] == 0 { x[i * n + j] = 0 }
            }
          }
        }
      }
    }
  }

  /// Calls `body` with each row's number and kinds, on several threads.
  private func forEachRow(_ count: Int, _ body: (Int, UnsafePointer<Int32>) -> Void) {
    Parallel.forEachRange(count, grain: 16) { range in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { kinds in
        for i in range {
          pairs.fill(kinds, row: i)
          if let start = kinds.baseAddress { body(i, UnsafePointer(start)) }
        }
      }
    }
  }
}
