import Files
import Foundation
import Settings
import Testing

/// What a person does with exports: tables of quality, shards, and graphs that change.
@Suite struct ExportCommands {
  /// 60 rows of 6 numbers around three centres, and their classes.
  private func vectors(in folder: String) throws -> (rows: String, labels: String) {
    var state: UInt64 = 7
    let numbers = (0..<360).map { i -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) + (i / 6 % 3 == i % 3 ? 3 : 0)
    }
    let (rows, labels) = (folder + "/e.npy", folder + "/y.npy")
    try NumPyArray(shape: [60, 6], elements: .float32(numbers)).write(to: rows)
    try NumPyArray(shape: [60], elements: .int64((0..<60).map { Int64($0 % 3) })).write(to: labels)
    return (rows, labels)
  }

  @Test func theBestFormIsRecommendedAndWritten() throws {
    let scratch = try Scratch()
    let (rows, labels) = try vectors(in: scratch.path)
    let out = scratch.path + "/best.faiss"
    let made = try kindred(
      "export", rows, "--labels", labels, "--quality", "flat,pca:3,pq:3,hnsw@50", "--budget",
      "1MiB", "--format", "recommended", "--out", out, "--json")
    #expect(made.status == 0, "\(made)")
    let told = try JSONValue(json5: made.output, at: "output")
    let table = try JSONValue(
      json5: FileSystem.readText(scratch.path + "/best.quality.json"), at: "")
    #expect(told["quality"] == table)
    guard case .array(let forms)? = table["forms"] else {
      Issue.record("there is no table in \(table)")
      return
    }
    #expect(forms.count == 4 && forms[0]["recall@10"] == 1 && forms[0]["farShift"] == 0)
    #expect(table["recommended"] == "flat" && told["format"] == "faiss-flat")
    #expect(try kindred("search", out, "--query", rows, "--top", "3").status == 0)
  }

  @Test(arguments: [
    (["--format", "recommended"], "--quality all"),
    (["--format", "npy", "--recall", "0.9"], "without --quality"),
    (["--format", "npy", "--quality", "flat", "--budget", "much"], "64MiB"),
    (["--format", "npy", "--quality", "flat", "--recall", "7"], "from 0 to 1"),
    (["--format", "npy", "--quality", "flat,"], "is no form"),
    (["--format", "npy", "--params", "{refine: 3}"], "faiss-"),
    (["--format", "npy", "--shards", "61"], "1 to 60"),
    (["--format", "hnsw", "--shards", "2"], "by their row only"),
    (["--format", "faiss-flat", "--adapter"], "a run folder"),
  ])
  func whatHasNoPlaceIsRefused(words: [String], message: String) throws {
    let scratch = try Scratch()
    let (rows, _) = try vectors(in: scratch.path)
    let outcome = try kindred(["export", rows, "--out", scratch.path + "/x"] + words)
    #expect(outcome.status == 64 && outcome.error.contains(message), "\(outcome)")
    #expect(try FileSystem.list(scratch.path) == ["e.npy", "y.npy"])
  }

  /// Names go with the vectors, and those of other vectors go away.
  @Test func namesGoWithTheirVectors() throws {
    let scratch = try Scratch()
    let (rows, _) = try vectors(in: scratch.path)
    let names = (0..<60).map { "row \($0)\n" }.joined()
    let (own, stale) = (scratch.path + "/e.paths.txt", scratch.path + "/x.paths.txt")
    try FileSystem.write(names, to: own)
    try FileSystem.write("of others\n", to: stale)
    for out in ["x.jsonl", "e.jsonl"] {
      let path = scratch.path + "/" + out
      #expect(try kindred("export", rows, "--format", "jsonl", "--out", path).status == 0)
      #expect(try FileSystem.readText(path).contains("\"name\": \"row 59\""))
    }
    #expect(try FileSystem.readText(own) == names && FileSystem.readText(stale) == names)
    try FileManager.default.removeItem(atPath: own)
    let again = try kindred(
      "export", rows, "--format", "npy", "--out", scratch.path + "/x.npy", "--shards", "2")
    #expect(again.status == 0 && !FileSystem.exists(stale))
  }

  @Test func graphsGrowAndForget() throws {
    let scratch = try Scratch()
    let (rows, _) = try vectors(in: scratch.path)
    let (graph, gone) = (scratch.path + "/g.hnsw", scratch.path + "/gone.npy")
    #expect(try kindred("export", rows, "--format", "hnsw", "--out", graph).status == 0)
    try NumPyArray(shape: [2], elements: .int64([0, 59])).write(to: gone)
    let changed = try kindred(
      "index", graph, "--delete", gone, "--add", rows, "--out", graph, "--json")
    #expect(changed.status == 0, "\(changed)")
    let told = try JSONValue(json5: changed.output, at: "output")
    #expect(told["vectors"] == 120 && told["live"] == 118)
    let found = try kindred("search", graph, "--query", rows, "--top", "1", "--json")
    guard case .array(let all)? = try JSONValue(json5: found.output, at: "output")["neighbors"],
      case .array(let first)? = all.first
    else {
      Issue.record("nothing was found: \(found)")
      return
    }
    // Row 0 is deleted, and its copy is row 60.
    #expect(first[0]["id"] == 60 && first[0]["distance"] == 0)
    // Names, classes, space and threshold go with the graph under any name.
    let (labels, named) = (scratch.path + "/kinds.npy", scratch.path + "/n.hnsw")
    try NumPyArray(shape: [60], elements: .text((0..<60).map { "k\($0 % 3)" })).write(to: labels)
    try FileSystem.write((0..<60).map { "row \($0)\n" }.joined(), to: scratch.path + "/e.paths.txt")
    #expect(
      try kindred("export", rows, "--labels", labels, "--format", "hnsw", "--out", named).status
        == 0)
    let grown = scratch.path + "/grown.hnsw"
    let added = try kindred("index", named, "--add", rows, "--labels", labels, "--out", grown)
    #expect(added.status == 0, "\(added)")
    #expect(try NumPyArray.read(scratch.path + "/grown.labels.npy").elements.count == 120)
    #expect(try NameList.read(scratch.path + "/grown.paths.txt").last == "row 59")
    #expect(FileSystem.exists(scratch.path + "/grown.space.json"))
    let shown = try kindred("search", grown, "--query", rows, "--top", "2", "--json")
    #expect(shown.output.contains("\"class\": \"k2\"") && shown.output.contains("row 59"))
    let bare = try kindred("index", grown, "--add", rows, "--out", grown)
    #expect(bare.status == 0 && bare.error.contains("give --labels"), "\(bare)")
    try NumPyArray(shape: [1], elements: .int64([120])).write(to: gone)
    for words in [["--delete", gone], ["--labels", gone], []] {
      let refused = try kindred(["index", graph, "--out", graph] + words)
      #expect(refused.status == (words.first == "--delete" ? 65 : 64), "\(refused)")
    }
    #expect(try kindred("index", rows, "--delete", gone, "--out", graph).status == 65)
  }
}
