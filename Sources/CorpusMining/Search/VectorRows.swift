import Autodiff
import Files
import Settings

/// What similarity is.
public enum Similarity: String, CaseIterable, Sendable {
  /// The inner product of rows of unit length; 0 with a row of zeros.
  case cosine
  case innerProduct = "inner-product"
}

/// The rows of a file as similarity sees them.
struct VectorRows: Sendable {
  let file: NumPyRows
  let similarity: Similarity

  /// Consecutive rows, [rows, columns].
  func read(_ range: Range<Int>) throws(Failure) -> Tensor {
    var failure: Failure?
    let columns = file.columns
    let tensor = Tensor(shape: [range.count, columns], of: Float.self) { numbers in
      do throws(Failure) {
        try file.read(range, into: numbers)
      } catch {
        failure = error
        return
      }
      guard similarity == .cosine else { return }
      Parallel.forEachRange(range.count, grain: 1024) { rows in
        for row in rows {
          VectorRows.normalize(
            UnsafeMutableBufferPointer(rebasing: numbers[row * columns..<(row + 1) * columns]))
        }
      }
    }
    if let failure { throw failure }
    return tensor
  }

  /// Rows in any order, [rows, columns].
  func read(at rows: [Int]) throws(Failure) -> Tensor {
    var failure: Failure?
    let columns = file.columns
    let tensor = Tensor(shape: [rows.count, columns], of: Float.self) { numbers in
      for (place, row) in rows.enumerated() where failure == nil {
        let own = UnsafeMutableBufferPointer(
          rebasing: numbers[place * columns..<(place + 1) * columns])
        do throws(Failure) {
          try file.read(row..<row + 1, into: own)
        } catch {
          failure = error
        }
        if similarity == .cosine { VectorRows.normalize(own) }
      }
    }
    if let failure { throw failure }
    return tensor
  }

  /// The similarities of one of some queries to rows of the file.
  func similarities(to queries: Tensor, _ place: Int, of rows: [Int]) throws(Failure) -> [Float] {
    let others = try read(at: rows)
    return queries.withElements(of: Float.self) { queries in
      others.withElements(of: Float.self) { others in
        rows.indices.map { innerProduct(queries, place, others, $0, columns: file.columns) }
      }
    }
  }

  private static func normalize(_ row: UnsafeMutableBufferPointer<Float>) {
    var sum = 0.0
    for x in row { sum += Double(x) * Double(x) }
    let factor = sum > 0 ? 1 / sum.squareRoot() : 0
    for i in row.indices { row[i] = Float(Double(row[i]) * factor) }
  }
}

/// The inner product of two rows, summed in one fixed order.
func innerProduct(
  _ a: UnsafeBufferPointer<Float>, _ i: Int, _ b: UnsafeBufferPointer<Float>, _ j: Int,
  columns: Int
) -> Float {
  guard let a = a.baseAddress, let b = b.baseAddress else { return 0 }
  let (x, y) = (UnsafeRawPointer(a + i * columns), UnsafeRawPointer(b + j * columns))
  var sums = SIMD8<Float>.zero
  var k = 0
  while k + 8 <= columns {
    sums +=
      x.loadUnaligned(fromByteOffset: 4 * k, as: SIMD8<Float>.self)
      * y.loadUnaligned(fromByteOffset: 4 * k, as: SIMD8<Float>.self)
    k += 8
  }
  var sum = sums.sum()
  while k < columns {
    sum += a[i * columns + k] * b[j * columns + k]
    k += 1
  }
  // Rows of huge numbers: as far as a number can tell.
  return sum.isNaN ? 0 : max(-.greatestFiniteMagnitude, min(.greatestFiniteMagnitude, sum))
}
