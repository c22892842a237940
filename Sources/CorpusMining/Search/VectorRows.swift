import Autodiff
import Files
import Index
import Settings

/// What similarity is.
public enum Similarity: String, CaseIterable, Sendable {
  /// The inner product of rows of unit length; 0 with a row of zeros.
  case cosine
  case innerProduct = "inner-product"
}

/// The rows of a file, and how similar they are.
struct VectorRows: Sendable {
  let file: NumPyRows
  let similarity: Similarity

  /// Consecutive rows in the precision of the file, [rows, columns].
  func numbers(_ range: Range<Int>) throws(Failure) -> Tensor { try tensor([range]) }

  /// Rows in any order.
  func numbers(at rows: [Int]) throws(Failure) -> Tensor { try tensor(rows.map { $0..<$0 + 1 }) }

  private func tensor(_ ranges: [Range<Int>]) throws(Failure) -> Tensor {
    let shape = [ranges.reduce(0) { $0 + $1.count }, file.columns]
    var failure: Failure?
    /// Reads each range into its part of the memory.
    func fill<S>(
      _ numbers: UnsafeMutableBufferPointer<S>,
      _ read: (Range<Int>, UnsafeMutableBufferPointer<S>) throws(Failure) -> Void
    ) {
      var first = 0
      for range in ranges where failure == nil {
        let count = range.count * file.columns
        do throws(Failure) {
          try read(range, UnsafeMutableBufferPointer(rebasing: numbers[first..<first + count]))
        } catch {
          failure = error
        }
        first += count
      }
    }
    let tensor =
      file.isDouble
      ? Tensor(shape: shape, of: Double.self) {
        fill($0) { (range, memory) throws(Failure) in try file.read(range, into: memory) }
      }
      : Tensor(shape: shape, of: Float.self) {
        fill($0) { (range, memory) throws(Failure) in try file.read(range, into: memory) }
      }
    if let failure { throw failure }
    return tensor
  }

  /// Rows as similarity sees them, in float32: of unit length for the cosine.
  func seen(_ numbers: Tensor) -> Tensor {
    guard similarity == .cosine else { return numbers.converted(to: .float32) }
    let columns = file.columns
    let wide = numbers.converted(to: .float64)
    return Tensor(shape: numbers.shape, of: Float.self) { y in
      wide.withElements(of: Double.self) { x in
        for first in stride(from: 0, to: x.count, by: columns) {
          var sum = 0.0
          for i in first..<first + columns { sum += x[i] * x[i] }
          let factor = sum > 0 ? 1 / sum.squareRoot() : 0
          for i in first..<first + columns { y[i] = Float(x[i] * factor) }
        }
      }
    }
  }

  /// Rows in any order, as similarity sees them.
  func read(at rows: [Int]) throws(Failure) -> Tensor { seen(try numbers(at: rows)) }

  /// Consecutive rows to search in, which compares them in float64.
  func index(_ range: Range<Int>) throws(Failure) -> ExactIndex {
    try ExactIndex(
      try numbers(range), metric: .innerProduct, isCosine: similarity == .cosine, name: file.path)
  }

  /// The similarities of one of some queries to rows of the file, as a search gives them.
  ///
  /// - Parameter queries: as they are in their file.
  func similarities(to queries: Tensor, _ place: Int, of rows: [Int]) throws(Failure) -> [Double] {
    ExactIndex.scores(
      of: try numbers(at: rows), to: queries.rows(at: [place]), metric: .innerProduct,
      isCosine: similarity == .cosine)
  }

  /// Those of some rows that have the very numbers of one of others.
  func copies(of others: [Int], among rows: [Int]) throws(Failure) -> Set<Int> {
    guard !rows.isEmpty, !others.isEmpty else { return [] }
    let known = Set(try numbers(at: others).lists)
    let lists = try numbers(at: rows).lists
    return Set(zip(rows, lists).filter { known.contains($1) }.map(\.0))
  }
}

extension Tensor {
  /// The rows as lists.
  fileprivate var lists: [[Double]] {
    let (values, columns) = (elements(as: Double.self), shape[1])
    return (0..<shape[0]).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
  }
}
