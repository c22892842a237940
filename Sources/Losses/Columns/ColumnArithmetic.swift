import Autodiff
import Geometry

/// How rows of two columns are compared.
public enum ColumnSimilarity: String, Sendable, CaseIterable {
  case cosine, dot

  /// Every row of one matrix with every row of another, [rows, others].
  func matrix(_ a: Tensor, _ b: Tensor) -> Tensor {
    switch self {
    case .cosine: a.withUnitRows().timesTransposed(b.withUnitRows())
    case .dot: a.timesTransposed(b)
    }
  }

  /// Each row of one matrix with the same row of another, [rows].
  func pairs(_ a: Tensor, _ b: Tensor) -> Tensor {
    switch self {
    case .cosine: (a.withUnitRows() * b.withUnitRows()).sumOverColumns()
    case .dot: (a * b).sumOverColumns()
    }
  }
}

/// How far rows of two columns are from each other.
public enum ColumnDistance: String, Sendable, CaseIterable {
  case cosine, euclidean, manhattan

  /// The distance of each row of one matrix to the same row of another, [rows].
  ///
  /// - Parameter shift: what is added to every difference, as PyTorch's pairwise distance does.
  func pairs(_ a: Tensor, _ b: Tensor, shift: Double = 0) -> Tensor {
    switch self {
    case .cosine: ColumnSimilarity.cosine.pairs(a, b).scaled(by: -1).shifted(by: 1)
    case .euclidean:
      squareRoot(((a - b).shifted(by: shift) * (a - b).shifted(by: shift)).sumOverColumns())
    case .manhattan: abs((a - b).shifted(by: shift)).sumOverColumns()
    }
  }
}

extension Tensor {
  /// A constant of the shape and dtype of this tensor.
  func constant(_ values: [Double]) -> Tensor {
    Tensor(values, shape: shape).converted(to: dtype)
  }

  /// Matrices of the same rows beside each other, with history.
  static func beside(_ matrices: [Tensor]) -> Tensor {
    guard matrices.count > 1 else { return matrices[0] }
    return Tensor.concatenated(matrices.map(\.transposed)).transposed
  }

  /// log Σ_j exp(x_ij) of each row over the columns that count, [rows].
  ///
  /// A row none of whose columns count gives 0 and takes no gradient.
  /// - Parameter counts: for each element whether it counts; nil for all.
  func logSumExp(where counts: [Bool]? = nil) -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    let own = elements(as: Double.self)
    var peaks = [Double](repeating: 0, count: own.count)
    var isEmpty = [Double](repeating: 0, count: rows)
    for row in 0..<rows {
      var peak = -Double.infinity
      for i in row * columns..<(row + 1) * columns where counts?[i] ?? true {
        peak = max(peak, own[i])
      }
      if peak == -.infinity { (peak, isEmpty[row]) = (0, 1) }
      for i in row * columns..<(row + 1) * columns { peaks[i] = peak }
    }
    var shifted = self - constant(peaks)
    if let counts {
      // What does not count becomes so small that its exponential is 0.
      shifted =
        shifted * constant(counts.map { $0 ? 1 : 0 }) + constant(counts.map { $0 ? 0 : -1e4 })
    }
    let sums = exp(shifted).sumOverColumns()
    let rowPeaks = stride(from: 0, to: own.count, by: max(1, columns)).map { peaks[$0] }
    guard columns > 0 else { return Tensor(zeros: [rows], dtype: dtype) }
    return log(sums + sums.constant(isEmpty)) + sums.constant(rowPeaks)
  }

  /// The elements of a matrix at one column of each row, [rows].
  func picked(_ columns: [Int]) -> Tensor {
    var chosen = [Double](repeating: 0, count: count)
    for (row, column) in columns.enumerated() { chosen[row * shape[1] + column] = 1 }
    return (self * constant(chosen)).sumOverColumns()
  }

  /// The mean over rows of the cross-entropy of each row's softmax with one of its columns.
  ///
  /// - Parameter counts: for each element whether it is a candidate; nil for all.
  func crossEntropy(with columns: [Int], where counts: [Bool]? = nil) -> Tensor {
    (logSumExp(where: counts) - picked(columns)).mean()
  }
}

/// Whether row i of a square matrix meets itself, for matrices of n rows and some columns.
func isDiagonal(_ rows: Int, _ columns: Int) -> [Bool] {
  (0..<rows * columns).map { columns > 0 && $0 / columns == $0 % columns % max(1, rows) }
}
