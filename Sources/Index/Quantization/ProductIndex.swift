import Autodiff
import Settings

/// Vectors cut into parts, of each of which the number of the nearest of 256 centres is kept.
///
/// A query is compared with all centres once; the distance to a vector is then a sum of table
/// entries, one for each part.
/// - Reference: Jégou et al., *Product quantization for nearest neighbor search* (2011).
public struct ProductIndex: VectorIndex {
  public static let centersPerPart = 256

  public let metric: ExactIndex.Metric
  public let dimension, count, parts: Int
  /// [parts, 256, dimension / parts]
  public let centers: [Float]
  /// [count, parts]
  public let codes: [UInt8]

  /// - Parameter parts: bytes of a vector; must divide its width.
  public init(
    _ vectors: Tensor, metric: ExactIndex.Metric, parts: Int, seed: Int = 0,
    name: String = "vectors"
  ) throws(Failure) {
    let vectors = try vectors.checkedVectors(name: name)
    let (n, d) = (vectors.shape[0], vectors.shape[1])
    try ProductIndex.checkParts(parts, of: vectors, name: name)
    let random = Random(seed: UInt64(seed)).split("product")
    let width = d / parts
    var centers: [Float] = []
    var codes = [UInt8](repeating: 0, count: n * parts)
    for part in 0..<parts {
      let slice = vectors.columns(part * width..<(part + 1) * width)
      var stream = random.split(UInt64(part))
      let found = try clusterCenters(
        of: slice, count: ProductIndex.centersPerPart, random: &stream)
      let nearest = try assignments(of: slice, to: found, metric: .l2)
      for (row, center) in nearest.enumerated() { codes[row * parts + part] = UInt8(center) }
      centers += found.elements(as: Float.self)
    }
    self.init(metric: metric, dimension: d, parts: parts, centers: centers, codes: codes)
  }

  static func checkParts(_ parts: Int, of vectors: Tensor, name: String) throws(Failure) {
    let (n, d) = (vectors.shape[0], vectors.shape[1])
    guard n > 0 else { throw Failure(.badData, at: name, "there are no vectors to learn from") }
    guard parts > 0, d % parts == 0 else {
      let divisors = (1...d).filter { d % $0 == 0 }.map(String.init).joined(separator: ", ")
      throw Failure(
        .badUsage, at: "parts", "\(parts) parts of vectors of \(d) numbers",
        expected: "one of \(divisors)")
    }
  }

  init(metric: ExactIndex.Metric, dimension: Int, parts: Int, centers: [Float], codes: [UInt8]) {
    (self.metric, self.dimension, self.parts) = (metric, dimension, parts)
    (self.centers, self.codes, count) = (centers, codes, codes.count / parts)
  }

  public func search(
    _ queries: Tensor, count wanted: Int, effort _: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    let queries = try queries.checkedQueries(dimension: dimension, count: wanted, name: name)
    let found = min(wanted, count)
    let keys = queries.nearestKeys(count: found, grain: 4) { _, query in
      var top = TopKeys(count: found)
      let table = table(of: query)
      codes.withUnsafeBufferPointer { codes in
        table.withUnsafeBufferPointer { table in
          for id in 0..<count {
            var sum: Float = 0
            for part in 0..<parts { sum += table[part * 256 + Int(codes[id * parts + part])] }
            top.offer(HNSWKey(sum, UInt32(id)))
          }
        }
      }
      return top
    }
    return Neighbors(keys, countPerQuery: found, metric: metric)
  }

  /// The distance of each part of a query from each centre of that part.
  private func table(of query: UnsafePointer<Float>) -> [Float] {
    let (size, width) = (ProductIndex.centersPerPart, dimension / parts)
    let all = (0..<UInt32(size)).map { $0 }
    var table = [Float](repeating: 0, count: parts * size)
    let kernels = RowKernels<Float>()
    table.withUnsafeMutableBufferPointer { table in
      centers.withUnsafeBufferPointer { centers in
        guard let table = table.baseAddress, let centers = centers.baseAddress else { return }
        for part in 0..<parts {
          kernels.distances(
            table + part * size, from: query + part * width, to: centers + part * size * width,
            rows: all, count: size, columns: width, isSquared: metric == .l2)
        }
      }
    }
    return table
  }

  public func storedVectors() -> Tensor {
    let width = dimension / parts
    return Tensor(shape: [count, dimension], of: Float.self) { y in
      for id in 0..<count {
        for part in 0..<parts {
          let center = (part * 256 + Int(codes[id * parts + part])) * width
          for j in 0..<width { y[id * dimension + part * width + j] = centers[center + j] }
        }
      }
    }
  }
}

extension Tensor {
  /// Some columns of a float32 matrix.
  func columns(_ range: Range<Int>) -> Tensor {
    let (n, d) = (shape[0], shape[1])
    return Tensor(shape: [n, range.count], of: Float.self) { y in
      withElements(of: Float.self) { x in
        for row in 0..<n {
          for (i, column) in range.enumerated() { y[row * range.count + i] = x[row * d + column] }
        }
      }
    }
  }
}
