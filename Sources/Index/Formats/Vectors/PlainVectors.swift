import Autodiff
import Files
import Settings

/// Vectors as benchmarks pass them on: `fvecs`, `ivecs` and `bvecs` (every row begins with its
/// width), `fbin` and `u8bin` (the number of rows and the width once).
///
/// Sources: corpus-texmex.irisa.fr; the big-ann benchmarks (NeurIPS 2021).
enum PlainVectors {
  static func rowByRow(_ vectors: Tensor) -> [UInt8] {
    let d = vectors.shape[1]
    var writer = ByteWriter()
    vectors.withElements(of: Float.self) { x in
      for start in stride(from: 0, to: x.count, by: d) {
        writer.littleEndian(Int32(d))
        writer.elements(UnsafeBufferPointer(rebasing: x[start..<start + d]))
      }
    }
    return writer.bytes
  }

  static func rowByRow(_ codes: [UInt8], columns: Int) -> [UInt8] {
    var writer = ByteWriter()
    for start in stride(from: 0, to: codes.count, by: columns) {
      writer.littleEndian(Int32(columns))
      writer.append(codes[start..<start + columns])
    }
    return writer.bytes
  }

  /// - Throws: unless every number is whole and within 32 bits.
  static func rowsOfWholeNumbers(_ vectors: Tensor) throws(Failure) -> [UInt8] {
    let (vectors, d) = (vectors.converted(to: .float64), vectors.shape[1])
    let numbers = vectors.elements(as: Double.self)
    var writer = ByteWriter()
    for (i, number) in numbers.enumerated() {
      guard let whole = Int32(exactly: number) else {
        throw Failure(
          .badData, at: "ivecs: row \(i / d), column \(i % d)", "\(number) is no whole number",
          expected: "whole numbers of 32 bits", remedy: "export fvecs instead")
      }
      if i % d == 0 { writer.littleEndian(Int32(d)) }
      writer.littleEndian(whole)
    }
    return writer.bytes
  }

  static func withHeader(
    rows: Int, columns: Int, _ body: (inout ByteWriter) -> Void
  ) throws(Failure) -> [UInt8] {
    guard rows < 1 << 31, columns < 1 << 31 else {
      throw Failure(
        .badData, at: "fbin", "there are \(rows) rows", expected: "less than 2³¹",
        remedy: "export them in --shards")
    }
    var writer = ByteWriter()
    writer.littleEndian(UInt32(rows))
    writer.littleEndian(UInt32(columns))
    body(&writer)
    return writer.bytes
  }

  /// Reads rows that each begin with their width.
  ///
  /// - Parameter size: bytes of a number: 4, or 1 for `bvecs`.
  static func readRowByRow(
    _ bytes: [UInt8], at place: String, size: Int, isWhole: Bool
  ) throws(Failure) -> Tensor {
    var reader = ByteReader(bytes, at: place)
    let width = Int(try reader.littleEndian(Int32.self, of: "the width of a row"))
    let rowSize = 4 + width.multipliedReportingOverflow(by: size).partialValue
    guard (1...1 << 20).contains(width), bytes.count % rowSize == 0 else {
      throw Failure(
        .badData, at: place, "\(bytes.count) bytes with rows of \(width) numbers",
        expected: "a whole number of rows of 1 to \(1 << 20) numbers",
        remedy: "the file is cut short, or of another format")
    }
    var values: [Float] = []
    values.reserveCapacity(bytes.count / size)
    for row in 0..<bytes.count / rowSize {
      if row > 0 {
        let next = Int(try reader.littleEndian(Int32.self, of: "the width of a row"))
        guard next == width else {
          throw reader.failure("row \(row) has \(next) numbers", expected: "\(width), as row 0 has")
        }
      }
      values += numbers(try reader.bytes(width * size), size: size, isWhole: isWhole)
    }
    return Tensor(values, shape: [values.count / width, width])
  }

  static func readWithHeader(_ bytes: [UInt8], at place: String, size: Int) throws(Failure)
    -> Tensor
  {
    var reader = ByteReader(bytes, at: place)
    let rows = Int(try reader.littleEndian(UInt32.self, of: "the number of rows"))
    let columns = Int(try reader.littleEndian(UInt32.self, of: "the width"))
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns * size)
    guard !overflow, count == reader.remaining, columns > 0 else {
      throw reader.failure(
        "\(reader.remaining) bytes follow", expected: "\(rows) × \(columns) numbers of \(size)",
        remedy: "the file is cut short, or of another format")
    }
    let values = numbers(try reader.bytes(count), size: size, isWhole: false)
    return Tensor(values, shape: [rows, columns])
  }

  private static func numbers(_ bytes: ArraySlice<UInt8>, size: Int, isWhole: Bool) -> [Float] {
    guard size == 4 else { return bytes.map { Float($0) } }
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        let bits = UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
        return isWhole ? Float(Int32(bitPattern: bits)) : Float(bitPattern: bits)
      }
    }
  }
}
