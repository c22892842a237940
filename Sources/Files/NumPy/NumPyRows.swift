import Foundation
import Settings

/// The rows of a matrix in a `.npy` file, read a few at a time, so that the file may be larger than
/// memory.
///
/// A class because it holds an open file, which it closes when it goes.
public final class NumPyRows: Sendable {
  public let path: String
  public let rows, columns: Int
  private let file: Int32
  private let start: Int
  private let header: NumPyHeader
  /// Whether the file's bytes are the numbers as they are in memory.
  private var isPlain: Bool { header.type == .float32 && !header.isBigEndian }
  /// Whether float32 has no room for the numbers: those of float64 and of integers of 32 bits or more.
  public var isDouble: Bool {
    switch header.type {
    case .float64, .int32, .int64, .uint32, .uint64: true
    default: false
    }
  }

  /// Opens a matrix of numbers with at least one column, its rows one after another.
  ///
  /// - Throws: `Failure` for a file that is not there, is no such matrix, or is cut short.
  public init(_ path: String) throws(Failure) {
    let (file, _) = try FileSystem.opened(path, needsFile: true)
    do throws(Failure) {
      // Headers are shorter than this; see ``NumPyArray/bytes()``.
      let prefix = try readBytes(of: file, upTo: 1 << 16, at: 0, path)
      var reader = ByteReader(prefix, at: path)
      let header = try NumPyHeader(from: &reader)
      guard header.shape.count == 2, header.shape[1] > 0 else {
        throw Failure(
          .badData, at: path, "an array of shape \(describe(header.shape))",
          expected: "a matrix with a row for each item",
          remedy: "save array.reshape(len(array), -1)")
      }
      guard header.type.isNumber else {
        throw Failure(.badData, at: path, "texts as elements", expected: "numbers")
      }
      guard !header.isFortran || header.shape[0] <= 1 || header.shape[1] == 1 else {
        throw Failure(
          .badData, at: path, "the elements lie in Fortran order, column by column",
          expected: "rows, to read a few at a time", remedy: "save np.ascontiguousarray(array)")
      }
      try MemoryBudget.check([header.shape[1]], bytesEach: 64, for: "a row", at: path)
      let size = Int(lseek(file, 0, SEEK_END))
      let (count, overflow) = header.shape[0].multipliedReportingOverflow(by: header.shape[1])
      let (bytes, more) = count.multipliedReportingOverflow(by: header.type.size)
      guard !overflow, !more, bytes == size - reader.offset else {
        throw Failure(
          .badData, at: path, "\(size - reader.offset) bytes of elements",
          expected: "what the shape \(describe(header.shape)) takes",
          remedy: "the file is cut short or damaged")
      }
      (rows, columns, start) = (header.shape[0], header.shape[1], reader.offset)
      self.header = header
    } catch {
      close(file)
      throw error
    }
    (self.path, self.file) = (path, file)
  }

  deinit { close(file) }

  /// Reads consecutive rows as float32 numbers.
  ///
  /// - Throws: `Failure` if the file cannot be read, or for a number that is not finite.
  public func read(
    _ range: Range<Int>, into result: UnsafeMutableBufferPointer<Float>
  ) throws(Failure) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows && result.count == range.count * columns,
      "NumPyRows.read: rows \(range) of \(rows) into \(result.count) numbers")
    if isPlain {
      try fill(
        UnsafeMutableRawBufferPointer(result), from: start + 4 * range.lowerBound * columns)
    } else {
      try forEachPiece(of: range) { (place, piece) in
        for (i, number) in piece.floats.enumerated() { result[place + i] = number }
      }
    }
    try check(range, UnsafeBufferPointer(result))
  }

  /// Reads consecutive rows as float64 numbers, which must be finite as float32 numbers too.
  ///
  /// - Throws: `Failure` if the file cannot be read, or for a number that is not finite.
  public func read(
    _ range: Range<Int>, into result: UnsafeMutableBufferPointer<Double>
  ) throws(Failure) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows && result.count == range.count * columns,
      "NumPyRows.read: rows \(range) of \(rows) into \(result.count) numbers")
    if header.type == .float64, !header.isBigEndian {
      try fill(
        UnsafeMutableRawBufferPointer(result), from: start + 8 * range.lowerBound * columns)
    } else {
      try forEachPiece(of: range) { (place, piece) in
        for (i, number) in piece.doubles.enumerated() { result[place + i] = number }
      }
    }
    try check(range, UnsafeBufferPointer(result))
  }

  /// Calls `body` with the numbers of some rows, a piece of them at a time.
  private func forEachPiece(
    of range: Range<Int>, _ body: (_ place: Int, NumPyArray) -> Void
  ) throws(Failure) {
    let (size, all, longest) = (header.type.size, range.count * columns, 65_536)
    for done in stride(from: 0, to: all, by: longest) {
      let count = min(longest, all - done)
      var bytes = [UInt8](repeating: 0, count: count * size)
      var problem: Failure?
      bytes.withUnsafeMutableBytes { bytes in
        do throws(Failure) {
          try fill(bytes, from: start + size * (range.lowerBound * columns + done))
        } catch {
          problem = error
        }
      }
      if let problem { throw problem }
      body(
        done,
        NumPyArray(
          shape: [1, count], elements: try NumPyElements(bytes[...], header, at: path).elements))
    }
  }

  private func check<S: BinaryFloatingPoint>(
    _ range: Range<Int>, _ result: UnsafeBufferPointer<S>
  ) throws(Failure) {
    // A sum is finite if all numbers are; only when it is not, each is looked at.
    for row in 0..<range.count {
      let numbers = result[row * columns..<(row + 1) * columns]
      guard !numbers.reduce(0, { $0 + Float($1) * 0 }).isZero,
        let column = numbers.firstIndex(where: { !Float($0).isFinite })
      else { continue }
      throw Failure(
        .badData, at: path,
        "no finite number in row \(range.lowerBound + row), column \(column - row * columns) "
          + "(counted from 0)",
        expected: "finite numbers", remedy: "find such rows with ~np.isfinite(array).all(axis=1)")
    }
  }

  /// A number that tells files apart: of the shape and of bytes from 64 places.
  public func fingerprint() throws(Failure) -> UInt32 {
    var crc = CRC32()
    crc.update("\(rows) \(columns) \(header.type == .float64)".utf8)
    let size = start + rows * columns * header.type.size
    for place in 0..<64 {
      crc.update(try readBytes(of: file, upTo: 4096, at: size / 64 * place, path)[...])
    }
    return crc.value
  }

  private func fill(_ bytes: UnsafeMutableRawBufferPointer, from offset: Int) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = pread(
        file, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw Failure(.cannotRead, at: path, "cannot be read at byte \(offset + done)")
      }
      done += count
    }
  }
}

/// The bytes of an open file from an offset, fewer at its end.
private func readBytes(
  of file: Int32, upTo count: Int, at offset: Int, _ path: String
) throws(Failure) -> [UInt8] {
  var failed = false
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
    while written < count {
      let more = pread(
        file, buffer.baseAddress?.advanced(by: written), count - written, off_t(offset + written))
      if more < 0, errno == EINTR { continue }
      failed = more < 0
      guard more > 0 else { return }
      written += more
    }
  }
  if failed { throw Failure(.cannotRead, at: path, "cannot be read") }
  return bytes
}
