import Autodiff
import Files
import Settings

/// Vectors with a byte or a bit for each number, and the ranges that turn them back.
///
/// A safetensors file with the tensors `codes`, `least` and `ranges`:
/// x ≈ least + code / 255 · range, and code + 128 for int8. A bit is 1 where x > threshold; eight of
/// them are a byte, the first the highest; `thresholds` holds one for each column.
enum QuantizedVectors {
  enum Kind: String, Sendable { case int8, uint8, binary }

  /// ⌊255 (x − least) / range + ½⌋ for each number.
  static func codes(_ vectors: Tensor) throws(Failure) -> (
    codes: [UInt8], least: [Float], ranges: [Float]
  ) {
    let (least, ranges) = try vectors.columnRanges(name: "vectors")
    let d = vectors.shape[1]
    let codes = vectors.withElements(of: Float.self) { x in
      x.indices.map { i -> UInt8 in
        let share = min(1, max(0, (x[i] - least[i % d]) / ranges[i % d]))
        return UInt8((255 * share).rounded())
      }
    }
    return (codes, least, ranges)
  }

  static func bytes(
    _ vectors: Tensor, _ kind: Kind, metadata: [String: String]
  ) throws(Failure) -> [UInt8] {
    let (n, d) = (vectors.shape[0], vectors.shape[1])
    var tensors: [SafetensorsEntry]
    if kind == .binary {
      let (bits, thresholds) = try binary(vectors)
      tensors = [
        SafetensorsEntry("thresholds", Tensor(thresholds, shape: [d])),
        SafetensorsEntry(name: "codes", element: .uint8, shape: [n, (d + 7) / 8], bytes: bits),
      ]
    } else {
      let (codes, least, ranges) = try codes(vectors)
      let stored = kind == .int8 ? codes.map { $0 ^ 0x80 } : codes
      tensors = [
        SafetensorsEntry("least", Tensor(least, shape: [d])),
        SafetensorsEntry("ranges", Tensor(ranges, shape: [d])),
        SafetensorsEntry(
          name: "codes", element: kind == .int8 ? .int8 : .uint8, shape: [n, d], bytes: stored),
      ]
    }
    let about = ["quantization": kind.rawValue, "columns": "\(d)"].merging(metadata) { $1 }
    return try SafetensorsFile(metadata: about, tensors: tensors).bytes()
  }

  /// Bits above the mean of the column.
  private static func binary(_ vectors: Tensor) throws(Failure) -> ([UInt8], [Float]) {
    let (n, d) = (vectors.shape[0], vectors.shape[1])
    _ = try vectors.columnRanges(name: "vectors")
    return vectors.withElements(of: Float.self) { x in
      let means = (0..<d).map { j in
        Float((0..<n).reduce(0.0) { $0 + Double(x[$1 * d + j]) } / Double(n))
      }
      let width = (d + 7) / 8
      var bits = [UInt8](repeating: 0, count: n * width)
      for i in x.indices where x[i] > means[i % d] {
        bits[i / d * width + i % d / 8] |= 0x80 >> UInt8(i % d % 8)
      }
      return (bits, means)
    }
  }

  /// Where each column begins and how far it reaches.
  private static func columns(
    of file: SafetensorsFile, count: Int, at place: String
  ) throws(Failure) -> (least: [Float], ranges: [Float]) {
    let least = try file.tensor("least", at: place).elements(as: Float.self)
    let ranges = try file.tensor("ranges", at: place).elements(as: Float.self)
    guard least.count == count, ranges.count == count,
      ranges.allSatisfy({ $0 > 0 && $0.isFinite }), least.allSatisfy(\.isFinite)
    else {
      throw Failure(
        .badData, at: place, "the ranges do not fit the codes",
        expected: "a least number and a range above 0 for each of \(count) columns")
    }
    return (least, ranges)
  }

  /// Codes of a file of bytes as the numbers that they stand for.
  ///
  /// - Parameter beside: the file with the ranges of the columns.
  static func turnedBack(_ codes: Tensor, by beside: String) throws(Failure) -> Tensor {
    let d = codes.shape[1]
    let (least, ranges) = try columns(of: try SafetensorsFile.read(beside), count: d, at: beside)
    return Tensor(shape: codes.shape, of: Float.self) { y in
      codes.withElements(of: Float.self) { x in
        for i in y.indices { y[i] = least[i % d] + x[i] / 255 * ranges[i % d] }
      }
    }
  }

  /// The vectors of such a file as numbers again; bits become −1 and 1.
  static func read(_ file: SafetensorsFile, at place: String) throws(Failure) -> Tensor {
    guard let kind = file.metadata["quantization"].flatMap(Kind.init), let entry = file["codes"],
      entry.shape.count == 2, let d = file.metadata["columns"].flatMap({ Int($0) }), d > 0
    else { throw Failure(.badData, at: place, "there are no quantised vectors") }
    guard d <= 1 << 20, entry.shape[1] <= 1 << 20 else {
      throw Failure(
        .badData, at: place, "the vectors have \(max(d, entry.shape[1])) columns",
        expected: "at most \(1 << 20)", remedy: "the file is damaged")
    }
    let n = entry.shape[0]
    if kind == .binary {
      let width = entry.shape[1]
      guard entry.element == .uint8, width == (d + 7) / 8 else {
        throw Failure(.badData, at: place, "\(width) bytes a row do not hold \(d) bits")
      }
      return Tensor(shape: [n, d], of: Float.self) { y in
        for i in y.indices {
          y[i] = entry.bytes[i / d * width + i % d / 8] << UInt8(i % d % 8) & 0x80 == 0 ? -1 : 1
        }
      }
    }
    guard entry.shape[1] == d, entry.element == (kind == .int8 ? .int8 : .uint8) else {
      throw Failure(
        .badData, at: place, "the codes have another shape or type than the file says",
        expected: "[rows, \(d)] of \(kind.rawValue)")
    }
    let (least, ranges) = try columns(of: file, count: d, at: place)
    return Tensor(shape: [n, d], of: Float.self) { y in
      for i in y.indices {
        let code = kind == .int8 ? entry.bytes[i] ^ 0x80 : entry.bytes[i]
        y[i] = least[i % d] + Float(code) / 255 * ranges[i % d]
      }
    }
  }
}

/// What was read from a `.bvecs` or `.u8bin` file as the numbers that its bytes stand for, if
/// FILE.ranges.safetensors lies beside it, as an export writes it; else, and of other files, as it is.
package func decodedVectors(_ vectors: Tensor, of path: String) throws(Failure) -> Tensor {
  let beside = FileSystem.path(path, ending: ".ranges.safetensors")
  guard [".bvecs", ".u8bin"].contains(where: path.lowercased().hasSuffix), FileSystem.exists(beside)
  else { return vectors }
  return try QuantizedVectors.turnedBack(vectors, by: beside).converted(to: vectors.dtype)
}
