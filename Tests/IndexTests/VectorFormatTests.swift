import Autodiff
import Files
import Foundation
import Settings
import Testing

import Index

@Suite struct VectorFormatTests {
  static let vectors = Tensor(
    (0..<60).map { Float(($0 * 37) % 23) / 7 - 1.3 }, shape: [12, 5])

  /// Writes in a format and reads back by the ending of the name.
  private static func again(_ name: String, _ ending: String) throws -> Tensor {
    let format: ExportFormat = try allFormats.named(name, kind: "format", at: "test")
    let path = NSTemporaryDirectory() + "kindred-\(UUID().uuidString).\(ending)"
    var options = ExportOptions()
    options.labels = Array(0..<12)
    options.names = (0..<12).map { "a\t\"\($0)\"" }
    try format.write(vectors, options: options, to: path)
    return try readVectors(path, dtype: .float32)
  }

  @Test(arguments: [
    ("npz", "npz"), ("fvecs", "fvecs"), ("fbin", "fbin"), ("csv", "csv"), ("jsonl", "jsonl"),
    ("projector", "tsv"), ("safetensors", "safetensors"), ("npy", "npy"),
  ])
  func exactFormatsReadBackTheSame(name: String, ending: String) throws {
    let read = try VectorFormatTests.again(name, ending)
    #expect(read.shape == [12, 5])
    #expect(read.elements(as: Float.self) == VectorFormatTests.vectors.elements(as: Float.self))
    // Texts are read in float64: their digits are those of the float32 numbers, not the shortest.
    let path = NSTemporaryDirectory() + "kindred-\(UUID().uuidString).\(ending)"
    let format: ExportFormat = try allFormats.named(name, kind: "format", at: "test")
    try format.write(VectorFormatTests.vectors, options: ExportOptions(), to: path)
    #expect(
      try readVectors(path, dtype: .float64).elements(as: Double.self)
        == VectorFormatTests.vectors.elements(as: Float.self).map { Double($0) })
  }

  @Test(arguments: ["int8", "uint8"]) func bytesAreWithinHalfAStep(name: String) throws {
    let read = try VectorFormatTests.again(name, "safetensors").elements(as: Float.self)
    let (_, ranges) = try VectorFormatTests.vectors.columnRanges(name: "test")
    for (i, x) in VectorFormatTests.vectors.elements(as: Float.self).enumerated() {
      #expect(abs(read[i] - x) <= ranges[i % 5] / 255 * 0.501)
    }
  }

  @Test func bitsTellTheSideOfTheMean() throws {
    let read = try VectorFormatTests.again("binary", "safetensors").elements(as: Float.self)
    let x = VectorFormatTests.vectors.elements(as: Float.self)
    for j in 0..<5 {
      let mean = (0..<12).reduce(Float(0)) { $0 + x[$1 * 5 + j] } / 12
      #expect((0..<12).allSatisfy { (read[$0 * 5 + j] > 0) == (x[$0 * 5 + j] > mean) })
    }
  }

  @Test(arguments: ["int8", "uint8", "binary", "u8bin", "bvecs", "faiss-sq8"])
  func columnsOfOneValueAreRefused(name: String) throws {
    let format: ExportFormat = try allFormats.named(name, kind: "format", at: "test")
    let flat = Tensor([Float(1), 2, 1, 3], shape: [2, 2])
    let path = NSTemporaryDirectory() + "kindred-\(UUID().uuidString)"
    #expect(throws: Failure.self) { try format.write(flat, to: path) }
    #expect(!FileSystem.exists(path))
  }

  /// What engines would refuse is not written, or asked for in another way.
  @Test func pagesKeepToWhatEnginesTake() throws {
    func page(_ metric: ExactIndex.Metric, _ dimension: Int, isUnit: Bool) -> Instructions {
      Instructions(dimension: dimension, metric: metric, isUnit: isUnit, threshold: -0.25)
    }
    let files = ["it's.bulk"]
    #expect(page(.l2, 2000, isUnit: false).pgvector(files).contains("USING hnsw"))
    #expect(!page(.l2, 2001, isUnit: false).pgvector(files).contains("USING hnsw"))
    #expect(page(.l2, 4, isUnit: false).pgvector(files).contains("'it''s.bulk'"))
    #expect(page(.l2, 4, isUnit: false).qdrant(files).contains("'it'\\''s.bulk'"))
    // The score of an inner product of -0.25 is 0.375 among rows of unit length, else 1 / 1.25.
    let unit = page(.innerProduct, 4, isUnit: true).elasticsearch(files)
    #expect(unit.contains("\"dot_product\"") && unit.contains("\"min_score\": 0.375"))
    let other = page(.innerProduct, 4, isUnit: false).elasticsearch(files)
    #expect(other.contains("\"max_inner_product\"") && !other.contains("0.375"))
    #expect(other.contains("\"min_score\": 0.8"))
    var options = ExportOptions()
    options.ids = [3, -1]
    let two = Tensor([Float(1), 0.5, -2, 1e-7], shape: [2, 2])
    #expect(throws: Failure.self) { try BulkFiles.qdrant(two, options) }
  }

  @Test func bulkFilesCarryIdsAndPayload() throws {
    var options = ExportOptions()
    options.labels = [4, 9]
    options.names = ["x\"\n", "ü"]
    options.firstID = 7
    let two = Tensor([Float(1), 0.5, -2, 1e-7], shape: [2, 2])
    let copy = try BulkFiles.copy(two, options)
    // Signature and flags, two rows of 2 + 12 + 12 + 4 + name + 16 bytes, and the end.
    #expect(copy.count == 19 + 2 * (2 + 12 + 12 + 4 + 16) + 3 + 2 + 2)
    #expect(Array(copy[19..<33]) == [0, 4, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7])
    #expect(copy.suffix(2) == [0xFF, 0xFF])
    for bytes in [try BulkFiles.qdrant(two, options), BulkFiles.milvus(two, options)] {
      let value = try JSONValue(json5: String(decoding: bytes, as: UTF8.self), at: "test")
      guard case .array(let rows)? = value["points"] ?? value["rows"] else {
        Issue.record("there are no rows")
        continue
      }
      #expect(rows.count == 2 && rows[1]["id"] == 8)
      #expect((rows[0]["payload"] ?? rows[0])["name"] == .string("x\"\n"))
      #expect(rows[1]["vector"] == [-2, .number(Double("1e-07") ?? 0)])
    }
    let lines = String(decoding: BulkFiles.elasticsearch(two, options), as: UTF8.self)
      .split(separator: "\n")
    #expect(lines.count == 4 && lines[2] == "{\"index\":{\"_id\":\"8\"}}")
  }

  @Test func damagedFilesAreRefused() throws {
    var random = Random(seed: 2)
    for (name, ending) in [
      ("npz", "npz"), ("fvecs", "fvecs"), ("fbin", "fbin"), ("int8", "safetensors"),
    ] {
      let format: ExportFormat = try allFormats.named(name, kind: "format", at: "test")
      let path = NSTemporaryDirectory() + "kindred-\(UUID().uuidString).\(ending)"
      try format.write(VectorFormatTests.vectors, to: path)
      let bytes = try FileSystem.read(path)
      for _ in 0..<100 {
        var damaged = bytes
        damaged[random.below(bytes.count)] ^= UInt8(1 + random.below(255))
        if random.below(2) == 0 { damaged.removeLast(1 + random.below(bytes.count - 1)) }
        try FileSystem.write(damaged, to: path)
        _ = try? readVectors(path)
      }
      try FileSystem.write(Array(bytes.dropLast()), to: path)
      #expect(throws: Failure.self) { try readVectors(path) }
    }
  }
}
