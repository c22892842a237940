import Autodiff
import Settings

extension InvertedIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin("IwFl", dimension: dimension, count: count, metric: metric)
    writer.out.littleEndian(UInt64(centers.count))
    writer.out.littleEndian(UInt64(probes))
    try writer.append(centers)
    // No map from ids to places.
    writer.out.append([0])
    writer.out.littleEndian(UInt64(0))
    writer.out.append("ilar")
    writer.out.littleEndian(UInt64(centers.count))
    writer.out.littleEndian(UInt64(4 * dimension))
    writer.out.append("full")
    writer.list(centers.indices.map { UInt64(starts[$0 + 1] - starts[$0]) })
    listed.withElements(of: Float.self) { x in
      for list in centers.indices {
        let range = starts[list]..<starts[list + 1]
        let numbers = x[range.lowerBound * dimension..<range.upperBound * dimension]
        writer.out.elements(UnsafeBufferPointer(rebasing: numbers))
        writer.out.elements(ids[range].map { Int64($0) })
      }
    }
  }
}

extension ExactIndex {
  var indices: Range<Int> { 0..<count }
}

extension ProductIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin("IxPq", dimension: dimension, count: count, metric: metric)
    for number in [dimension, parts, 8] { writer.out.littleEndian(UInt64(number)) }
    writer.list(centers)
    writer.list(codes)
    writer.out.littleEndian(Int32(0))
    writer.out.append([0])
    writer.out.littleEndian(Int32(0))
  }
}

extension FaissReader {
  mutating func productQuantized(_ header: Header) throws(Failure) -> ProductIndex {
    var sizes: [UInt64] = []
    for _ in 0..<3 { sizes.append(try reader.littleEndian(of: "the quantiser")) }
    guard sizes[0] == header.dimension, sizes[1] > 0, sizes[1] <= sizes[0],
      sizes[0] % sizes[1] == 0, sizes[2] == 8
    else {
      throw failure(
        "the product quantiser has sizes \(sizes)", expected: "parts that divide the width, 8 bits")
    }
    let centers = try floats(256, times: header.dimension, "centres")
    let codes: [UInt8] = try list("codes")
    try reader.skip(9, of: "search settings")
    guard codes.count == header.count * Int(sizes[1]) else {
      throw failure("there are \(codes.count) codes", expected: "\(header.count) rows of them")
    }
    return ProductIndex(
      metric: header.metric, dimension: header.dimension, parts: Int(sizes[1]), centers: centers,
      codes: codes)
  }

  mutating func invertedLists(_ header: Header, _ depth: Int) throws(Failure) -> InvertedIndex {
    let lists: UInt64 = try reader.littleEndian(of: "the number of lists")
    let probes: UInt64 = try reader.littleEndian(of: "the number of probes")
    guard let centers = try index(depth: depth + 1) as? ExactIndex, centers.count == lists,
      lists > 0, centers.dimension == header.dimension, centers.metric == header.metric
    else { throw failure("the centres are no flat index of the same width and metric") }
    let map: UInt8 = try reader.littleEndian(of: "a map's kind")
    let mapped: UInt64 = try reader.littleEndian(of: "a map's size")
    guard map == 0, mapped == 0 else { throw failure("there is a map from ids", expected: "none") }
    let mark = try reader.bytes(4, of: "the lists' mark")
    let (number, size): (UInt64, UInt64) = (
      try reader.littleEndian(of: "a number"), try reader.littleEndian(of: "a size")
    )
    let kind = String(decoding: try reader.bytes(4, of: "the lists' kind"), as: UTF8.self)
    let counts: [UInt64] = try list("sizes of lists")
    guard mark.elementsEqual("ilar".utf8), number == lists, size == 4 * header.dimension else {
      throw failure("there are \(number) lists of \(size) bytes a vector")
    }
    let sizes = try sizes(counts, isFull: kind == "full", lists: Int(lists), header)
    var (values, ids): ([Float], [Int]) = ([], [])
    for count in sizes {
      let bytes = try reader.bytes(count * Int(size), of: "vectors")
      values += [Float](unsafeUninitializedCapacity: count * header.dimension) { x, filled in
        UnsafeMutableRawBufferPointer(x).copyBytes(from: bytes)
        filled = count * header.dimension
      }
      for _ in 0..<count { ids.append(Int(try reader.littleEndian(Int64.self, of: "an id"))) }
    }
    guard values.allSatisfy(\.isFinite), ids.allSatisfy({ (0..<header.count).contains($0) }),
      Set(ids).count == ids.count
    else {
      throw failure(
        "a number is not finite or an id occurs twice", expected: "ids 0 to \(header.count - 1)")
    }
    return InvertedIndex(
      centers: centers, ids: ids, sizes: sizes,
      listed: Tensor(values, shape: [ids.count, header.dimension]),
      probes: Int(max(1, min(1 << 20, probes))))
  }

  /// The size of each list; they sum to the number of vectors.
  private func sizes(
    _ numbers: [UInt64], isFull: Bool, lists: Int, _ header: Header
  ) throws(Failure) -> [Int] {
    var sizes = [Int](repeating: 0, count: lists)
    let room = UInt64(header.count)
    if isFull {
      guard numbers.count == lists, numbers.allSatisfy({ $0 <= room }) else {
        throw failure("the lists have sizes that are not those of \(lists) lists")
      }
      sizes = numbers.map { Int($0) }
    } else {
      for i in stride(from: 0, to: numbers.count - 1, by: 2) {
        guard numbers[i] < UInt64(lists), numbers[i + 1] <= room else {
          throw failure("list \(numbers[i]) has \(numbers[i + 1]) vectors")
        }
        sizes[Int(numbers[i])] = Int(numbers[i + 1])
      }
    }
    guard sizes.reduce(0, { $0.addingReportingOverflow($1).partialValue }) == header.count else {
      throw failure("the lists do not hold \(header.count) vectors together")
    }
    return sizes
  }
}
