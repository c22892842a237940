import Autodiff
import Files
import Foundation
import Settings
import Testing
import Training

@Suite struct Watching {
  @Test func healthAgreesWithThePlainFormulas() throws {
    var random = Random(seed: 3)
    let labels = (0..<40).map { $0 % 7 }
    let x = Tensor(normal: [40, 6], deviation: 2, dtype: .float64, random: &random)
    let health = EmbeddingHealth(x, labels: labels)
    let rows = x.elements(as: Double.self)
    func cosine(_ i: Int, _ j: Int) -> Double {
      func dot(_ a: Int, _ b: Int) -> Double {
        (0..<6).reduce(0) { $0 + rows[a * 6 + $1] * rows[b * 6 + $1] }
      }
      return dot(i, j) / (dot(i, i) * dot(j, j)).squareRoot()
    }
    let all = labels.indices
    let positives = all.map { i in
      all.filter { $0 != i && labels[$0] == labels[i] }.map { cosine(i, $0) }.min() ?? .nan
    }
    let negatives = all.map { i in
      all.filter { labels[$0] != labels[i] }.map { cosine(i, $0) }.max() ?? .nan
    }
    let squares = all.flatMap { i in all.map { cosine(i, $0) * cosine(i, $0) } }.reduce(0, +)
    let others = all.flatMap { i in all.filter { $0 != i }.map { cosine(i, $0) } }
    func near(_ a: Double?, _ b: Double) -> Bool { abs((a ?? .nan) - b) < 1e-12 }
    #expect(near(health.hardestPositive, positives.reduce(0, +) / 40))
    #expect(near(health.hardestNegative, negatives.reduce(0, +) / 40))
    #expect(near(health.meanCosine, others.reduce(0, +) / Double(others.count)))
    #expect(near(health.effectiveRank, 1600 / squares))
  }

  @Test func degenerateBatchesAreDefined() {
    for (rows, labels) in [(0, []), (1, [0]), (3, [0, 0, 0]), (3, [0, 1, 2])] {
      let health = EmbeddingHealth(
        Tensor(zeros: [rows, 4], dtype: .float32), labels: labels)
      #expect(health.spread == 0 && health.effectiveRank == nil)
      #expect(health.meanCosine == (rows > 1 ? 0 : nil))
    }
    let same = EmbeddingHealth(
      Tensor(repeating: 1, shape: [5, 3], dtype: .float32), labels: [0, 0, 1, 1, 1])
    #expect(abs((same.effectiveRank ?? 0) - 1) < 1e-6 && abs((same.meanCosine ?? 0) - 1) < 1e-6)
  }

  @Test(arguments: ["warn", "mine-easier", "ramp-margin", "spread"])
  func theGuardActsAndGoesOnBitForBit(action: String) throws {
    let folder = NSTemporaryDirectory() + "kindred-test-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let value: JSONValue = [
      "data": ["name": "digits"], "model": ["name": "linear"],
      "losses": [["name": "triplet-margin", "margin": 0.2, "miner": ["name": "batch-hard"]]],
      "sampler": ["name": "m-per-class", "classes": 5, "perClass": 4],
      // Whatever the embeddings are, they are taken for collapsed.
      "guard": ["action": .string(action), "meanCosine": -1, "patience": 2, "duration": 4],
      "training": ["steps": 12, "evaluateEvery": 0, "keep": "last"],
    ]
    func train(
      _ name: String, resuming: Bool = false, until stop: Int? = nil, action: String? = nil
    ) throws {
      var value = value
      if let action { try value.set("guard.action=\(action)") }
      _ = try Training.train(
        Recipe(value, at: "test"), into: RunFolder(folder + name), dataRoot: "data",
        resuming: resuming
      ) { event in
        if case .stepped(let report, _) = event, report.step == stop { return true }
        return false
      }
    }
    try FileSystem.makeFolder(folder)
    try train("/whole")
    try train("/parts", until: 3)
    try train("/parts", resuming: true)
    for file in ["/metrics.jsonl", "/model.safetensors"] {
      #expect(
        try FileSystem.read(folder + "/whole" + file) == FileSystem.read(folder + "/parts" + file))
    }
    let lines = try FileSystem.readText(folder + "/whole/metrics.jsonl").split(separator: "\n")
    let steps = try lines.map { try JSONValue(json5: String($0), at: "metrics") }
    let warned = steps.filter { $0["warning"] != nil }.compactMap { $0["step"] }
    #expect(warned == [2, 6, 10])
    #expect(steps.allSatisfy { $0["effectiveRank"] != nil && $0["hardestNegative"] != nil })
    guard action != "warn" else { return }
    // From the first warning on the steps are others than without an action.
    try train("/plain", action: "warn")
    let plain = try FileSystem.readText(folder + "/plain/metrics.jsonl").split(separator: "\n")
    let losses = try plain.map { try JSONValue(json5: String($0), at: "metrics")["loss"] }
    #expect(losses.prefix(2) == steps.map { $0["loss"] }.prefix(2))
    #expect(losses[3] != steps[3]["loss"])
  }

  @Test func whatDoesNotFitIsTold() throws {
    func warnings(_ loss: String, _ sampler: String = "{name: 'm-per-class'}") throws -> [String] {
      var value: JSONValue = ["data": ["name": "digits"], "model": ["name": "linear"]]
      try value.set("losses=[\(loss)]")
      try value.set("sampler=\(sampler)")
      return try Recipe(value, at: "test").warnings
    }
    let cases: [(loss: String, words: String)] = [
      ("{name:'triplet-margin', margin: 0, miner: {name:'batch-hard'}}", "embedded alike"),
      (
        "{name:'triplet-margin', distance:'squared-euclidean', miner: {name:'batch-hard'}}",
        "cold start"
      ),
      ("{name:'contrastive', miner: {name:'batch-hard', normalize: false}}", "raw rows"),
      ("{name:'proxy-anchor', miner: {name:'batch-hard'}}", "term for each item"),
      (
        "{name:'triplet-margin', margin: 0.3, miner: {name:'triplet-margin', margin: 0.1}}",
        "below the loss's 0.3"
      ),
      ("{name:'triplet-margin', miner: {name:'angular'}}", "measures raw rows"),
      ("{name:'triplet-margin', margin: 2.5}", "never kept"),
      ("{name:'contrastive', miner: {name:'distance-weighted', normalize: false}}", "unit sphere"),
      ("{name:'contrastive', miner: {name:'already-packaged'}}", "fixed-triplets"),
      ("{name:'contrastive', memory: {size: 9, warmup: 1000000}}", "never used"),
    ]
    for (loss, words) in cases {
      #expect(try warnings(loss).contains { $0.contains(words) }, "\(loss)")
    }
    let single = try warnings("{name:'contrastive'}", "{name:'m-per-class', perClass: 1}")
    #expect(single.contains { $0.contains("no positive pairs") })
    let oneClass = try warnings("{name:'contrastive'}", "{name:'m-per-class', classes: 1}")
    #expect(oneClass.contains { $0.contains("no negative pairs") })
    for loss in ["noise-contrastive", "focal-info-nce", "margin"] {
      #expect(try warnings("{name:'\(loss)', miner: {name:'batch-hard'}}").isEmpty)
    }
    #expect(try warnings("{name:'multi-similarity', miner:{name:'multi-similarity'}}").isEmpty)
  }

  @Test func theRecipesHereFit() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("recipes")
      .path
    for name in try FileSystem.list(folder)
    where name.hasSuffix(".json5") && !name.contains("collapse") {
      // Of queries and documents there is nothing to warn of yet.
      guard case .items(let recipe) = try AnyRecipe(path: folder + "/" + name) else { continue }
      #expect(recipe.warnings.isEmpty, "\(name)")
    }
  }
}
