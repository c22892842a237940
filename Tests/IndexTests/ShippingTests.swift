import Autodiff
import Files
import Foundation
import Settings
import Testing

import Index

/// What goes around vectors and indexes: ids, shards, tables of quality, and whole files.
@Suite struct ShippingTests {
  static func folder() throws -> String {
    let path = NSTemporaryDirectory() + "kindred-\(UUID().uuidString)"
    try FileSystem.makeFolder(path)
    return path
  }

  static func format(_ name: String) throws -> ExportFormat {
    try allFormats.named(name, kind: "format", at: "test")
  }

  @Test(arguments: ["faiss-idmap", "faiss-idmap2", "faiss-hnsw", "hnswlib", "usearch", "faiss-opq"])
  func idsComeBack(name: String) throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let base = HNSWTests.vectors(300, 8)
    var options = ExportOptions()
    options.ids = (0..<300).map { 1_000_000_007 * $0 - 5 }
    let path = folder + "/index.bin"
    let format = try ShippingTests.format(name)
    try format.write(base, options: options, to: path)
    let index = try openIndex(path, metric: .innerProduct)
    let found = try index.search(base, count: 5)
    #expect(found.ids.allSatisfy { ($0 + 5) % 1_000_000_007 == 0 })
    let truth = try ExactIndex(base, metric: .innerProduct).search(base, count: 5)
    let rows = Neighbors(
      countPerQuery: 5, ids: found.ids.map { ($0 + 5) / 1_000_000_007 }, scores: found.scores)
    #expect(HNSWTests.recall(rows, truth, .innerProduct) > (name == "faiss-opq" ? 0.7 : 0.98))
    for bad in [[1, 2], Array(repeating: 7, count: 300)] {
      options.ids = bad
      #expect(throws: Failure.self) { try format.write(base, options: options, to: path) }
    }
  }

  @Test func shardsHoldEverythingOnce() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let base = HNSWTests.vectors(103, 4)
    var options = ExportOptions()
    (options.labels, options.threshold) = ((0..<103).map { $0 % 7 }, 0.75)
    options.names = (0..<103).map { "item \($0)" }
    let path = folder + "/all.jsonl"
    let files = try ShippingTests.format("qdrant").write(
      base, options: options, to: path, shards: 4)
    #expect(files.map { ($0 as NSString).lastPathComponent }.first == "all-00001-of-00004.jsonl")
    #expect(try FileSystem.list(folder).count == 5)
    var seen: [Int] = []
    for file in files {
      for line in try FileSystem.readText(file).split(separator: "\n") {
        guard case .array(let points)? = try JSONValue(json5: String(line), at: file)["points"]
        else { continue }
        for point in points {
          guard case .number(let id)? = point["id"] else { continue }
          seen.append(Int(id))
          #expect(point["payload"]?["name"] == .string("item \(Int(id))"))
          #expect(point["payload"]?["class"] == JSONValue(Int(id) % 7))
        }
      }
    }
    #expect(seen == Array(0..<103))
    let page = try FileSystem.readText(folder + "/all.md")
    #expect(page.contains("all-00004-of-00004.jsonl") && page.contains("0.75"))
    // Indexes keep the ids of the whole.
    let last = try ShippingTests.format("faiss-flat").write(
      base, to: folder + "/x.faiss", shards: 5
    ).last
    let found = try openIndex(try #require(last)).search(base.rows(at: [102]), count: 1)
    #expect(found.ids == [102])
    #expect(throws: Failure.self) {
      try ShippingTests.format("hnsw").write(base, to: folder + "/x.hnsw", shards: 2)
    }
    #expect(throws: Failure.self) {
      try ShippingTests.format("npy").write(base, to: folder + "/x.npy", shards: 104)
    }
  }

  @Test func wholeNumbersAreWrittenAndReadBack() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let whole = Tensor([3.0, -1, 0, 2_147_483_647, 5, 16_777_217], shape: [2, 3])
    let path = folder + "/n.ivecs"
    try ShippingTests.format("ivecs").write(whole, to: path)
    let bytes = try FileSystem.read(path)
    #expect(
      bytes.count == 2 * 16 && Array(bytes[..<12]) == [3, 0, 0, 0, 3, 0, 0, 0, 255, 255, 255, 255])
    #expect(Array(bytes.suffix(4)) == [1, 0, 0, 1])
    #expect(try readVectors(path).elements(as: Float.self).prefix(3) == [3, -1, 0])
    for bad in [0.5, 2_147_483_648] {
      let value = Tensor([bad], shape: [1, 1])
      #expect(throws: Failure.self) { try ShippingTests.format("ivecs").write(value, to: path) }
    }
  }

  /// Forms are measured on their files; the exact one has no loss, and smaller ones have some.
  @Test func qualityTellsWhatFormsCost() throws {
    let base = ReductionTests.flat(400)
    var options = ExportOptions()
    options.labels = (0..<400).map { $0 % 5 }
    let measurement = try FormMeasurement(base, options, name: "test")
    let names = [
      "flat", "pca:8", "leading:2", "int8", "binary", "sq8", "pq:5", "hnsw@10", "hnsw@80",
    ]
    let forms = try names.map { name throws(Failure) in try ExportForm(name, at: "test") }
    let found = try measurement.measured(forms)
    func quality(_ name: String) -> FormQuality {
      found[names.firstIndex(of: name) ?? 0]
    }
    #expect(found.allSatisfy { $0.problem == nil && $0.bytes > 0 && $0.queriesPerSecond > 0 })
    #expect(quality("flat").recallAt10 == 1 && quality("flat").recallAt1 == 1)
    #expect(quality("flat").shift == ErrorRates(falseAccepts: 0, falseRejects: 0))
    #expect(quality("hnsw@80").shift == ErrorRates(falseAccepts: 0, falseRejects: 0))
    #expect(quality("hnsw@80").recallAt10 > 0.99)
    #expect(quality("leading:2").recallAt10 < quality("pca:8").recallAt10)
    #expect(abs(try #require(quality("leading:2").shift).falseAccepts) > 0.01)
    #expect(try #require(quality("flat").errors).falseAccepts <= 0.0011)
    #expect(quality("int8").bytes < quality("flat").bytes / 2)
    let size = quality("flat").bytes
    #expect(found.recommended(budget: nil, recall: nil)?.recallAt10 == 1)
    #expect(found.recommended(budget: size - 1, recall: nil)?.form.name != "flat")
    #expect(found.recommended(budget: 10, recall: nil) == nil)
    let small = try #require(found.recommended(budget: nil, recall: 0.95))
    #expect(small.recallAt10 >= 0.95 && small.bytes < size)
    let fast = try #require(found.recommended(budget: size * 3, recall: 0.9))
    #expect(
      found.allSatisfy { $0.recallAt10 < 0.9 || $0.queriesPerSecond <= fast.queriesPerSecond })
  }

  @Test func formsThatDoNotFitSayWhy() throws {
    var rows = HNSWTests.vectors(50, 4).elements(as: Float.self)
    for i in 0..<50 { rows[i * 4] = 1 }
    let measurement = try FormMeasurement(
      Tensor(rows, shape: [50, 4]), ExportOptions(), name: "test")
    let found = try measurement.measured(
      try ["int8", "pq:3", "pca:9", "flat"].map { name throws(Failure) in
        try ExportForm(name, at: "test")
      })
    #expect(found.map { $0.problem == nil } == [false, false, false, true])
    #expect(found.allSatisfy { $0.shift == nil })
    for bad in ["", "pca", "pca:0", "pca:x", "flat:3", "flat@3", "hnsw@0", "what"] {
      #expect(throws: Failure.self) { try ExportForm(bad, at: "test") }
    }
    for d in [1, 2, 7, 12] {
      for name in ExportForm.usual(dimension: d, hasQueries: true) {
        _ = try ExportForm(name, at: "test")
      }
    }
  }

  /// What a killed save leaves is taken over by the next, and two saves at once are both whole.
  @Test func savesLeaveNothingBehind() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/file"
    try FileSystem.write(Array(repeating: 1, count: 5000), to: path + ".partial")
    try FileManager.default.removeItem(atPath: path + ".partial")
    try Data(repeating: 9, count: 9000).write(to: URL(fileURLWithPath: path + ".partial"))
    try FileSystem.write([1, 2, 3], to: path)
    #expect(try FileSystem.list(folder) == ["file"])
    #expect(try FileSystem.read(path) == [1, 2, 3])
    Parallel.forEach(8) { i in
      for _ in 0..<20 {
        try? FileSystem.write(Array(repeating: UInt8(i), count: 1000 * (1 + i)), to: path)
      }
    }
    let last = try FileSystem.read(path)
    #expect(last.count == 1000 * (1 + Int(last[0])) && Set(last).count == 1)
    #expect(try FileSystem.list(folder) == ["file"])
    try FileSystem.makeFolder(folder + "/model.partial/old")
    try FileSystem.writeFolder([(name: "a/b", bytes: [7])], to: folder + "/model")
    #expect(try FileSystem.list(folder) == ["file", "model"])
    #expect(try FileSystem.list(folder + "/model") == ["a"])
  }
  /// What lies beside a file goes with it, stays if it is the same, and stays if nothing is written.
  @Test func filesThatBelongTogetherAreWrittenTogether() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func names() throws -> [String] { try FileSystem.list(folder).sorted() }
    let (main, names1, labels) = (folder + "/E.npy", folder + "/E.txt", folder + "/E.labels")
    try FileSystem.write([(main, [1]), (names1, [2]), (labels, [3])])
    #expect(try names() == ["E.labels", "E.npy", "E.txt"])
    let before = try FileManager.default.attributesOfItem(atPath: names1)[.systemFileNumber] as? Int
    try FileSystem.write([(main, [4]), (names1, [2]), (labels, nil)])
    #expect(try names() == ["E.npy", "E.txt"] && FileSystem.read(main) == [4])
    let after = try FileManager.default.attributesOfItem(atPath: names1)[.systemFileNumber] as? Int
    #expect(before != nil && before == after)
    // A folder is in the way of one of them: nothing is changed, and nothing left.
    try FileSystem.makeFolder(labels)
    #expect(throws: Failure.self) {
      try FileSystem.write([(main, [5]), (names1, [6]), (labels, [7])])
    }
    #expect(try names() == ["E.labels", "E.npy", "E.txt"])
    #expect(try FileSystem.read(main) == [4] && FileSystem.read(names1) == [2])
  }
}
