import Autodiff
import Foundation
import Settings

/// Fisher's discriminant with near rows of a class kept near and far ones left alone.
///
/// A_ij = exp(-d_ij² / (s_i s_j)) within a class, where s_i is the distance to the k-th neighbour of
/// the class; S(W) = Xᵀ (diag(W 1) - W) X with Wʷ = A / n_c within and 0 across classes, Wᵇ = A (1/n -
/// 1/n_c) within and 1/n across. The map holds the directions of greatest Sb relative to Sw.
/// - Complexity: O(sum of n_c² · columns), in memory for a few copies of the rows.
public struct LocalFisherDiscriminant: MetricLearner {
  /// How long the directions are.
  public enum Embedding: String, CaseIterable, Sendable { case weighted, plain, orthonormalized }

  public var neighbors = 0
  public var embedding = Embedding.weighted
  public var ridge = 0.0

  public init() {}

  public static let summary = "a discriminant that keeps the local structure of each class"
  public static let source =
    "Sugiyama, Dimensionality reduction of multimodal labeled data by local Fisher discriminant "
    + "analysis (2007)"
  public static let supervision = [Supervision.labels]
  public static let settings = [
    Setting(
      "neighbors", \Self.neighbors,
      "the neighbour whose distance is a row's scale; 0: 7, or one less than the columns",
      in: 0...100_000),
    Setting(
      "embedding", \Self.embedding,
      "how long the directions are: weighted by the root of their eigenvalue, plain, or orthonormal"
    ),
    ridgeSetting(\Self.ridge),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let labels = try problem.requiredLabels()
    let rank = try problem.rank()
    let x = problem.rows.centered()
    let (n, d) = (x.rows, x.columns)
    let k = neighbors > 0 ? neighbors : max(1, min(7, d - 1))
    var within = Matrix(zeros: d, d)
    var between = x.gram()
    for members in LearningProblem.members(of: labels) where !members.isEmpty {
      let own = x.rows(at: members)
      let size = Double(members.count)
      let local = localScatter(own, k: min(k, members.count - 1))
      within = within + local * (1 / size)
      between =
        between - own.centered().gram() * (size / Double(n))
        + local * (1 / Double(n) - 1 / size)
    }
    within = within.symmetrized().addingRidge(ridge)
    between = between.symmetrized()
    let space = try RowSpace(x.gram(), rows: n, problem)
    let inner = space.reduced(within)
    guard let spectrum = Spectrum(space.reduced(between), relativeTo: inner) else {
      throw problem.singular("rows of a class do not differ", in: inner, rows: n)
    }
    let kept = min(rank, space.rank)
    let values = Array(spectrum.values.prefix(kept))
    let plain = space.expanded(spectrum.vectors.prefix(kept))
    let error = plain.times(between) - plain.times(within).scalingRows(by: values)
    return LearnedMetric(
      map: embedded(plain, values), objective: values.reduce(0, +), iterations: 0,
      certificate: error.norm / max(1e-300, between.norm * plain.norm),
      certifies: "residual of the eigenvectors", notes: space.notes)
  }

  private func embedded(_ plain: Matrix, _ values: [Double]) -> Matrix {
    switch embedding {
    case .plain: plain
    case .weighted: plain.scalingRows(by: values.map { max(0, $0).squareRoot() })
    case .orthonormalized: plain.orthonormalRows()
    }
  }

  /// Xᵀ (diag(A 1) - A) X for the rows of one class, a strip of A at a time.
  private func localScatter(_ x: Matrix, k: Int) -> Matrix {
    let (n, d) = (x.rows, x.columns)
    guard n > 1 else { return Matrix(zeros: d, d) }
    var scales = [Double](repeating: 0, count: n)
    x.elements.withUnsafeBufferPointer { x in
      scales.withUnsafeMutableBufferPointer { scales in
        guard let base = x.baseAddress else { return }
        Parallel.forEachRange(n, grain: 32) { rows in
          for i in rows {
            var nearest = NearestList(count: k)
            for j in 0..<n where j != i {
              nearest.add(
                j, squaredDistance(base + i * d, base + j * d, d, limit: nearest.limit))
            }
            scales[i] = (nearest.distances.last ?? 0).squareRoot()
          }
        }
      }
    }
    let (_, scatter) = pairScatter(x.centered(), anchors: Array(0..<n)) { i, row in
      x.elements.withUnsafeBufferPointer { x in
        guard let base = x.baseAddress else { return }
        // Each pair once, from its later row.
        for j in 0..<i {
          let product = scales[i] * scales[j]
          guard product > 0 else { continue }
          let exponent = squaredDistance(base + i * d, base + j * d, d) / product
          if exponent < 700 { row.append(j, exp(-exponent)) }
        }
      }
      return 0
    }
    return scatter
  }
}

extension Matrix {
  /// Orthonormal rows of the same span, by Gram and Schmidt's method, taken twice.
  func orthonormalRows() -> Matrix {
    var result = self
    for i in 0..<rows {
      var own = Array(row(i))
      for _ in 0..<2 {
        for j in 0..<i {
          let other = Array(result.row(j))
          let share = dot(own, other)
          for c in own.indices { own[c] -= share * other[c] }
        }
      }
      let length = Classical.norm(own)
      for c in own.indices { result[i, c] = length > 0 ? own[c] / length : 0 }
    }
    return result
  }
}
