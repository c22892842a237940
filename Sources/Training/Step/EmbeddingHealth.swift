import Autodiff
import Geometry
import Miners
import Settings

/// How the embeddings of a batch lie, to see a training that goes wrong.
///
/// Of the first ``rows`` rows at most, so that a step hardly takes longer. Cosines of unit rows; a
/// row of zeros has cosine 0 with all.
public struct EmbeddingHealth: Sendable, Equatable {
  /// Mean over anchors of the least cosine to a row of their class; nil without such pairs.
  public var hardestPositive: Double?
  /// Mean over anchors of the greatest cosine to a row of another class; nil without such pairs.
  public var hardestNegative: Double?
  /// Mean cosine over all pairs of different rows; nil for one row.
  public var meanCosine: Double?
  /// (Σλ)² / Σλ² with λ the squared singular values of the unit rows: how many directions they use,
  /// from 1 to the dimension. The order-2 effective rank; `kindred evaluate` tells that of order 1,
  /// which is larger and costs an eigenvalue decomposition.
  public var effectiveRank: Double?
  /// √(mean ‖x − x̄‖²) of the rows as they are, not of unit length.
  public var spread: Double

  static let rows = 256

  /// - Complexity: O(rows² × dimension).
  public init(_ embeddings: Tensor, labels: [Int]) {
    let count = min(labels.count, EmbeddingHealth.rows)
    let x = embeddings.detached.rows(at: Array(0..<count))
    let cosines = Distance.cosine.matrix(x)
    spread = EmbeddingHealth.spread(x)
    switch cosines.dtype {
    case .float32: cosines.withElements(of: Float.self) { read($0, Array(labels.prefix(count))) }
    case .float64: cosines.withElements(of: Double.self) { read($0, Array(labels.prefix(count))) }
    }
  }

  private mutating func read<S: Scalar>(_ cosines: UnsafeBufferPointer<S>, _ labels: [Int]) {
    let n = labels.count
    guard n > 1 else { return }
    var (positives, negatives) = (Mean(), Mean())
    var (sum, squares, trace) = (0.0, 0.0, 0.0)
    labels.withUnsafeBufferPointer { labels in
      for i in 0..<n {
        let (row, own) = (i * n, labels[i])
        var (least, greatest) = (S.infinity, -S.infinity)
        var (rowSum, rowSquares) = (S.zero, S.zero)
        for j in 0..<n {
          let cosine = cosines[row + j]
          rowSum += cosine
          rowSquares += cosine * cosine
          if labels[j] != own {
            greatest = max(greatest, cosine)
          } else if j != i {
            least = min(least, cosine)
          }
        }
        sum += Double(rowSum) - Double(cosines[row + i])
        squares += Double(rowSquares)
        trace += Double(cosines[row + i])
        if least.isFinite { positives.add(Double(least)) }
        if greatest.isFinite { negatives.add(Double(greatest)) }
      }
    }
    (hardestPositive, hardestNegative) = (positives.value, negatives.value)
    meanCosine = min(1, max(-1, sum / Double(n * (n - 1))))
    effectiveRank = squares > 0 ? max(1, trace * trace / squares) : nil
  }

  private static func spread(_ x: Tensor) -> Double {
    let (n, d) = (x.shape[0], x.shape[1])
    guard n > 0 else { return 0 }
    let values = x.elements(as: Double.self)
    var means = [Double](repeating: 0, count: d)
    for i in 0..<n { for k in 0..<d { means[k] += values[i * d + k] } }
    var sum = 0.0
    for i in 0..<n {
      for k in 0..<d {
        let difference = values[i * d + k] - means[k] / Double(n)
        sum += difference * difference
      }
    }
    let spread = (sum / Double(n)).squareRoot()
    return spread.isFinite ? spread : .greatestFiniteMagnitude
  }

  private struct Mean {
    var (sum, count) = (0.0, 0)
    mutating func add(_ value: Double) {
      sum += value
      count += 1
    }
    var value: Double? { count > 0 ? sum / Double(count) : nil }
  }

  var json: [String: JSONValue] {
    var members: [String: JSONValue] = ["spread": .number(spread)]
    let optional: [(String, Double?)] = [
      ("hardestPositive", hardestPositive), ("hardestNegative", hardestNegative),
      ("meanCosine", meanCosine), ("effectiveRank", effectiveRank),
    ]
    for (name, value) in optional { members[name] = value.map { .number($0) } }
    return members
  }
}
