import Files
import Foundation
import Settings
import Testing

/// Inputs that are valid but odd: right results, or one line that says why not, in bounded time.
@Suite struct HostileInputTests {
  /// All distances tie.
  @Test(.timeLimit(.minutes(2))) func constantEmbeddingsAreJudgedQuickly() throws {
    let scratch = try Scratch()
    let (e, y) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    let count = 800
    try NumPyArray(
      shape: [count, 4], elements: .float32([Float](repeating: 0.5, count: count * 4))
    )
    .write(to: e)
    for classes in [2, 400] {
      try NumPyArray(shape: [count], elements: .int64((0..<count).map { Int64($0 % classes) }))
        .write(to: y)
      let outcome = try kindred(
        "evaluate", "--embeddings", e, "--labels", y, "--json", "--metrics",
        "recall@1,map@r,auc,eer,opis,intra-distance,inter-distance,hubness")
      #expect(outcome.status == 0, "\(outcome)")
      let found = try JSONValue(json5: outcome.output, at: "output")
      for (name, value) in [
        ("auc", 0.5), ("eer", 0.5), ("opis", 0), ("intra-distance", 0), ("inter-distance", 0),
      ] { #expect(found[name] == .number(value), "\(name) of \(classes) classes") }
    }
  }

  /// Every loss takes or refuses the largest label there is.
  @Test func theLargestLabelIsTakenOrRefused() throws {
    let scratch = try Scratch()
    let (e, y) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    try NumPyArray(shape: [6, 3], elements: .float32((0..<18).map { Float($0 * $0 % 7) - 3 }))
      .write(to: e)
    try NumPyArray(shape: [6], elements: .int64([.max, .max, 0, 0, 1, 1])).write(to: y)
    let list = try JSONValue(json5: kindred("list", "losses", "--json").output, at: "list")
    guard case .array(let losses) = list["losses"] ?? list else {
      Issue.record("no list of losses: \(list)")
      return
    }
    #expect(losses.count > 50)
    for loss in losses {
      guard case .string(let name)? = loss["name"] else { continue }
      let outcome = try kindred("loss", name, "--embeddings", e, "--labels", y, "--json")
      #expect([0, 65].contains(outcome.status), "\(name): \(outcome)")
      #expect(outcome.error.split(separator: "\n").count <= 1, "\(name): \(outcome)")
    }
  }

  /// A file of 1 MB whose distances would take a terabyte.
  @Test func batchesBeyondTheMemoryAreRefused() throws {
    let scratch = try Scratch()
    let (e, y) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    let count = 300_000
    try NumPyArray(shape: [count, 1], elements: .float32((0..<count).map { Float($0 % 97) }))
      .write(to: e)
    try NumPyArray(shape: [count], elements: .int64((0..<count).map { Int64($0 % 2) })).write(to: y)
    let outcome = try kindred("loss", "contrastive", "--embeddings", e, "--labels", y, "--json")
    #expect(outcome.status == 65 && outcome.error.contains("memory"), "\(outcome)")
    let proxies = try kindred("loss", "arc-face", "--embeddings", e, "--labels", y, "--json")
    #expect(proxies.status == 0, "\(proxies)")
  }

  @Test func relevanceOfLargeLabels() throws {
    let scratch = try Scratch()
    let (e, r) = (scratch.path + "/e.npy", scratch.path + "/r.json5")
    try NumPyArray(shape: [3, 2], elements: .float32([1, 0, 0, 1, 1, 1])).write(to: e)
    try FileSystem.write("{scores: [[2147483648, 1, 0.8]]}", to: r)
    let outcome = try kindred("loss", "contrastive", "--embeddings", e, "--relevance", r, "--json")
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test func rowsOfZerosByCosine() throws {
    let scratch = try Scratch()
    let (e, y) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    // The row of zeros has cosine 0 with all, so for (1, 0) it is farther than (0.3, 1), whose cosine
    // is 0.29; for itself all others are equally near and stand by row.
    try NumPyArray(shape: [4, 2], elements: .float32([0, 0, 1, 0, 0.3, 1, -1, -1])).write(to: e)
    try NumPyArray(shape: [4], elements: .int64([0, 1, 1, 0])).write(to: y)
    let outcome = try kindred(
      "evaluate", "--embeddings", e, "--labels", y, "--distance", "cosine", "--json", "--metrics",
      "recall@1,mrr")
    let found = try JSONValue(json5: outcome.output, at: "output")
    #expect(found["recall@1"] == 0.75, "\(outcome)")
    guard case .number(let rank)? = found["mrr"] else {
      Issue.record("\(outcome)")
      return
    }
    #expect(abs(rank - (3 + 1.0 / 3) / 4) < 1e-12)
  }

  @Test func tinyRatesAreRefusedInALine() throws {
    let scratch = try Scratch()
    let (e, y) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    try NumPyArray(shape: [12, 2], elements: .float32((0..<24).map { Float($0 * 7 % 11) }))
      .write(to: e)
    try NumPyArray(shape: [12], elements: .int64((0..<12).map { $0 / 2 })).write(to: y)
    let run = scratch.path + "/run"
    let data =
      "data={name:'vectors',embeddings:'\(e)',labels:'\(y)',minimumPerClass:1,"
      + "testEmbeddings:'\(e)',testLabels:'\(y)'}"
    let words = [data, "training.steps=1", "sampler.classes=2", "sampler.perClass=2", "targets={}"]
    let trained = try kindred(
      ["train", packageRoot + "/recipes/vectors-adapter.json5", "--out", run]
        + (words + ["model.rank=1"]).flatMap { ["--set", $0] })
    guard trained.status == 0 else { return }
    let outcome = try kindred("calibrate", run, "--far", "1e-300")
    #expect(outcome.status == 65, "\(outcome)")
    #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome)")
  }
}
