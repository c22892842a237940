import Autodiff
import Settings

/// Vectors with a byte for each number, between the least and the largest of its column.
///
/// code = ⌊255 (x − least) / range⌋ within 0...255; decoded as least + (code + ½) / 255 · range, as
/// FAISS does.
public struct ScalarIndex: VectorIndex {
  public let metric: ExactIndex.Metric
  public let dimension, count: Int
  /// The least number of each column, and how far the largest is from it.
  public let least, ranges: [Float]
  /// [count, dimension]
  public let codes: [UInt8]

  /// - Throws: if a column is so much of one value that it has no range.
  public init(_ vectors: Tensor, metric: ExactIndex.Metric, name: String = "vectors")
    throws(Failure)
  {
    let vectors = try vectors.checkedVectors(name: name)
    let (n, d) = (vectors.shape[0], vectors.shape[1])
    let (low, span) = try vectors.columnRanges(name: name)
    let codes = vectors.withElements(of: Float.self) { x in
      (0..<n * d).map { i -> UInt8 in
        let share = (x[i] - low[i % d]) / span[i % d]
        return UInt8(255 * min(1, max(0, share)))
      }
    }
    self.init(metric: metric, least: low, ranges: span, codes: codes)
  }

  init(metric: ExactIndex.Metric, least: [Float], ranges: [Float], codes: [UInt8]) {
    (self.metric, self.least, self.ranges, self.codes) = (metric, least, ranges, codes)
    (dimension, count) = (least.count, codes.count / least.count)
  }

  /// Some rows as numbers again.
  func decoded(_ rows: Range<Int>) -> Tensor {
    let d = dimension
    let half = Float(0.5)
    return Tensor(shape: [rows.count, d], of: Float.self) { y in
      codes.withUnsafeBufferPointer { codes in
        for (i, row) in rows.enumerated() {
          for j in 0..<d {
            let share = (Float(codes[row * d + j]) + half) / 255
            y[i * d + j] = least[j] + share * ranges[j]
          }
        }
      }
    }
  }

  public func storedVectors() -> Tensor { decoded(0..<count) }

  public func search(
    _ queries: Tensor, count wanted: Int, effort _: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    let queries = try queries.checkedQueries(dimension: dimension, count: wanted, name: name)
    let (found, rows) = (min(wanted, count), queries.shape[0])
    var tops = Array(repeating: TopKeys(count: found), count: rows)
    // Decoded a block at a time, so that the memory stays that of the codes.
    for start in stride(from: 0, to: count, by: 4096) {
      let end = min(count, start + 4096)
      let block = try ExactIndex(decoded(start..<end), metric: metric, name: name)
      let near = try block.search(queries, count: found, name: name)
      for row in 0..<rows {
        for neighbor in near[row] {
          let distance = metric == .l2 ? neighbor.score : 0 - neighbor.score
          tops[row].offer(HNSWKey(Float(distance), UInt32(start + neighbor.id)))
        }
      }
    }
    return Neighbors(tops.flatMap(\.keys), countPerQuery: found, metric: metric)
  }
}

extension Tensor {
  /// The least number of each column, and how far the largest is from it.
  ///
  /// - Throws: if there are no rows, or a column has one value only, to which no scale fits.
  package func columnRanges(name: String) throws(Failure) -> (least: [Float], ranges: [Float]) {
    let (n, d) = (shape[0], shape[1])
    guard n > 0 else {
      throw Failure(.badData, at: name, "there are no vectors to take ranges from")
    }
    var least = [Float](repeating: .infinity, count: d)
    var largest = [Float](repeating: -.infinity, count: d)
    withElements(of: Float.self) { x in
      for row in 0..<n {
        for j in 0..<d {
          least[j] = min(least[j], x[row * d + j])
          largest[j] = max(largest[j], x[row * d + j])
        }
      }
    }
    let ranges = zip(largest, least).map { $0 - $1 }
    if let bad = ranges.indices.first(where: { !(ranges[$0] > 0) || !ranges[$0].isFinite }) {
      throw Failure(
        .badData, at: "\(name): column \(bad)",
        ranges[bad] > 0
          ? "its numbers lie farther apart than float32 reaches"
          : "all \(n) numbers are \(least[bad])",
        expected: "a range of values to quantise",
        remedy: "leave the column out, or export without quantisation")
    }
    return (least, ranges)
  }
}
