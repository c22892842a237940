import Autodiff
import Foundation

/// Rows that stand for all, and rows that these stand for worst.
///
/// With the kernel k(x, y) = exp(−‖x − y‖² / median square), prototypes are added one by one so that
/// the maximum mean discrepancy between them and all rows falls most; criticisms are the rows at which
/// the two means of kernels differ most, no two of them nearer than the median allows at half a kernel.
/// Source: Kim, Khanna and Koyejo, Examples are not Enough, Learn to Criticize, 2016 (without the
/// determinant that spreads the criticisms).
struct Representatives {
  let prototypes, criticisms: [Int]

  /// - Complexity: O(n² d + n² count) time, O(n²) memory.
  init(_ rows: [[Double]], count: Int) {
    let n = rows.count
    var kernel = [Double](repeating: 0, count: n * n)
    kernel.withUnsafeMutableBufferPointer { kernel in
      let kernel = kernel
      Parallel.forEach(n) { i in
        for j in 0..<n {
          kernel[i * n + j] = zip(rows[i], rows[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
      }
    }
    let positive = kernel.filter { $0 > 0 }.sorted()
    let scale = positive.isEmpty ? 1 : positive[positive.count / 2]
    for i in kernel.indices { kernel[i] = exp(-kernel[i] / scale) }
    let means = (0..<n).map { i in
      kernel[i * n..<(i + 1) * n].reduce(0, +) / Double(n)
    }
    var prototypes: [Int] = []
    // Σ over the prototypes of the kernel with each row.
    var sums = [Double](repeating: 0, count: n)
    while prototypes.count < min(count, n) {
      let size = Double(prototypes.count + 1)
      func gain(_ i: Int) -> Double {
        // The part of −MMD² that depends on the candidate.
        2 * means[i] / size - (2 * sums[i] + kernel[i * n + i]) / (size * size)
      }
      let free = (0..<n).filter { !prototypes.contains($0) }
      guard let best = free.max(by: { gain($0) != gain($1) ? gain($0) < gain($1) : $0 > $1 }) else {
        break
      }
      prototypes.append(best)
      for i in 0..<n { sums[i] += kernel[best * n + i] }
    }
    let size = Double(max(1, prototypes.count))
    let gaps = (0..<n).map { abs(means[$0] - sums[$0] / size) }
    let order = (0..<n).sorted { gaps[$0] != gaps[$1] ? gaps[$0] > gaps[$1] : $0 < $1 }
    var criticisms: [Int] = []
    for i in order where criticisms.count < count && !prototypes.contains(i) {
      if criticisms.allSatisfy({ kernel[i * n + $0] < 0.5 }) { criticisms.append(i) }
    }
    (self.prototypes, self.criticisms) = (prototypes, criticisms)
  }
}
