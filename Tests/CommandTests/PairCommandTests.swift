import Files
import Foundation
import Settings
import Testing

/// Vectors of queries and documents in files, from mining to search.
@Suite struct PairCommandTests {
  /// Queries that have the halves of their documents' numbers swapped; two queries a document.
  private func write(to folder: String) throws {
    let (documents, width) = (60, 8)
    var state: UInt64 = 5
    func number() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) - 0.5
    }
    let rows = (0..<documents).map { _ in (0..<width).map { _ in number() } }
    let queries = (0..<2 * documents).flatMap { query -> [Float] in
      let row = rows[query / 2]
      return (row[4...] + row[..<4]).map { $0 + 0.05 * number() }
    }
    try NumPyArray(shape: [documents, width], elements: .float32(rows.flatMap { $0 }))
      .write(to: folder + "/d.npy")
    try NumPyArray(shape: [2 * documents, width], elements: .float32(queries))
      .write(to: folder + "/q.npy")
    let lines = (0..<2 * documents).map { "{\"query\": \($0), \"positives\": [\($0 / 2)]}\n" }
    try FileSystem.write(lines.joined(), to: folder + "/p.jsonl")
  }

  private func number(_ outcome: Outcome, _ keys: String...) throws -> Double? {
    var value: JSONValue? = try JSONValue(json5: outcome.output, at: "output")
    for key in keys { value = value?[key] }
    return value?.numberValue
  }

  @Test func fromMiningToSearch() throws {
    let scratch = try Scratch()
    let folder = scratch.path
    try write(to: folder)
    let mined = try kindred(
      "mine", "corpus", "--queries", folder + "/q.npy", "--corpus", folder + "/d.npy",
      "--positives", folder + "/p.jsonl", "--policy", "naive", "--out", folder + "/mined", "--json")
    #expect(mined.status == 0, "\(mined)")
    let recipe = packageRoot + "/recipes/vectors-pairs.json5"
    let data =
      "data={name:'vector-pairs',queries:'\(folder)/q.npy',documents:'\(folder)/d.npy',"
      + "positives:'\(folder)/p.jsonl',negatives:'\(folder)/mined'}"
    let adapter = "{name:'adapter',rank:8}"
    let run = folder + "/run"
    let words = [
      "train", recipe, "--out", run, "--set", data, "--set", "targets={}", "--set",
      "sampler.batch=16", "--set", "training.steps=150", "--set",
      "model={query:\(adapter),document:\(adapter)}", "--json",
    ]
    let trained = try kindred(words)
    #expect(trained.status == 0, "\(trained)")
    let before = try #require(try number(trained, "baseline", "ndcg@10"))
    let after = try #require(try number(trained, "trained", "ndcg@10"))
    #expect(before < 0.5 && after > 0.9, "\(before) to \(after)")
    let judged = try kindred("evaluate", run, "--json")
    #expect(try number(judged, "ndcg@10") == after)
    #expect(try number(judged, "document-recall@10") != nil)

    // Queries search an index of the documents; the space is that of the run, so nothing is refused.
    let (embedded, index) = (folder + "/E.npy", folder + "/documents.faiss")
    let asked = try kindred(
      "embed", run, "--input", folder + "/q.npy", "--side", "query", "--out", embedded, "--json")
    #expect(asked.status == 0, "\(asked)")
    #expect(try number(asked, "rows") == 120)
    let exported = try kindred("export", run, "--format", "faiss-flat", "--out", index, "--json")
    #expect(exported.status == 0, "\(exported)")
    #expect(try number(exported, "rows") == 60)
    let found = try kindred("search", index, "--query", embedded, "--top", "1", "--json")
    #expect(found.status == 0, "\(found)")
    guard
      case .array(let rows)? = try JSONValue(json5: found.output, at: "output")["neighbors"]
    else {
      Issue.record("no neighbors: \(found)")
      return
    }
    let right = rows.enumerated().count { query, row in
      guard case .array(let all) = row else { return false }
      return all.first?["id"]?.numberValue == Double(query / 2)
    }
    #expect(right > 100, "\(right) of 120 queries find their document first")
    // The encoder of one side alone, and the test queries.
    #expect(
      try kindred(
        "export", run, "--side", "query", "--format", "onnx", "--out", folder + "/query.onnx"
      ).status == 0)
    let queries = try kindred(
      "export", run, "--side", "query", "--format", "npy", "--out", folder + "/test.npy", "--json")
    #expect(try number(queries, "rows") == 24)
  }

  @Test func mistakesAreOneLine() throws {
    let scratch = try Scratch()
    let folder = scratch.path
    try write(to: folder)
    let run = folder + "/run"
    let recipe = packageRoot + "/recipes/vectors-pairs.json5"
    #expect(
      try kindred(
        "train", recipe, "--out", run, "--set", "training.steps=2", "--set", "targets={}", "--json"
      ).status == 0)
    let q = folder + "/q.npy"
    for (words, status, message) in [
      (["embed", run, "--input", q, "--out", folder + "/E.npy"], 64, "--side"),
      (["embed", run, "--input", q, "--side", "both", "--out", folder + "/E.npy"], 64, "'both'"),
      (["embed", run, "--input", q, "--side", "query", "--out", folder + "/E.npy"], 65, "64"),
      (["calibrate", run, "--far", "0.01"], 65, "queries and documents"),
      (["inspect", run], 65, "queries and documents"),
      (["evaluate", run, "--intervals"], 64, "--intervals"),
      (
        ["export", run, "--part", "train", "--format", "npy", "--out", folder + "/e.npy"], 64,
        "--part"
      ),
      (
        ["export", q, "--side", "query", "--format", "npy", "--out", folder + "/e.npy"], 64,
        "--side"
      ),
      (
        [
          "train", recipe, "--out", folder + "/none", "--set", "targets={'ndcg@10':1}", "--set",
          "training.steps=1", "--json",
        ], 1, "ndcg@10"
      ),
    ] {
      let outcome = try kindred(words)
      #expect(outcome.status == Int32(status), "\(words): \(outcome)")
      #expect(outcome.error.contains(message), "\(outcome.error)")
      #expect(outcome.error.filter { $0 == "\n" }.count == 1, "\(outcome.error)")
    }
  }
}
