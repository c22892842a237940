import Files
import Settings

/// Reads an IDX file, plain or packed with gzip, as MNIST and its kin come.
///
/// - Returns: the shape and the elements as they are, without any scaling.
/// - Throws: `Failure` for a file that cannot be read, is damaged, or has NaN or infinity in it.
///
/// Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (1998).
public func readIDX(_ path: String) throws(Failure) -> (shape: [Int], values: [Float]) {
  try readIDX(bytes: try FileSystem.read(path), at: path)
}

/// Reads the bytes of an IDX file; `place` names it in messages.
package func readIDX(
  bytes: [UInt8], at place: String
) throws(Failure) -> (shape: [Int], values: [Float]) {
  let isPacked = bytes.starts(with: [0x1F, 0x8B])
  // A byte becomes a number of four, and is brought to 0 ... 1 in a copy.
  let budget = isPacked ? MemoryBudget.current.unpacking(bytes.count) : .current
  var unpacked = bytes
  if isPacked {
    do throws(Failure) {
      unpacked = try Inflate.gzip(bytes, limit: budget.bytes / 9, at: place)
    } catch {
      var failure = error
      if failure.found.hasPrefix("unpacks to more") {
        failure.remedy = "set \(MemoryBudget.variable) if that is right and there is memory for it"
      }
      throw failure
    }
  }
  var reader = ByteReader(unpacked, at: place)
  let magic: UInt16 = try reader.bigEndian(of: "the first number")
  let code: UInt8 = try reader.littleEndian(of: "the element type")
  let rank: UInt8 = try reader.littleEndian(of: "the number of dimensions")
  guard magic == 0, rank > 0 else {
    throw reader.failure(
      "this is not an IDX file", expected: "two zeros, a type and a number of dimensions")
  }
  let sizes: [UInt8: Int] = [0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8]
  guard let size = sizes[code] else {
    throw reader.failure("element type \(code)", expected: "8, 9, 11, 12, 13 or 14")
  }
  var shape: [Int] = []
  var byteCount = size
  for _ in 0..<rank {
    let extent = Int(try reader.bigEndian(UInt32.self, of: "the shape"))
    let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
    guard !overflow else {
      throw reader.failure("the shape is too large", remedy: "the file is damaged")
    }
    byteCount = product
    shape.append(extent)
  }
  guard byteCount == reader.remaining else {
    throw reader.failure(
      "\(reader.remaining) bytes of elements", expected: "\(byteCount) for the shape \(shape)",
      remedy: "the file is cut short or damaged")
  }
  try budget.check([byteCount / size], bytesEach: 8 + size, for: "the elements", at: place)
  let data = try reader.bytes(byteCount)
  let values = elements(data, code: code)
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw Failure(
      .badData, at: place, "element \(index) is \(values[index])", expected: "finite numbers")
  }
  return (shape, values)
}

private func elements(_ data: ArraySlice<UInt8>, code: UInt8) -> [Float] {
  switch code {
  case 0x08: data.map { Float($0) }
  case 0x09: data.map { Float(Int8(bitPattern: $0)) }
  case 0x0B: bigEndian(data, UInt16.self) { Float(Int16(bitPattern: $0)) }
  case 0x0C: bigEndian(data, UInt32.self) { Float(Int32(bitPattern: $0)) }
  case 0x0D: bigEndian(data, UInt32.self) { Float(bitPattern: $0) }
  default: bigEndian(data, UInt64.self) { Float(Double(bitPattern: $0)) }
  }
}

private func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(
  _ data: ArraySlice<UInt8>, _: T.Type, _ value: (T) -> Float
) -> [Float] {
  data.withUnsafeBytes { bytes in
    stride(from: 0, to: bytes.count, by: MemoryLayout<T>.size).map { offset in
      value(T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self)))
    }
  }
}
