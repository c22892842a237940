import Autodiff
import Foundation
import Settings

/// The order in which vectors come into a graph.
public enum HNSWOrder: String, CaseIterable, Sendable {
  /// As they lie.
  case given
  case random
  /// Class after class.
  case byClass = "by-class"
  /// Those of the highest local intrinsic dimension first (Elliott and Clark, 2024).
  case byIntrinsicDimension = "by-intrinsic-dimension"

  /// The rows of some vectors in this order.
  ///
  /// - Parameter labels: the class of each row; needed for ``byClass``.
  func rows(
    of vectors: Tensor, labels: [Int]?, random: Random, name: String
  ) throws(Failure) -> [Int] {
    let count = vectors.shape[0]
    switch self {
    case .given: return Array(0..<count)
    case .random:
      var random = random
      return random.permutation(count)
    case .byClass:
      guard let labels, labels.count == count else {
        throw Failure(
          .badUsage, at: "order", "the order is by class and there are no classes",
          expected: "a label for each of \(count) vectors", remedy: "give --labels Y.npy")
      }
      return (0..<count).sorted { (labels[$0], $0) < (labels[$1], $1) }
    case .byIntrinsicDimension:
      let dimensions = try localIntrinsicDimensions(of: vectors, random: random, name: name)
      return (0..<count).sorted { a, b in
        dimensions[a] == dimensions[b] ? a < b : dimensions[a] > dimensions[b]
      }
    }
  }
}

/// The local intrinsic dimension of each row by its distances r₁ ≤ … ≤ r_k to the nearest rows of a
/// sample: −(1/k Σ ln(rᵢ/r_k))⁻¹.
///
/// Distances of 0 are left out; where all are equal it is the number of columns, which it never
/// exceeds, and 0 where fewer than two are left. A thinner sample has the same ratios.
/// - Reference: Levina and Bickel (2004); Amsaleg et al. (2015).
func localIntrinsicDimensions(
  of vectors: Tensor, random: Random, sample size: Int = 8192, neighbors: Int = 50,
  name: String = "vectors"
) throws(Failure) -> [Double] {
  let count = vectors.shape[0]
  var random = random
  let rows = count <= size ? Array(0..<count) : Array(random.permutation(count).prefix(size))
  guard count > 0 else { return [] }
  let sample = try ExactIndex(vectors.detached.rows(at: rows), metric: .l2, name: name)
  let found = try sample.search(vectors, count: neighbors + 1)
  return (0..<count).map { row in
    let squares = found[row].map(\.score).filter { $0 > 0 }
    guard squares.count > 1, let last = squares.last else { return 0 }
    let sum = squares.reduce(0) { $0 + log($1 / last) / 2 }
    let limit = Double(vectors.shape[1])
    return sum == 0 ? limit : min(limit, -Double(squares.count) / sum)
  }
}
