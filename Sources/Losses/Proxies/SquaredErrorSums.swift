import Autodiff
import Geometry

/// Squared errors of the products of rows with targets against one-hot rows, without the products.
///
/// For a row x of label y and targets W, one a row, the mean over the targets is a quadratic form
///
///     1/C Σ_k (⟨x, w_k⟩ - [k = y])² = (⟨x, M x⟩ - 2 ⟨x, w_y⟩ + 1) / C,    M = Wᵀ W
///
/// with the derivatives 2/C (M x - w_y) in x and 2/C (S w_k - Σ x of class k) in w_k, S = Xᵀ X: one and
/// a half products of (rows + targets) × dimension², since M and S are symmetric, where going by rows
/// takes three of rows × targets × dimension.
struct SquaredErrorSums {
  /// The target of each row.
  let labels: [Int]

  /// The reduced terms of all rows.
  func reduced(_ rows: Tensor, _ targets: Tensor, as reduction: Reduction) -> LossOutput {
    let (x, w, labels) = (rows.detached, targets.detached, labels)
    let share = 1 / Double(max(1, w.shape[0]))
    var slopes = x.times(w.ownProducts(ofColumns: true))
    let terms =
      x.dtype == .float32
      ? terms(x, w, &slopes, share, Float.self) : terms(x, w, &slopes, share, Double.self)
    let divisor = reduction.divisor(for: terms)
    let inRows = slopes
    let value = Tensor(terms.total / divisor, dtype: x.dtype).recorded(
      "squaredErrorSums",
      rows.scaledEdge { Cotangent(inRows, times: $0.product.item * 2 * share / divisor) },
      targets.scaledEdge {
        var slopes = w.times(x.ownProducts(ofColumns: true))
        if x.dtype == .float32 {
          slopes.subtract(x, byRowsOf: labels, Float.self)
        } else {
          slopes.subtract(x, byRowsOf: labels, Double.self)
        }
        return Cotangent(slopes, times: $0.product.item * 2 * share / divisor)
      })
    var sums = LossSums()
    sums.terms = terms
    return LossOutput(value: value, active: sums.active)
  }

  /// The terms of all rows; `slopes` holds M x and becomes M x - w_y.
  private func terms<S: Scalar>(
    _ x: Tensor, _ w: Tensor, _ slopes: inout Tensor, _ share: Double, _: S.Type
  ) -> TermSum {
    let (rows, width) = (x.shape[0], x.shape[1])
    let piece = grain(columns: width)
    let kernels = RowKernels<S>()
    var pieces = [TermSum](repeating: TermSum(), count: (rows + piece - 1) / piece)
    slopes.updateElements(of: S.self) { slopes in
      x.withElements(of: S.self) { x in
        w.withElements(of: S.self) { w in
          guard let slopes = slopes.baseAddress, let x = x.baseAddress, let w = w.baseAddress
          else { return }
          pieces.withUnsafeMutableBufferPointer { pieces in
            Parallel.forEachRange(rows, grain: piece) { range in
              var sum = TermSum()
              for i in range {
                let (row, slope) = (x + i * width, slopes + i * width)
                let target = w + labels[i] * width
                let square = kernels.innerProduct(row, slope, width)
                let own = kernels.innerProduct(row, target, width)
                // Rounding may leave less than the nothing of a row that is at its target.
                sum.add(max(0, square - 2 * own + 1) * share)
                for j in 0..<width { slope[j] -= target[j] }
              }
              pieces[range.lowerBound / piece] = sum
            }
          }
        }
      }
    }
    return pieces.reduce(into: TermSum()) { $0.add($1) }
  }
}

extension Tensor {
  /// Subtracts each row of `other` from the row of this matrix that it belongs to.
  fileprivate mutating func subtract<S: Scalar>(
    _ other: Tensor, byRowsOf places: [Int], _: S.Type
  ) {
    let (rows, width) = (shape[0], shape[1])
    updateElements(of: S.self) { y in
      other.withElements(of: S.self) { x in
        guard let y = y.baseAddress, let x = x.baseAddress else { return }
        Parallel.forEachRange(rows, grain: grain(columns: width)) { range in
          for (i, place) in places.enumerated() where range.contains(place) {
            let (target, row) = (y + place * width, x + i * width)
            for j in 0..<width { target[j] -= row[j] }
          }
        }
      }
    }
  }
}
