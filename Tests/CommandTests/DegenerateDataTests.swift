import Files
import Foundation
import Settings
import Testing

/// Whatever is to be judged, every command tells numbers, or why there are none; never NaN.
@Suite struct DegenerateData {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let rows: [[Float]]
    let labels: [Int64]
    var testDescription: String { name }
  }

  static let cases = [
    Case(
      name: "one class", rows: [[1, 0, 2], [0, 1, 1], [2, 1, 0], [1, 1, 1]],
      labels: [0, 0, 0, 0]),
    Case(name: "one item", rows: [[1, 2, 3]], labels: [0]),
    Case(
      name: "all equal", rows: [[Float]](repeating: [1, 2, 3], count: 12),
      labels: (0..<12).map { $0 / 2 }),
    Case(
      name: "all zeros", rows: [[Float]](repeating: [0, 0, 0], count: 8),
      labels: (0..<8).map { $0 / 2 }),
    Case(
      name: "two equal rows", rows: [[1, 2, 3], [1, 2, 3], [0, 1, 0], [4, 1, 0]],
      labels: [0, 1, 0, 1]),
    Case(name: "no items", rows: [], labels: []),
  ]

  /// Runs a command; what it prints holds no number that is none, and a failure is one line.
  private func expectNumbers(
    _ words: [String], orStatus allowed: Int32 = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try kindred(words)
    let what = "\(words): \(outcome)"
    #expect(
      [0, 1, 64, 65, allowed].contains(outcome.status), "\(what)", sourceLocation: sourceLocation)
    for text in [outcome.output, outcome.error] {
      #expect(!holdsNoNumber(text), "\(what)", sourceLocation: sourceLocation)
    }
    if outcome.status > 1 {
      let lines = outcome.error.split(separator: "\n").filter { $0.hasPrefix("kindred: ") }
      #expect(lines.count == 1, "\(what)", sourceLocation: sourceLocation)
    }
  }

  private func holdsNoNumber(_ text: String) -> Bool {
    text.lowercased().contains(#/\b(nan|inf|infinity)\b/#)
  }

  private func write(_ data: Case, to folder: String) throws -> (embeddings: String, labels: String)
  {
    let (e, y) = (folder + "/bad.npy", folder + "/bad-labels.npy")
    try NumPyArray(shape: [data.rows.count, 3], elements: .float32(data.rows.flatMap { $0 }))
      .write(to: e)
    try NumPyArray(shape: [data.labels.count], elements: .int64(data.labels)).write(to: y)
    return (e, y)
  }

  @Test(arguments: cases) func givenEmbeddings(data: Case) throws {
    let scratch = try Scratch()
    let (e, y) = try write(data, to: scratch.path)
    let given = ["evaluate", "--embeddings", e, "--labels", y]
    try expectNumbers(given + ["--json", "--intervals", "--per-class"])
    try expectNumbers(given + ["--intervals", "--per-class", "--distance", "cosine"])
    try expectNumbers(given + ["--exclude-groups", y, "--groups", y, "--json"])
    try expectNumbers(given + ["--gallery", e, "--gallery-labels", y, "--json"])
    let table = scratch.path + "/levels.npy"
    try NumPyArray(
      shape: [data.labels.count, 2], elements: .int64(data.labels.flatMap { [$0, 0] })
    )
    .write(to: table)
    for kind in ["levels", "sets"] {
      try expectNumbers(
        ["evaluate", "--embeddings", e, "--labels", table, "--relevance", kind, "--json"])
    }
  }

  @Test(arguments: cases) func runs(data: Case) throws {
    let scratch = try Scratch()
    let (e, y) = try write(data, to: scratch.path)
    let (good, goodLabels) = (scratch.path + "/good.npy", scratch.path + "/good-labels.npy")
    try NumPyArray(shape: [24, 3], elements: .float32((0..<72).map { Float($0 * $0 % 31) }))
      .write(to: good)
    try NumPyArray(shape: [24], elements: .int64((0..<24).map { $0 / 4 })).write(to: goodLabels)
    let run = scratch.path + "/run"
    let source = "embeddings:'\(good)',labels:'\(goodLabels)',minimumPerClass:1"
    let bad = "{\(source),testEmbeddings:'\(e)',testLabels:'\(y)'}"
    let trained = try kindred(
      ["train", packageRoot + "/recipes/vectors-adapter.json5", "--out", run, "--json"]
        + [
          "data={name:'vectors',\(bad.dropFirst())", "training.steps=2", "training.evaluateEvery=2",
          "sampler.classes=4", "sampler.perClass=2", "targets={}", "model.rank=2",
        ].flatMap { ["--set", $0] })
    #expect([0, 65].contains(trained.status), "\(trained)")
    #expect(!holdsNoNumber(trained.output), "\(trained)")
    guard trained.status == 0 else { return }
    for file in ["report.html", "metrics.jsonl"] {
      #expect(!holdsNoNumber(try FileSystem.readText(run + "/" + file)), "\(file)")
    }
    try expectNumbers(["evaluate", run, "--json", "--intervals", "--per-class", "--utilization"])
    try expectNumbers(["calibrate", run, "--far", "0.5", "--per-query", "--per-item", "0.1"])
    try expectNumbers(["calibrate", run, "--far", "0.5", "--map", "isotonic", "--json"])
    try expectNumbers(["compare", run, run, "--draws", "20", "--json"])
    try expectNumbers(["drift", run, "--embeddings", e, "--json"], orStatus: 66)
    // A second part is another file, whatever it holds.
    let second = scratch.path + "/second.npy"
    try FileManager.default.copyItem(atPath: good, toPath: second)
    let known = [
      "--data", "vectors", "--data-params",
      "{\(source),testEmbeddings:'\(second)',testLabels:'\(goodLabels)'}",
    ]
    try expectNumbers(["calibrate", run, "--far", "0.3", "--json", "--draws", "20"] + known)
    #expect(FileSystem.exists(run + "/calibration.json"))
    try expectNumbers(["drift", run, "--embeddings", e, "--json"] + known)
    try expectNumbers(["drift", run, "--embeddings", e] + known)
    try expectNumbers(["inspect", run, "--json"])
    try expectNumbers(["inspect", run, "--training"])
    try expectNumbers(["search", run, "--query", e, "--top", "3", "--json"])
    try expectNumbers(["explain", run, e, e, "--json"])
    try expectNumbers(["report", run, "--json"])
    #expect(!holdsNoNumber(try FileSystem.readText(run + "/report.html")))
  }
}
