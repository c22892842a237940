import Autodiff
import Foundation

/// Two maps to fewer dimensions that keep inner products of queries q with vectors x:
/// ⟨q, x⟩ ≈ ⟨A q, B x⟩, with A and B of shape [dimension, d].
///
/// They make ‖Q (Aᵀ B − 1) Xᵀ‖² small over the matrices whose singular values are at most 1, by the
/// Frank-Wolfe method: each step goes from one map towards the orthogonal factor of its negated
/// gradient, the other map held, with steps of length (t + 1)^-0.999. The best maps on the way are
/// kept, and those of LeanVec for queries like the vectors if none is better.
/// - Complexity: O(d² dimension) a step; at most 500 steps.
/// - Reference: Tepper et al., *LeanVec: Searching vectors faster by making them fit* (2023).
package struct LeanVec {
  package let query, vector: Tensor
  /// ‖Q (Aᵀ B − 1) Xᵀ‖².
  package let loss: Double

  /// - Parameters:
  ///   - queries, vectors: Qᵀ Q and Xᵀ X, of shape [d, d], float64.
  ///   - tolerance: the relative change of the loss at which steps end.
  package init(queries: Tensor, vectors: Tensor, dimension: Int, tolerance: Double = 1e-3) {
    let d = queries.shape[0]
    let same = vectors.leadingEigenvectors(dimension).transposed
    var best = (same, same, LeanVec.loss(queries, vectors, same, same))
    var (a, b) = (Tensor.identity(d, dimension), Tensor(zeros: [d, dimension], dtype: .float64))
    var last = Double.infinity
    for step in 0..<500 {
      let share = pow(Double(step + 1), -0.999)
      if step > 0 { a = LeanVec.step(a, holding: b, queries, vectors, share) }
      b = LeanVec.step(b, holding: a, vectors, queries, share)
      let loss = LeanVec.loss(queries, vectors, a, b)
      if loss < best.2 { best = (a, b, loss) }
      if step > 1, abs(loss - last) < tolerance * last { break }
      last = loss
    }
    (query, vector, loss) = (best.0.transposed, best.1.transposed, best.2)
  }

  /// One step of a map towards the orthogonal factor of its negated gradient,
  /// −2 K (A Bᵀ − 1) L B, with K of its own side and L of the other.
  private static func step(
    _ map: Tensor, holding other: Tensor, _ own: Tensor, _ others: Tensor, _ share: Double
  ) -> Tensor {
    let turned = others.times(other)
    let inner = map.times(other.times(turned, transposingSelf: true)) - turned
    let target = own.times(inner).scaled(by: -1).orthogonalFactor()
    return map.scaled(by: 1 - share) + target.scaled(by: share)
  }

  /// tr(Mᵀ K M L) with M = A Bᵀ − 1, without any product of d³.
  package static func loss(_ queries: Tensor, _ vectors: Tensor, _ a: Tensor, _ b: Tensor) -> Double
  {
    let (qa, xb) = (queries.times(a), vectors.times(b))
    let both = a.times(qa, transposingSelf: true).dot(b.times(xb, transposingSelf: true))
    return max(0, both - 2 * qa.dot(xb) + queries.dot(vectors))
  }
}
