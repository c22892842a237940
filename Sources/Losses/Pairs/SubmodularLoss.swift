import Autodiff
import Foundation
import Geometry
import Settings

/// A set function of the classes of a batch: how much they cover or how far they spread.
///
/// With s the cosine of any two rows (a row with itself included), A_k the rows of class k and V all
/// rows, the total information Σ_k f(A_k), or the total correlation Σ_k f(A_k) - f(V), of
///
///     facility-location   f(A) = Σ_{i ∈ V} max_{j ∈ A} s_ij
///     graph-cut           f(A) = Σ_{i ∈ V, j ∈ A} s_ij - λ Σ_{i, j ∈ A} s_ij
///     log-determinant     f(A) = log det(s_AA + r I)
///
/// Facility location counts 1 for a row in its own class, and so information is correlation plus the
/// number of rows. The value is a sum, not a mean, and may be negative. Tuples do not
/// matter; V holds the references that are no rows of the batch too. O(batch²); the log-determinant O(batch × dimension²) for each of its terms, or
/// O(rows² × (rows + dimension)) where a class has fewer rows than dimensions.
///
/// With one class the correlation is 0. A row of zeros has cosine 0 to all, itself too, and takes no
/// gradient.
///
/// Defaults: facility location, correlation, λ = 0.5, r = 0.5.
/// - Reference: Majee et al., *SCoRe: Submodular Combinatorial Representation Learning* (ICML 2024);
///   the set functions are derived from the definitions, the published code differs.
public struct SubmodularLoss: Loss {
  /// What is asked of a set of rows.
  public enum Function: String, Sendable, CaseIterable {
    case facilityLocation = "facility-location"
    case graphCut = "graph-cut"
    case logDeterminant = "log-determinant"
  }

  /// Whether the function of all rows is taken away.
  public enum Measure: String, Sendable, CaseIterable { case correlation, information }

  public var function = Function.facilityLocation
  public var measure = Measure.correlation
  public var lambda = 0.5
  public var ridge = 0.5

  public init() {}

  public static let summary = "a set function of the classes of a batch: cover, cut or volume"
  public static let source =
    "Majee et al., SCoRe: Submodular Combinatorial Representation Learning, ICML 2024"
  public static let settings = [
    Setting("function", \Self.function, "the set function"),
    Setting("measure", \Self.measure, "whether the function of all rows is taken away"),
    Setting("lambda", \Self.lambda, "the weight λ of the graph cut", in: 0...1e6),
    Setting("ridge", \Self.ridge, "what is added to the diagonal, r", in: 1e-6...1e6),
  ]

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let dtype = input.embeddings.dtype
    let unit = input.embeddings.widened().withUnitRows()
    let groups = input.rowsByClass
    guard function != .logDeterminant else {
      return logDeterminant(unit, groups).narrowed(to: dtype)
    }
    let pairs = PairTable(rowLabels: input.labels, columnLabels: input.labels)
    let similarities = unit.timesOwnTranspose()
    var output: LossOutput
    if function == .graphCut {
      let isCut = measure == .correlation
      output = similarities.reduced(
        by: CutRows(across: isCut ? lambda : 1, within: isCut ? 0 : 1 - lambda), pairs: pairs)
    } else {
      output = similarities.reduced(by: CoverRows(groups: groups), pairs: pairs)
      if measure == .information {
        output.value = output.value.shifted(by: Double(input.labels.count))
      }
    }
    return output.narrowed(to: dtype)
  }

  private func logDeterminant(_ unit: Tensor, _ groups: [[Int]]) -> LossOutput {
    var value = Tensor(0, dtype: .float64)
    for rows in groups { value = value + unit.rows(at: rows).logDeterminant(ridge: ridge) }
    if measure == .correlation { value = value - unit.logDeterminant(ridge: ridge) }
    return LossOutput(value: value, active: value.item > 0 ? 1 : 0)
  }
}

/// Σ of the products of a row with others, and with its own class.
private struct CutRows: RowFunction {
  let across, within: Double
  var reduction: Reduction { .sum }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    var cost: S = 0
    for j in row.indices {
      row.derivatives[j] = S(row.kinds[j] > 0 ? within : across)
      cost += row.derivatives[j] * row.values[j]
    }
    sums.terms.add(Double(cost))
  }
}

/// Σ over the other classes of the largest product with one of their rows.
private struct CoverRows: RowFunction {
  let groups: [[Int]]
  var reduction: Reduction { .sum }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    var cost: S = 0
    for group in groups {
      guard var best = group.first, row.kinds[best] < 0 else { continue }
      for j in group where row.values[j] > row.values[best] { best = j }
      cost += row.values[best]
      row.derivatives[best] += 1
    }
    sums.terms.add(Double(cost))
  }
}

extension Tensor {
  /// log det(x xᵀ + r I) for the rows x of this float64 matrix.
  ///
  /// By whichever is smaller, x xᵀ or xᵀ x: log det(x xᵀ + r I) = (n - d) log r + log det(xᵀ x + r I).
  /// The gradient is 2 (x xᵀ + r I)⁻¹ x = 2 x (xᵀ x + r I)⁻¹.
  fileprivate func logDeterminant(ridge: Double) -> Tensor {
    let x = detached
    let (n, d) = (shape[0], shape[1])
    let isTall = n > d
    let size = min(n, d)
    let small = isTall ? x.transposed : x
    var matrix = small.timesOwnTranspose().elements(as: Double.self)
    for i in 0..<size { matrix[i * size + i] += ridge }
    let (logarithm, inverse) = logDeterminantAndInverse(matrix, size: size)
    let slope = Tensor(inverse, shape: [size, size])
    let gradient = (isTall ? x.times(slope) : slope.times(x)).scaled(by: 2)
    return Tensor(logarithm + Double(n - size) * log(ridge), dtype: .float64).recorded(
      "logDeterminant", edge { gradient.scaled(by: $0.item) })
  }
}

/// The logarithm of the determinant of a positive definite matrix, and its inverse (Cholesky).
func logDeterminantAndInverse(_ matrix: [Double], size n: Int) -> (Double, [Double]) {
  var lower = matrix
  var logarithm = 0.0
  for i in 0..<n {
    for j in 0...i {
      var sum = lower[i * n + j]
      for k in 0..<j { sum -= lower[i * n + k] * lower[j * n + k] }
      if i == j {
        lower[i * n + i] = max(sum, 1e-300).squareRoot()
        logarithm += 2 * log(lower[i * n + i])
      } else {
        lower[i * n + j] = sum / lower[j * n + j]
      }
    }
  }
  var inverse = [Double](repeating: 0, count: n * n)
  var column = [Double](repeating: 0, count: n)
  for c in 0..<n {
    for i in 0..<n {
      var sum = i == c ? 1.0 : 0
      for k in 0..<i { sum -= lower[i * n + k] * column[k] }
      column[i] = sum / lower[i * n + i]
    }
    for i in (0..<n).reversed() {
      var sum = column[i]
      for k in i + 1..<max(n, i + 1) { sum -= lower[k * n + i] * column[k] }
      column[i] = sum / lower[i * n + i]
    }
    for i in 0..<n { inverse[i * n + c] = column[i] }
  }
  return (logarithm, inverse)
}
