import Autodiff
import Files
import Foundation

/// Vectors in files that go away with the test.
final class MatrixFiles {
  let folder = NSTemporaryDirectory() + "kindred-mining-\(UUID().uuidString)"
  let queries, corpus: NumPyRows
  let (queryVectors, corpusVectors): ([[Float]], [[Float]])

  convenience init(queries: Int, rows: Int, columns: Int, seed: UInt64 = 1) throws {
    var random = Random(seed: seed)
    func matrix(_ rows: Int) -> [[Float]] {
      (0..<rows).map { _ in (0..<columns).map { _ in Float(random.normal()) } }
    }
    let queryRows = matrix(queries)
    try self.init(queryRows, matrix(rows))
  }

  init(_ queries: [[Float]], _ rows: [[Float]]) throws {
    let columns = queries[0].count
    (queryVectors, corpusVectors) = (queries, rows)
    try FileSystem.makeFolder(folder)
    self.queries = try MatrixFiles.write(queryVectors, columns, folder + "/q.npy")
    corpus = try MatrixFiles.write(corpusVectors, columns, folder + "/c.npy")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  static func write(_ rows: [[Float]], _ columns: Int, _ path: String) throws -> NumPyRows {
    try NumPyArray(shape: [rows.count, columns], elements: .float32(rows.flatMap { $0 }))
      .write(to: path)
    return try NumPyRows(path)
  }

  func cosine(_ query: Int, _ row: Int) -> Double {
    let (a, b) = (queryVectors[query].map(Double.init), corpusVectors[row].map(Double.init))
    func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }
}
