import Autodiff
import Files
import Foundation
import Settings
import Testing

import Index

/// Indexes that earlier programs wrote open, and give what those found; see Fixtures/Earlier/make.py.
@Suite struct EarlierFilesTests {
  static func fixture(_ name: String) throws -> String {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
    return url.path
  }

  @Test func everyKindOpens() throws {
    let folder = try EarlierFilesTests.fixture("Earlier")
    let text = try FileSystem.readText(folder + "/found.json")
    guard case .object(let files) = try JSONValue(json5: text, at: "found.json") else {
      Issue.record("found.json is no object")
      return
    }
    #expect(files.count == 30)
    for (name, found) in files {
      guard case .string(let queryName)? = found["queries"],
        case .string(let word)? = found["metric"],
        case .array(let lists)? = found["ids"], let metric = ExactIndex.Metric(rawValue: word)
      else {
        Issue.record("\(name) is not described")
        continue
      }
      let path = "\(folder)/\(name)"
      let index: any VectorIndex
      if isVectorFile(path) {
        let vectors = try readVectors(path)
        index = try ExactIndex(vectors, metric: .automatic(for: vectors))
      } else {
        index = try openIndex(path)
      }
      #expect(index.metric == metric, "\(name)")
      let neighbors = try index.search(try readVectors("\(folder)/\(queryName)"), count: 3)
      let ids = lists.map { list -> [Int] in
        if case .array(let items) = list { items.compactMap(\.wholeValue) } else { [] }
      }
      #expect(ids.indices.map { neighbors[$0].map(\.id) } == ids, "\(name)")
    }
  }
}

/// Files that were made to do harm: each gives a failure that names it.
@Suite struct HostileFilesTests {
  private static func expectFailure(_ path: String, _ body: () throws -> Void) {
    do {
      try body()
      Issue.record("\(path) was taken")
    } catch let failure as Failure {
      #expect(failure.kind == .badData && failure.description.contains(path))
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func casesAreRefused() throws {
    let folder = try EarlierFilesTests.fixture("Cases")
    let graph = folder + "/min-hnsw-efConstruction0.hnsw"
    HostileFilesTests.expectFailure(graph) { _ = try openIndex(graph) }
    let binary = folder + "/min-binary-width-overflow.safetensors"
    HostileFilesTests.expectFailure(binary) { _ = try readVectors(binary) }
  }

  /// Settings inside files obey the rules of those that are given, in every library's file.
  @Test(arguments: [0, 100_001, 1 << 39]) func settingsInFilesObeyTheRules(value: Int) throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let graph = try HNSWIndex(HNSWTests.vectors(30, 4), metric: .l2, settings: HNSWTests.small)
    var bytes = try graph.bytes()
    // efConstruction is the fourth of the long numbers, after the mark and six short ones.
    withUnsafeBytes(of: UInt64(value).littleEndian) {
      bytes.replaceSubrange(32 + 24..<32 + 32, with: $0)
    }
    withUnsafeBytes(of: CRC32.of(bytes[..<120]).littleEndian) {
      bytes.replaceSubrange(120..<124, with: $0)
    }
    let path = folder + "/g.hnsw"
    try FileSystem.write(bytes, to: path)
    HostileFilesTests.expectFailure(path) { _ = try HNSWIndex.read(path) }
    guard value == 0 else { return }
    var other = HNSWLibrary.bytes(graph)
    other.replaceSubrange(88..<96, with: [UInt8](repeating: 0, count: 8))
    try FileSystem.write(other, to: path)
    HostileFilesTests.expectFailure(path) { _ = try openIndex(path) }
  }

  /// Sizes near the end of the numbers, with a checksum that is right.
  @Test func absurdSizesAreRefused() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/x.safetensors"
    for kind in ["binary", "int8", "uint8"] {
      for columns in ["1", "\(Int.max)", "\(1 << 62)", "-1", "0", "99999999999999999999"] {
        for width in [0, 1 << 62, Int.max] {
          let entry = SafetensorsEntry(
            name: "codes", element: kind == "int8" ? .int8 : .uint8, shape: [0, width], bytes: [])
          let file = SafetensorsFile(
            metadata: ["quantization": kind, "columns": columns], tensors: [entry])
          guard let bytes = try? file.bytes() else { continue }
          try FileSystem.write(bytes, to: path)
          HostileFilesTests.expectFailure(path) { _ = try readVectors(path) }
        }
      }
    }
  }

  @Test func nothingIsFoundWhereNothingIs() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let base = HNSWTests.vectors(20, 4)
    let none = Tensor([Float](), shape: [0, 4])
    for name in [
      "npy", "npz", "safetensors", "faiss-flat", "faiss-idmap", "faiss-transform", "faiss-hnsw",
      "hnsw", "hnswlib", "usearch", "fbin",
    ] {
      let format = try ShippingTests.format(name)
      let path = "\(folder)/\(name).\(format.fileExtension)"
      try format.write(none, to: path)
      let index: any VectorIndex
      if isVectorFile(path) {
        index = try ExactIndex(try readVectors(path), metric: .l2)
      } else {
        index = try openIndex(path)
      }
      let found = try index.search(base, count: 3)
      #expect(found.countPerQuery == 0 && found[19].isEmpty, "\(name)")
    }
    var graph = try HNSWIndex(base, metric: .l2)
    try graph.delete(0..<20)
    #expect(try graph.search(base, count: 3, ef: 10)[5].isEmpty)
  }
}
