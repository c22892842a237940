import Autodiff
import Foundation
import Synchronization

/// What a row's class has of the softmax of its cosines, for unit rows compared with each other.
///
/// With X = exp(γ (c - 1)), P the sum of X over the rows of a row's class, itself among them, and N
/// over all others, the mean of
///
///     -log(P / (P + N)) = log(1 + N / P)
///
/// X is symmetric, so that half of the exponentials do, and what a block of rows adds to P and N of
/// later rows is counted with it. The gradient in the rows is γ W x for W = X ∘ (r_i + r_j) between
/// classes, with r = 1 / (P + N), and W = -X ∘ (f_i + f_j) within one, with f = r N / P: numbers of the
/// rows alone, so W is never in memory. The largest exponential of a row is 1, its own, or they are
/// all equal; see ``LossRow/softmaxCost(scale:)`` for any softmax.
struct SymmetricSoftmax {
  /// A number for each row, equal within a class.
  let classes: [Int32]
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
    let found = Mutex<[BlockSums<S>]>([])
    var x = unit.ownProducts(of: S.self) { block in
      let sums = exponentials(of: block)
      found.withLock { $0.append(sums) }
    }
    // In the order of their rows, whichever was ready first.
    let rowSums = RowSums(found.withLock { $0.sorted { $0.first < $1.first } }, classes.count)
    let terms = rowSums.terms
    let divisor = reduction.divisor(for: terms)
    if rows.isRecorded { weighClasses(&x, rowSums) }
    let (weights, numbers) = (x, Tensor(rowSums.inverses, shape: [classes.count]))
    let slope = scale / divisor
    let value = Tensor(terms.total / divisor, dtype: rows.dtype).recorded(
      "symmetricSoftmax",
      rows.scaledEdge {
        Cotangent(weights.timesSums(of: numbers, times: unit), times: $0.product.item * slope)
      })
    var sums = LossSums()
    sums.terms = terms
    return LossOutput(value: value, active: sums.active)
  }

  /// Makes exponentials of a block's cosines and sums them up.
  private func exponentials<S: Scalar>(of block: UpperBlock<S>) -> BlockSums<S> {
    let kernels = RowKernels<S>()
    let start = block.columns.lowerBound
    let (own, later) = (block.rows.upperBound - start, classes.count - block.rows.upperBound)
    var sums = BlockSums<S>(first: block.rows.lowerBound, start: start, count: own + later)
    sums.positives.withUnsafeMutableBufferPointer { positives in
      sums.negatives.withUnsafeMutableBufferPointer { negatives in
        classes.withUnsafeBufferPointer { classes in
          guard let positives = positives.baseAddress, let negatives = negatives.baseAddress,
            let classes = classes.baseAddress
          else { return }
          /// Adds a row's exponentials to the sums of their columns, and returns them added up.
          func add(_ i: Int, from first: Int, _ count: Int) -> Sides<Double> {
            let x = block.products(of: i) + first
            return kernels.expByLabel(
              x, x, columns: Sides(positive: positives + first, negative: negatives + first),
              labels: classes + start + first, label: classes[i], slope: S(scale), peak: S(scale),
              count)
          }
          for i in block.rows {
            // Its products with rows of the block are counted from both sides already.
            _ = add(i, from: 0, own)
            let row = add(i, from: own, later)
            positives[i - start] += S(row.positive)
            negatives[i - start] += S(row.negative)
          }
        }
      }
    }
    return sums
  }

  /// What a block of rows adds to the sums of each row that is not before it.
  private struct BlockSums<S: Scalar> {
    let first: Int
    /// The row that the sums start with; those before `first` are not to be counted.
    let start: Int
    var positives, negatives: [S]

    init(first: Int, start: Int, count: Int) {
      (self.first, self.start) = (first, start)
      positives = Array(repeating: 0, count: count)
      negatives = positives
    }
  }

  /// The term of each row, and its r and f.
  private struct RowSums<S: Scalar> {
    private var costs: [Double]
    private(set) var inverses, shares: [S]

    init(_ blocks: [BlockSums<S>], _ count: Int) {
      (costs, inverses) = (Array(repeating: 0, count: count), Array(repeating: 0, count: count))
      shares = inverses
      costs.withUnsafeMutableBufferPointer { costs in
        inverses.withUnsafeMutableBufferPointer { inverses in
          shares.withUnsafeMutableBufferPointer { shares in
            Parallel.forEachRange(count, grain: 128) { rows in
              for i in rows {
                var (positive, negative) = (0.0, 0.0)
                for block in blocks {
                  guard block.first <= i else { break }
                  positive += Double(block.positives[i - block.start])
                  negative += Double(block.negatives[i - block.start])
                }
                costs[i] = log1p(negative / positive)
                inverses[i] = S(1 / (positive + negative))
                shares[i] = S(negative / positive / (positive + negative))
              }
            }
          }
        }
      }
    }

    var terms: TermSum { costs.reduce(into: TermSum()) { $0.add($1) } }
  }

  /// Makes of X within a class what it weighs, as a factor of r_i + r_j.
  private func weighClasses<S: Scalar>(_ x: inout Tensor, _ sums: RowSums<S>) {
    let n = classes.count
    let kernels = RowKernels<S>()
    x.updateElements(of: S.self) { x in
      guard let x = x.baseAddress else { return }
      sums.inverses.withUnsafeBufferPointer { inverses in
        sums.shares.withUnsafeBufferPointer { shares in
          classes.withUnsafeBufferPointer { classes in
            guard let classes = classes.baseAddress else { return }
            Parallel.forEachRange(n, grain: 32) { rows in
              for i in rows {
                // Each pair once, for both of its places.
                var j = i
                while j < n {
                  let weight = -(shares[i] + shares[j]) / (inverses[i] + inverses[j])
                  x[i * n + j] *= weight
                  x[j * n + i] = x[i * n + j]
                  j = kernels.nextEqual(classes, to: classes[i], from: j + 1, n)
                }
              }
            }
          }
        }
      }
    }
  }
}
