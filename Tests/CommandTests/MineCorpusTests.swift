import Files
import Foundation
import Settings
import Testing

@Suite struct MineCorpusCommand {
  /// Writes queries near to rows of a corpus, and says which rows.
  private func write(to folder: String, queries: Int, rows: Int) throws -> [String] {
    let columns = 16
    var state: UInt64 = 7
    func number() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) - 0.5
    }
    let corpus = (0..<rows * columns).map { _ in number() }
    let asked = (0..<queries * columns).map { corpus[$0] + 0.3 * number() }
    try NumPyArray(shape: [queries, columns], elements: .float32(asked)).write(
      to: folder + "/q.npy")
    try NumPyArray(shape: [rows, columns], elements: .float32(corpus)).write(to: folder + "/c.npy")
    let lines = (0..<queries).map { "{\"query\": \($0), \"positives\": [\($0)]}\n" }.joined()
    try FileSystem.write(lines, to: folder + "/p.jsonl")
    return [
      "mine", "corpus", "--queries", folder + "/q.npy", "--corpus", folder + "/c.npy",
      "--positives", folder + "/p.jsonl", "--json", "--draw-from", "8", "--budget", "72",
    ]
  }

  /// An adapter orders what a search finds, among vectors and in an index of them alike.
  @Test func anAdapterOrdersWhatIsFound() throws {
    let scratch = try Scratch()
    _ = try write(to: scratch.path, queries: 40, rows: 200)
    let (q, c) = (scratch.path + "/q.npy", scratch.path + "/c.npy")
    let (adapter, index) = (scratch.path + "/a.safetensors", scratch.path + "/c.faiss")
    let made = try kindred(
      "mine", "adapter", "--queries", q, "--corpus", c, "--positives", scratch.path + "/p.jsonl",
      "--steps", "30", "--out", adapter, "--likeness", "0.5", "--json")
    #expect(made.status == 0 && made.output.contains("likenessError"), "\(made)")
    let ids = scratch.path + "/ids.npy"
    try NumPyArray(shape: [200], elements: .int64((0..<200).map { 1000 - $0 })).write(to: ids)
    let exported = try kindred(
      "export", c, "--format", "faiss-idmap", "--ids", ids, "--out", index)
    #expect(exported.status == 0, "\(exported)")
    func found(_ place: String, _ more: [String]) throws -> [[Int]] {
      let words = ["search", place, "--query", q, "--top", "3", "--json"]
      let done = try kindred(words + more)
      #expect(done.status == 0, "\(done)")
      guard
        case .array(let rows)? = try JSONValue(json5: done.output, at: "output")["neighbors"]
      else { return [] }
      return rows.map { row in
        guard case .array(let all) = row else { return [] }
        return all.map { one in
          guard case .number(let id)? = one["id"] else { return -1 }
          #expect((one["relevance"] != nil) == !more.isEmpty)
          return Int(id)
        }
      }
    }
    let options = ["--adapter", adapter, "--adapter-power", "3", "--adapter-from", "50"]
    let ordered = try found(c, options)
    #expect(ordered.count == 40 && ordered.allSatisfy { Set($0).count == 3 })
    #expect(try ordered != found(c, []))
    #expect(try found(index, options) == ordered.map { $0.map { 1000 - $0 } })
    let alone = try kindred("search", c, "--query", q, "--adapter-power", "3")
    #expect(alone.status == 64 && alone.error.contains("--adapter FILE"), "\(alone)")
    let narrow = try kindred(
      ["search", c, "--query", q, "--adapter", adapter, "--adapter-from", "2"])
    #expect(narrow.status == 64, "\(narrow)")
  }

  @Test func goesOnAfterAKill() throws {
    let scratch = try Scratch()
    let words = try write(to: scratch.path, queries: 9000, rows: 9000)
    let whole = try kindred(words + ["--out", scratch.path + "/whole"])
    #expect(whole.status == 0, "\(whole)")
    #expect(whole.output.contains("\"complete\": 9000"))

    let killed = scratch.path + "/killed"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: kindredPath)
    process.arguments = words + ["--out", killed]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    // Once the first lines are there, the state may or may not know of them.
    while process.isRunning, ((try? FileSystem.read(killed + "/negatives.jsonl").count) ?? 0) == 0 {
      usleep(500)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal, "mined too fast to be killed")

    let refused = try kindred(words + ["--out", killed])
    #expect(refused.status == 73)
    let others = try kindred(words + ["--out", killed, "--resume", "--seed", "1"])
    #expect(others.status == 65)
    #expect(others.error.contains("other files or options"))
    let resumed = try kindred(words + ["--out", killed, "--resume"])
    #expect(resumed.status == 0, "\(resumed)")
    #expect(resumed.output == whole.output)
    for file in ["/negatives.jsonl", "/summary.json"] {
      #expect(
        try FileSystem.read(killed + file) == FileSystem.read(scratch.path + "/whole" + file))
    }
  }

  @Test func mistakesSayWhatIsWrong() throws {
    let scratch = try Scratch()
    let words = try write(to: scratch.path, queries: 4, rows: 50)
    let out = ["--out", scratch.path + "/out"]
    let cases: [(words: [String], status: Int32, message: String)] = [
      (["--policy", "shiftd"], 64, "did you mean 'shifted'?"),
      (["--params", "{ shar: 0.9 }"], 65, "did you mean 'share'?"),
      (["--ranks", "9:9"], 64, "two ranks"),
      (["--policy", "shifted", "--ranks", "0:5"], 64, "leave no candidate"),
      (["--teacher-queries", scratch.path + "/q.npy"], 64, "--teacher-corpus"),
    ]
    for (more, status, message) in cases {
      let outcome = try kindred(words + out + more)
      #expect(outcome.status == status, "\(outcome)")
      #expect(outcome.error.contains(message), "\(outcome.error)")
    }
    try FileSystem.write("{\"query\": 4, \"positives\": [1]}\n", to: scratch.path + "/p.jsonl")
    let outcome = try kindred(words + out)
    #expect(outcome.status == 65)
    #expect(outcome.error.contains("line 1: 4 is no row of the queries"), "\(outcome.error)")
    #expect(!FileSystem.exists(scratch.path + "/out"))
  }
}
