import Autodiff
import Files
import Foundation
import Index
import Settings
import Testing

@Suite struct FileFormatTests {
  private static func failure(_ body: () throws(Failure) -> Void) -> Failure? {
    do {
      try body()
      return nil
    } catch { return error }
  }

  private static func temporary(_ name: String) -> String {
    NSTemporaryDirectory() + "kindred-\(UUID().uuidString)-\(name)"
  }

  private static let sample = SafetensorsFile(
    metadata: ["ünï \"quoted\"\n": "\u{1F600}\\ / \u{1}", "metric": "l2"],
    tensors: [
      .init("a/b", Tensor([1, 2, 3, 4, 5, -6], shape: [2, 3])),
      .init("scalar", Tensor([Float(0.5)], shape: [])),
      .init("empty", Tensor([Float](), shape: [0, 5])),
      .init(name: "labels", element: .int64, shape: [1], bytes: [7, 0, 0, 0, 0, 0, 0, 0]),
    ])

  @Test func safetensorsReturnsWhatWasWritten() throws {
    let bytes = try FileFormatTests.sample.bytes()
    #expect(try bytes == FileFormatTests.sample.bytes())
    let read = try SafetensorsFile(bytes, at: "sample")
    #expect(read.tensors == FileFormatTests.sample.tensors)
    #expect(
      read.metadata == FileFormatTests.sample.metadata.merging(["format": "pt"]) { $1 })
    #expect(Int(bytes[0]) % 8 == 0 && bytes[8] == UInt8(ascii: "{"))
    let tensor = try read.tensor("a/b", at: "sample")
    #expect(tensor.dtype == .float64 && tensor.elements(as: Double.self) == [1, 2, 3, 4, 5, -6])
    #expect(
      FileFormatTests.failure { () throws(Failure) in _ = try read.tensor("scaler", at: "sample") }?
        .remedy.contains("did you mean 'scalar'") == true)
    let half = SafetensorsEntry(
      name: "h", element: .float16, shape: [2], bytes: [0, 0x3C, 0, 0xC0])
    #expect(try half.tensor(at: "sample").elements(as: Float.self) == [1, -2])
    let brain = SafetensorsEntry(
      name: "b", element: .bfloat16, shape: [2], bytes: [0x80, 0x3F, 0, 0xC0])
    #expect(try brain.tensor(at: "sample").elements(as: Float.self) == [1, -2])
  }

  private static func file(header: String, data: Int) -> [UInt8] {
    var writer = ByteWriter()
    writer.littleEndian(UInt64(header.utf8.count))
    writer.append(header)
    writer.append(Array(repeating: UInt8(0), count: data))
    return writer.bytes
  }

  @Test func safetensorsRefusesToWriteWhatItCouldNotRead() {
    let one = SafetensorsEntry("a", Tensor([Float(1)], shape: [1]))
    var wrong = one
    wrong.shape = [2]
    for tensors in [
      [one, one], [SafetensorsEntry("__metadata__", Tensor(1, dtype: .float32))], [wrong],
    ] {
      #expect(throws: Failure.self) { try SafetensorsFile(tensors: tensors).bytes() }
    }
  }

  @Test func safetensorsAcceptsOtherSpacingAndEscapes() throws {
    let header =
      " { \"a\\u00e9\\ud83d\\ude00\" :\n{\"data_offsets\":[ 4 , 8 ],\"dtype\":\"F32\",\"shape\":[1]},"
      + "\"first\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}} "
    let read = try SafetensorsFile(FileFormatTests.file(header: header, data: 8), at: "h")
    #expect(read.tensors.map(\.name) == ["first", "aé\u{1F600}"])
  }

  @Test(arguments: [
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,400]}}", 4),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776],\"data_offsets\":[0,0]}}",
      0
    ),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4),
    ("{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6
    ),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2
    ),
    ("{\"__metadata__\":{\"x\":1}}", 0),
    ("{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"}}", 0),
    ("{\"__metadata__\":{\"x\":\"\\ud800\"}}", 0),
    ("{\"__metadata__\":{\"x\":\"\\u+123\"}}", 0),
    ("{} {}", 0), ("[]", 0), ("", 0), ("{\"a", 0), ("{\"a\\", 0), ("{\"a\":", 0),
    (String(repeating: "{\"a\":", count: 200_000), 0),
    (String(repeating: "[", count: 200_000), 0),
  ])
  func safetensorsRefusesDamage(header: String, data: Int) {
    let bytes = FileFormatTests.file(header: header, data: data)
    let failure = FileFormatTests.failure { () throws(Failure) in
      _ = try SafetensorsFile(bytes, at: "x.safetensors")
    }
    #expect(failure?.kind == .badData && failure?.place.hasPrefix("x.safetensors") == true)
  }

  @Test func safetensorsRefusesHugeAndForeignHeaders() {
    for bytes: [UInt8] in [
      [], [1, 2, 3], Array(repeating: 0xFF, count: 64), [8, 0, 0, 0, 0, 0, 0, 0x80, 0x7B, 0x7D],
      [3, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xFF, 0x22],
      [4, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x22],
    ] {
      #expect(throws: Failure.self) { try SafetensorsFile(bytes, at: "x") }
    }
  }

  /// Every prefix and every changed byte either reads or fails; it never traps.
  @Test func readersSurviveAnyChange() throws {
    var random = Random(seed: 1)
    let vectors = Tensor(normal: [5, 3], deviation: 1, dtype: .float32, random: &random)
    let faiss = try FaissFlat.bytes(try ExactIndex(vectors, metric: .l2))
    let tensors = try FileFormatTests.sample.bytes()
    for count in 0..<faiss.count {
      #expect(throws: Failure.self) { try FaissFlat.index(Array(faiss.prefix(count)), at: "x") }
    }
    for count in 0..<tensors.count {
      #expect(throws: Failure.self) { try SafetensorsFile(Array(tensors.prefix(count)), at: "x") }
    }
    for place in 0..<max(faiss.count, tensors.count) {
      for value: UInt8 in [0, 1, 0x22, 0x7F, 0x80, 0xFF] {
        var (a, b) = (faiss, tensors)
        if place < a.count { a[place] = value }
        if place < b.count { b[place] = value }
        _ = try? FaissFlat.index(a, at: "x")
        _ = try? SafetensorsFile(b, at: "x")
      }
    }
  }

  @Test(arguments: ExactIndex.Metric.allCases) func faissReturnsWhatWasWritten(
    metric: ExactIndex.Metric
  ) throws {
    let path = FileFormatTests.temporary("flat.faiss")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let index = try ExactIndex(Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3]), metric: metric)
    try FaissFlat.write(index, to: path)
    let bytes = try FileSystem.read(path)
    #expect(bytes.count == 45 + 24)
    #expect(Array(bytes.prefix(8)) == Array((metric == .l2 ? "IxF2" : "IxFI").utf8) + [3, 0, 0, 0])
    let read = try FaissFlat.read(path)
    #expect(read.metric == metric && read.vectors.shape == [2, 3])
    #expect(read.vectors.elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
  }

  @Test func everyFormatRefusesWhatIsNotFinite() {
    #expect(Set(allFormats.map(\.name)).count == allFormats.count)
    let path = FileFormatTests.temporary("refused")
    for format in allFormats {
      for bad: Float in [.nan, .infinity] {
        let failure = FileFormatTests.failure { () throws(Failure) in
          try format.value.write(Tensor([1, 2, 3, bad], shape: [2, 2]), to: path, name: "e.npy")
        }
        #expect(failure?.place == "e.npy: row 1, column 1", "\(format)")
        #expect(!FileSystem.exists(path))
      }
    }
  }

  @Test(arguments: DType.allCases) func matricesKeepTheirPrecision(dtype: DType) throws {
    let path = FileFormatTests.temporary("matrix.npy")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let format: ExportFormat = try allFormats.named("npy", kind: "format", at: "test")
    let numbers = Tensor([0.1, 2, -3, 4, 5, 6], shape: [3, 2]).converted(to: dtype)
    try format.write(numbers, to: path)
    let read = try NumPyArray.read(path)
    #expect(read.shape == [3, 2])
    switch read.elements {
    case .float32(let values): #expect(dtype == .float32 && values == numbers.elements())
    case .float64(let values): #expect(dtype == .float64 && values == numbers.elements())
    default: Issue.record("the elements became whole numbers")
    }
  }

  @Test func metricFollowsTheLengths() throws {
    let path = FileFormatTests.temporary("metric.faiss")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let format: ExportFormat = try allFormats.named("faiss-flat", kind: "format", at: "test")
    var options = ExportOptions()
    try format.write(Tensor([0.6, 0.8, 0, 1], shape: [2, 2]), options: options, to: path)
    #expect(try FaissFlat.read(path).metric == .innerProduct)
    try format.write(Tensor([0.6, 0.8, 0, 2], shape: [2, 2]), options: options, to: path)
    #expect(try FaissFlat.read(path).metric == .l2)
    options.metric = .innerProduct
    try format.write(Tensor([0.6, 0.8, 0, 2], shape: [2, 2]), options: options, to: path)
    #expect(try FaissFlat.read(path).metric == .innerProduct)
  }
}
