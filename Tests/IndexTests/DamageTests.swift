import Autodiff
import Files
import Foundation
import Settings
import Testing

import Index

/// Files that are cut short, changed, of the other byte order, or lie about their sizes give a
/// failure or something that can be searched; never a trap, and never memory that the file does not
/// account for.
@Suite struct DamageTests {
  private static let base = HNSWTests.vectors(40, 6)

  /// Every kind of file that is read, as it should be.
  private static func files() throws -> [(name: String, bytes: [UInt8], isSealed: Bool)] {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var files: [(name: String, bytes: [UInt8], isSealed: Bool)] = []
    var options = ExportOptions()
    (options.parts, options.lists, options.graph.links) = (3, 4, 4)
    let text = ["csv", "jsonl", "projector"]
    for format in allFormats
    where !["pgvector", "qdrant", "milvus", "elasticsearch"].contains(format.name) {
      let path = "\(folder)/\(format.name).\(format.value.fileExtension)"
      let vectors =
        format.name == "ivecs"
        ? Tensor((0..<40).map { Double($0) }, shape: [8, 5]) : DamageTests.base
      try format.value.write(vectors, options: options, to: path)
      let ending = format.value.fileExtension
      files.append(
        ("\(format.name).\(ending)", try FileSystem.read(path), !text.contains(format.name)))
    }
    (options.reduction, options.dimension, options.refine) = (.pca, 3, 4)
    options.ids = (0..<40).map { 3 * $0 }
    options.adapter = [.linear(Tensor([Float](repeating: 1, count: 12), shape: [6, 2]), bias: nil)]
    let path = folder + "/nested.faiss"
    try ShippingTests.format("faiss-hnsw").write(DamageTests.base, options: options, to: path)
    files.append(("nested.faiss", try FileSystem.read(path), true))
    return files
  }

  private static func tryToUse(_ path: String) -> Bool {
    if isVectorFile(path) { return (try? readVectors(path)) != nil }
    guard let index = try? openIndex(path, metric: .l2) else { return false }
    guard index.dimension < 1000 else { return true }
    let query = Tensor(
      [Float](repeating: 0.5, count: index.dimension), shape: [1, index.dimension])
    _ = try? index.search(query, count: 5)
    _ = try? index.storedVectors()
    return true
  }

  @Test func everyReaderSurvivesDamage() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var random = Random(seed: 9)
    for (name, bytes, isSealed) in try DamageTests.files() {
      let path = "\(folder)/\(name)"
      func use(_ damaged: [UInt8]) throws -> Bool {
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        return DamageTests.tryToUse(path)
      }
      #expect(try use(bytes), "\(name) is read as it is")
      for _ in 0..<30 {
        let kept = random.below(bytes.count)
        let isRead = try use(Array(bytes.prefix(kept)))
        // A row less is a whole file where every row begins with its width.
        let isRows = ["fvecs", "bvecs", "ivecs"].contains { name.hasSuffix("." + $0) }
        #expect(!isRead || !isSealed || isRows, "\(name) cut to \(kept) of \(bytes.count) bytes")
      }
      for _ in 0..<80 {
        var damaged = bytes
        damaged[random.below(min(bytes.count, 3000))] ^= UInt8(1 + random.below(255))
        _ = try use(damaged)
      }
      // Huge counts, negative ones, and numbers with their bytes turned around, anywhere.
      for _ in 0..<60 {
        var damaged = bytes
        let place = random.below(max(1, min(bytes.count, 600) - 8))
        let room = place..<min(bytes.count, place + (random.below(2) == 0 ? 4 : 8))
        switch random.below(3) {
        case 0: damaged.replaceSubrange(room, with: repeatElement(0xFF, count: room.count))
        case 1: damaged.replaceSubrange(room, with: bytes[room].reversed())
        default:
          damaged.replaceSubrange(room, with: repeatElement(0xFF, count: room.count))
          damaged[room.upperBound - 1] = 0x3F
        }
        _ = try use(damaged)
      }
    }
  }

  @Test func failuresTellTheFileAndWhatToDo() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let graph = try HNSWIndex(DamageTests.base, metric: .l2, settings: HNSWTests.small)
    var bytes = HNSWLibrary.bytes(graph)
    // The first link of node 0 leads out of the graph.
    bytes.replaceSubrange(100..<104, with: [0xFF, 0xFF, 0xFF, 0x7F])
    let path = folder + "/graph.bin"
    try FileSystem.write(bytes, to: path)
    do {
      _ = try openIndex(path)
      Issue.record("a link out of the graph was followed")
    } catch {
      #expect(error.description.contains(path) && error.description.contains("node 0 is linked to"))
    }
    for contents: [UInt8] in [[], [0], Array("{\"a\": 1}".utf8), Array(repeating: 0, count: 4096)] {
      try FileSystem.write(contents, to: path)
      do {
        _ = try openIndex(path)
        Issue.record("no index was opened as one")
      } catch {
        #expect(error.kind == .badData && error.description.contains("kindred export"))
      }
    }
  }
}
