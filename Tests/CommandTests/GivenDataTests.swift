import Files
import Foundation
import Settings
import Testing

/// Data as people have them, from the command line: labels, parts, names, tables, pipes.
@Suite struct GivenData {
  private func number(_ outcome: Outcome, _ key: String) throws -> Double {
    let value = try JSONValue(json5: outcome.output, at: "output")
    guard case .number(let number)? = value[key] else {
      Issue.record("no \(key) in \(outcome)")
      return .nan
    }
    return number
  }

  /// Three vectors around each of some directions; the same for each place in the list.
  private func vectors(_ places: [Int]) -> [Float] {
    var values: [Float] = []
    for place in places {
      for item in 0..<3 {
        for column in 0..<4 {
          let base: Float = (column + place) % 4 == 0 ? 3 : 0
          values.append(base + Float(item + column) / 50)
        }
        values += [Float(place), 1]
      }
    }
    return values
  }

  private func write(_ places: [Int], _ labels: NumPyArray.Elements, _ path: String) throws {
    let values = vectors(places)
    try NumPyArray(shape: [values.count / 6, 6], elements: .float32(values))
      .write(to: path + ".npy")
    try NumPyArray(shape: [labels.count], elements: labels).write(to: path + "-labels.npy")
  }

  private func recipe(_ data: String, to folder: String) throws -> String {
    let path = folder + "/recipe.json5"
    try FileSystem.write(
      """
      { data: \(data), model: { name: "adapter", rank: 2 }, losses: [{ name: "multi-similarity" }],
        sampler: { name: "m-per-class", classes: 2, perClass: 2 },
        training: { steps: 2, evaluateEvery: 2, report: false } }
      """, to: path)
    return path
  }

  static let labels: [NumPyArray.Elements] = [
    .int64([42, 42, 42, 7, 7, 7, -1, -1, -1]),
    .text(["ä", "ä", "ä", "b", "b", "b", "a", "a", "a"]),
    .uint64([.max, .max, .max, 7, 7, 7, 0, 0, 0]),
  ]

  @Test("Exported labels are those that were given, so parts compare", arguments: labels)
  func exportedLabels(labels: NumPyArray.Elements) throws {
    let scratch = try Scratch()
    let root = scratch.path
    try write([0, 1, 2], labels, root + "/all")
    let second: NumPyArray.Elements =
      switch labels {
      case .int64(let values): .int64(Array(values[3...]))
      case .uint64(let values): .uint64(Array(values[3...]))
      case .text(let values): .text(Array(values[3...]))
      default: labels
      }
    try write([1, 2], second, root + "/part")
    let data = """
      { name: "vectors", embeddings: "\(root)/all.npy", labels: "\(root)/all-labels.npy",
        testEmbeddings: "\(root)/part.npy", testLabels: "\(root)/part-labels.npy" }
      """
    let run = root + "/run"
    let trained = try kindred("train", try recipe(data, to: root), "--out", run)
    #expect(trained.status == 0, "\(trained)")
    #expect(trained.output.contains("closed-set") && !trained.output.contains("never seen"))
    let saved = try JSONValue(json5: FileSystem.readText(run + "/evaluation.json"), at: "saved")
    #expect(
      saved["classOverlap"]?["setting"] == "closed-set" && saved["classOverlap"]?["shared"] == 2)
    for part in ["train", "test"] {
      let outcome = try kindred(
        "export", run, "--format", "npy", "--part", part, "--out", "\(root)/\(part).npy")
      #expect(outcome.status == 0, "\(outcome)")
    }
    #expect(try NumPyArray.read(root + "/train.labels.npy").elements == labels)
    #expect(try NumPyArray.read(root + "/test.labels.npy").elements == second)
    let judged = try kindred(
      "evaluate", "--embeddings", root + "/test.npy", "--labels", root + "/test.labels.npy",
      "--gallery", root + "/train.npy", "--gallery-labels", root + "/train.labels.npy", "--json")
    #expect(try number(judged, "recall@1") == 1, "\(judged)")
  }

  @Test("Every command takes labels of every kind", arguments: labels)
  func labelKinds(labels: NumPyArray.Elements) throws {
    let scratch = try Scratch()
    let path = scratch.path + "/e"
    try write([0, 1, 2], labels, path)
    let plain: [Int64] = [2, 2, 2, 1, 1, 1, 0, 0, 0]
    try NumPyArray(shape: [9], elements: .int64(plain)).write(to: path + "-plain.npy")
    for words in [
      ["evaluate"], ["mine", "batch-hard"], ["loss", "contrastive"], ["loss", "proxy-anchor"],
    ] {
      let given = ["--embeddings", path + ".npy", "--labels", path + "-labels.npy", "--json"]
      let outcome = try kindred(words + given)
      #expect(outcome.status == 0, "\(words): \(outcome)")
      let same = try kindred(words + given.map { $0.replacing("-labels.", with: "-plain.") })
      #expect(outcome.output == same.output, "\(words)")
    }
    try NumPyArray(shape: [3, 6], elements: .float32(vectors([0]))).write(to: path + "-w.npy")
    let weights = try kindred(
      "loss", "proxy-anchor", "--embeddings", path + ".npy", "--labels", path + "-labels.npy",
      "--weights", path + "-w.npy")
    #expect(weights.status == 65 && weights.error.contains("numbered from 0"), "\(weights)")
  }

  @Test("Labels of a table are labels")
  func labelTables() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/e"
    try write([0, 1], .int64([0, 0, 0, 1, 1, 1]), path)
    try FileSystem.write("kind\npear\npear\npear\nfig\nfig\nfig\n", to: path + ".csv")
    let outcome = try kindred(
      "evaluate", "--embeddings", path + ".npy", "--labels", path + ".csv", "--per-class", "--json")
    #expect(try number(outcome, "recall@1") == 1 && outcome.output.contains("\"pear\""))
  }

  @Test("What is left of few classes is said")
  func fewClasses() throws {
    let scratch = try Scratch()
    let table = scratch.path + "/table.csv"
    let data = "{ name: \"csv\", path: \"\(table)\" }"
    let run = scratch.path + "/run"
    let text = (0..<9).map { "\($0 % 4).5;\($0 % 5).5;\(["a", "b", "c"][$0 / 3])" }
    try FileSystem.write("x;y;kind\n" + text.joined(separator: "\n"), to: table)
    let few = try kindred("train", try recipe(data, to: scratch.path), "--out", run)
    #expect(few.error.contains("3 classes, of which 1 is left for training"), "\(few)")
    #expect(
      few.error.contains("one class to draw from") && !few.error.contains("or less"), "\(few)")
    #expect(few.status == 65 && !FileSystem.exists(run))
  }

  /// A run on pictures of 4 × 4 in class folders.
  private func pictureRun(in root: String) throws -> String {
    for (place, name) in ["a", "b", "c", "d"].enumerated() {
      for item in 0..<3 {
        let tone = UInt8(60 * place + 5 * item)
        let pixels = (0..<16).map { $0 == place ? 255 : tone }
        try FileSystem.makeFolder("\(root)/set/\(name)")
        try FileSystem.write(
          Array("P5\n4 4\n255\n".utf8) + pixels, to: "\(root)/set/\(name)/\(item).pgm")
      }
    }
    let run = root + "/run"
    let data = "{ name: \"folder\", path: \"\(root)/set\", size: 4 }"
    let outcome = try kindred("train", try recipe(data, to: root), "--out", run)
    #expect(outcome.status == 0, "\(outcome)")
    return run
  }

  @Test("Names with line ends and commands of the terminal")
  func oddNames() throws {
    let scratch = try Scratch()
    let root = scratch.path
    let run = try pictureRun(in: root)
    try FileSystem.makeFolder(root + "/set/e\u{1B}[31m\nf\r")
    for item in 0..<2 {
      try FileSystem.write(
        Array("P5\n4 4\n255\n".utf8) + [UInt8](repeating: UInt8(item), count: 16),
        to: "\(root)/set/e\u{1B}[31m\nf\r/\(item).pgm")
    }
    let whole = try kindred("embed", run, "--input", root + "/set", "--out", root + "/E.npy")
    #expect(whole.status == 0, "\(whole)")
    let names = try FileSystem.read(root + "/E.paths.txt")
    #expect(names.filter { $0 == 0x0A }.count == 14 && !names.contains(0x1B))
    let labels = try NumPyArray.read(root + "/E.labels.npy").elements
    let kinds = ["a", "b", "c", "d"].flatMap { [$0, $0, $0] }
    #expect(labels == .text(kinds + ["e\u{1B}[31m\nf\r", "e\u{1B}[31m\nf\r"]))
    for part in 1...3 {
      let outcome = try kindred(
        "embed", run, "--input", root + "/set", "--shard", "\(part)/3", "--out",
        "\(root)/p\(part).npy")
      #expect(outcome.status == 0, "\(outcome)")
    }
    let merged = try kindred(
      "merge", root + "/p2.npy", root + "/p1.npy", root + "/p3.npy", "--out", root + "/M.npy")
    #expect(merged.status == 0, "\(merged)")
    for ending in [".npy", ".paths.txt", ".labels.npy"] {
      #expect(try FileSystem.read(root + "/M" + ending) == FileSystem.read(root + "/E" + ending))
    }
    let found = try kindred("search", root + "/E.npy", "--query", root + "/E.npy", "--top", "14")
    #expect(found.status == 0 && !found.output.contains("\u{1B}"), "\(found)")
    #expect(found.output.contains("e\\u001B[31m\\nf\\u000D/0.pgm"))
    #expect(!found.output.contains("\nf"))
    let lost = try kindred("search", root + "/\u{1B}[2J.npy", "--query", root + "/E.npy")
    #expect(lost.status == 66 && !lost.error.contains("\u{1B}"))
  }

  @Test("Pictures as they lie in folders: linked, and of formats that are not read")
  func pictures() throws {
    let scratch = try Scratch()
    let root = scratch.path
    let run = try pictureRun(in: root)
    #expect(symlink("../set/a", root + "/set/linked") == 0)
    let outcome = try kindred(
      "embed", run, "--input", root + "/set", "--out", root + "/E.npy", "--json")
    #expect(try number(outcome, "rows") == 15)
    try FileSystem.write("BM", to: root + "/set/a/x.psd")
    let refused = try kindred("embed", run, "--input", root + "/set", "--out", root + "/F.npy")
    #expect(refused.status == 65 && refused.error.contains("a/x.psd: PSD pictures are not read"))
  }

  @Test("What cannot be written to standard output ends with status 74")
  func fullOutput() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/e"
    try write([0, 1], .int64([0, 0, 0, 1, 1, 1]), path)
    let given = "--embeddings \(path).npy --labels \(path)-labels.npy"
    for words in [
      "--help", "--version", "list losses", "evaluate \(given) --json", "evaluate \(given)",
      "mine batch-hard \(given) --json", "search \(path).npy --query \(path).npy --json",
      "loss contrastive \(given)", "recipes",
    ] {
      let outcome = try run("/bin/sh", ["-c", "'\(kindredPath)' \(words) > /dev/full"])
      #expect(outcome.status == 73, "\(words): \(outcome)")
      #expect(outcome.error.contains("standard output"), "\(words): \(outcome)")
    }
  }

  @Test("Pipes are inputs, and devices are refused")
  func pipes() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/e"
    try write([0, 1], .int64([0, 0, 0, 1, 1, 1]), path)
    let command = "'\(kindredPath)' evaluate --json --labels \(path)-labels.npy --embeddings"
    let piped = try run("/bin/sh", ["-c", "cat \(path).npy | \(command) /dev/stdin"])
    #expect(piped.status == 0, "\(piped)")
    let zero = try run("/bin/sh", ["-c", "\(command) /dev/zero"])
    #expect(zero.status == 66 && zero.error.contains("a device"), "\(zero)")
  }

  @Test("What takes more memory than there is is refused before anything is written")
  func memory() throws {
    let scratch = try Scratch()
    let recipe = packageRoot + "/recipes/quickstart.json5"
    for setting in ["sampler.perClass=1000000", "model={name:'mlp',hidden:[65536,65536,65536]}"] {
      let outcome = try run(
        "/usr/bin/env",
        [
          "KINDRED_MEMORY=2G", kindredPath, "train", recipe, "--out", scratch.path + "/run",
          "--set",
          setting,
        ])
      #expect(outcome.status == 65 && outcome.error.contains("of memory at most"), "\(outcome)")
      #expect(!FileSystem.exists(scratch.path + "/run"))
    }
    let wrong = try run("/usr/bin/env", ["KINDRED_MEMORY=much", kindredPath, "list", "losses"])
    #expect(wrong.status == 64 && wrong.error.contains("KINDRED_MEMORY"), "\(wrong)")
  }

  @Test("Vectors of tables and archives")
  func vectorFiles() throws {
    let scratch = try Scratch()
    let path = scratch.path
    let query = NumPyArray(shape: [1, 3], elements: .float32([1, 2, 3.5]))
    try query.write(to: path + "/q.npy")
    let other = NumPyArray(shape: [4], elements: .int64([1, 2, 3, 4]))
    let rows = NumPyArray(shape: [2, 3], elements: .int32([1, 2, 4, 9, 9, 9]))
    try FileSystem.write(
      try ZipArchive(members: [("ids.npy", other.bytes()), ("features.npy", rows.bytes())]).bytes(),
      to: path + "/one.npz")
    try FileSystem.write(
      try ZipArchive(members: [("a.npy", rows.bytes()), ("b.npy", rows.bytes())]).bytes(),
      to: path + "/two.npz")
    try FileSystem.write("\u{FEFF}1,2,4\n9,9,9\n", to: path + "/bom.csv")
    try FileSystem.write("0;1;2\n1,5;2,0;3,0\n9,0;9,0;9,5\n", to: path + "/header.csv")
    for name in ["one.npz", "two.npz#b", "bom.csv", "header.csv"] {
      let outcome = try kindred(
        "search", "\(path)/\(name)", "--query", path + "/q.npy", "--top", "5", "--json")
      #expect(outcome.status == 0, "\(name): \(outcome)")
      let neighbors = try JSONValue(json5: outcome.output, at: name)["neighbors"]
      guard case .array(let lists)? = neighbors, case .array(let list)? = lists.first else {
        Issue.record("\(name): \(outcome)")
        continue
      }
      #expect(list.count == 2 && list[0]["id"] == 0, "\(name): \(outcome)")
    }
    // The same in a recipe.
    let matrix = NumPyArray(
      shape: [12, 6], elements: .float32(vectors([0, 1, 2, 3])))
    let labels = NumPyArray(shape: [12], elements: .int64((0..<12).map { Int64($0 / 3) }))
    try FileSystem.write(
      try ZipArchive(members: [("x.npy", matrix.bytes()), ("kinds.npy", labels.bytes())]).bytes(),
      to: path + "/all.npz")
    let data =
      "{ name: \"vectors\", embeddings: \"\(path)/all.npz#x\", labels: \"\(path)/all.npz#kinds\" }"
    let trained = try kindred("train", try recipe(data, to: path), "--out", path + "/run")
    #expect(trained.status == 0, "\(trained)")
    let embedded = try kindred(
      "embed", path + "/run", "--input", path + "/all.npz#x", "--out", path + "/e.npy", "--json")
    #expect(try number(embedded, "rows") == 12, "\(embedded)")
    let whole = try kindred("merge", path + "/e.npy", "--out", path + "/m.npy")
    #expect(whole.status == 66 && whole.error.contains("e.npy: this is no part"), "\(whole)")
    let two = try kindred("search", path + "/two.npz", "--query", path + "/q.npy")
    #expect(two.status == 65 && two.error.contains("'a', 'b'") && two.error.contains("two.npz#a"))
  }
}
