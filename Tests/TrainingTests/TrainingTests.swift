import Autodiff
import Files
import Foundation
import Settings
import Testing
import Training

/// A folder that goes away with the test.
struct Scratch: ~Copyable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "kindred-test-\(UUID().uuidString)"
    try FileSystem.makeFolder(path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Trains a small recipe; stops after `stop` steps if given.
@discardableResult
private func train(
  _ overrides: [String] = [], into path: String, resuming: Bool = false, stopAfter stop: Int? = nil
) throws -> RunResult? {
  var value: JSONValue = [
    "data": ["name": "digits"],
    "model": ["name": "conv4", "blocks": 2, "width": 8, "embedding": 8],
    "losses": [
      ["name": "multi-similarity", "miner": ["name": "multi-similarity"]],
      ["name": "proxy-anchor", "weight": 0.1],
    ],
    "sampler": ["name": "m-per-class", "classes": 5, "perClass": 4],
    "augmentation": ["name": "affine"],
    "training": ["steps": 12, "evaluateEvery": 4, "gradientClip": 5, "report": false],
  ]
  for override in overrides { try value.set(override) }
  return try Training.train(
    Recipe(value, at: "test"), into: RunFolder(path), dataRoot: "data", resuming: resuming
  ) { event in
    if case .stepped(let report, _) = event, report.step == stop { return true }
    return false
  }
}

/// Losses of which one compares with batches before; the ring goes round in the run.
private let withMemory =
  "[{name: 'multi-similarity', miner: {name: 'multi-similarity'}, memory: {size: 70, warmup: 3}},"
  + "{name: 'proxy-anchor'}]"

private let withMomentum =
  "[{name: 'multi-similarity', miner: {name: 'multi-similarity'}, "
  + "memory: {size: 70, warmup: 1, momentum: 0.9}}]"

/// A queue of second views, by momentum contrast.
private let withQueue =
  "[{name: 'nt-xent', memory: {size: 70, momentum: 0.9, keys: 'second-view', positives: 'item'}}]"

/// A slot for each item, some drawn, and a normaliser that the first step finds.
private let withBank =
  "[{name: 'noise-contrastive', "
  + "memory: {size: 5000, slots: 'item', positives: 'item', drawn: 30}}]"

/// A loss with a running histogram, and modifiers with parameters and draws of their own.
private let withState =
  "[{name: 'dynamic-soft-margin', momentum: 0.3}, {name: 'multi-similarity', reducer: 'sum', "
  + "modifiers: ['metrix', 'confidence', 'matryoshka', {name: 'koleo', weight: 0.1}]}]"

@Suite(.serialized) struct Runs {
  /// In a part of its steps; `.ci/run` trains it to the end and holds it to its targets.
  @Test func theQuickStartKeepsItsPromise() throws {
    let scratch = try Scratch()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let recipe = try Recipe(
      path: root.appendingPathComponent("recipes/quickstart.json5").path,
      overrides: ["training.steps=150", "training.evaluateEvery=0", "training.report=false"])
    #expect(recipe.targets.count == 3)
    let result = try #require(
      try Training.train(
        recipe, into: RunFolder(scratch.path + "/run"), dataRoot: "data", resuming: false
      ) { _ in false })
    func numbers(_ name: String) throws -> (raw: Double, trained: Double) {
      (try #require(result.baseline[name]), try #require(result.trained[name]))
    }
    let (recall, map, opis) = (try numbers("recall@1"), try numbers("map@r"), try numbers("opis"))
    #expect(recall.trained > recall.raw)
    #expect(map.trained >= 1.1 * map.raw)
    #expect(opis.trained <= 0.75 * opis.raw)
    #expect(result.beatsBaseline)
  }

  @Test func aRunIsComplete() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/run"
    let result = try #require(try train(["training.report=true"], into: path))
    #expect(result.steps == 12)
    let names = try FileSystem.list(path)
    #expect(
      names == [
        "checkpoint", "environment.json", "evaluation.json", "metrics.jsonl", "model.safetensors",
        "recipe.json5", "report.html",
      ])
    let page = try FileSystem.readText(path + "/report.html")
    for part in [
      "verdict", "summary", "steps", "retrieval", "pairs", "classes", "map", "hardest",
      "definitions",
    ] {
      #expect(page.contains("<h2 id=\"\(part)\">"), "\(part)")
    }
    // One file that needs no network and no script, with nothing that is no number in its drawings.
    for word in ["http", "<script", "\"nan", "nan,", ",nan", "inf,"] {
      #expect(!page.contains(word), "\(word)")
    }
    #expect(page.contains("data:image/png;base64,"))
    let drawn = page.components(separatedBy: "<circle").count - 1
    #expect(drawn == 3 * 896)
    let lines = try FileSystem.readText(path + "/metrics.jsonl").split(separator: "\n")
    #expect(lines.count == 1 + 12 + 3)
    let model = try TrainedModel(run: path)
    #expect(model.encoder.embeddingSize == 8)
    #expect(model.classNames.count == 5)
    #expect(try Recipe(path: path + "/recipe.json5").json == result.recipe.json)
  }

  @Test func theSameBitsForAnyNumberOfThreadsAndEveryTime() throws {
    let scratch = try Scratch()
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    var models: [[UInt8]] = []
    for (i, threads) in [1, 2, 3, 1].enumerated() {
      Parallel.threadCount = threads
      try train(into: scratch.path + "/\(i)")
      models.append(try FileSystem.read(scratch.path + "/\(i)/model.safetensors"))
    }
    #expect(models.dropFirst().allSatisfy { $0 == models[0] })
    try train(["training.seed=1"], into: scratch.path + "/other")
    #expect(try FileSystem.read(scratch.path + "/other/model.safetensors") != models[0])
  }

  @Test func stepsSayHowLongTheyWaitedForBatches() throws {
    let scratch = try Scratch()
    var ends: [(waited: Double, seconds: Double)] = []
    _ = try Training.train(
      Recipe(
        [
          "data": ["name": "digits"], "model": ["name": "linear"],
          "losses": [["name": "contrastive"]],
          "sampler": ["name": "m-per-class", "classes": 5, "perClass": 4],
          "training": ["steps": 5],
        ], at: "test"),
      into: RunFolder(scratch.path + "/run"), dataRoot: "data", resuming: false
    ) { event in
      if case .stepsEnded(let waited, _, let seconds) = event { ends.append((waited, seconds)) }
      return false
    }
    let end = try #require(ends.first)
    #expect(ends.count == 1)
    #expect(end.waited > 0 && end.waited < end.seconds)
  }

  /// A run that ended before its first checkpoint can be resumed, but not a folder of something else.
  @Test func resumingBeforeTheFirstCheckpointStartsAnew() throws {
    let scratch = try Scratch()
    try train(into: scratch.path + "/whole")
    let run = scratch.path + "/run"
    try train(into: run)
    for name in ["model.safetensors", "evaluation.json", "checkpoint/state.safetensors"] {
      try FileManager.default.removeItem(atPath: run + "/" + name)
    }
    try? FileManager.default.removeItem(atPath: run + "/report.html")
    try train(into: run, resuming: true)
    for file in ["model.safetensors", "metrics.jsonl"] {
      let bytes = try FileSystem.read(run + "/" + file)
      #expect(try bytes == FileSystem.read(scratch.path + "/whole/" + file))
    }
    try FileManager.default.removeItem(atPath: run + "/checkpoint/state.safetensors")
    #expect(throws: Failure.self) { try train(into: run, resuming: true) }
    #expect(throws: Failure.self) { try train(into: scratch.path + "/none", resuming: true) }
  }

  @Test(arguments: [
    ["training.keep=last"], ["losses=\(withMemory)"],
    ["losses=\(withMomentum)"], ["losses=\(withQueue)"], ["losses=\(withBank)"],
    ["training.chunk=7"],
    ["sampler={name:'hardness-weighted',classes:5,perClass:4,every:3}"],
    ["sampler={name:'topic-clustered',classes:4,perClass:4,topics:2,every:4}"],
    ["sampler={name:'coreset',classes:5,perClass:4,every:7}"],
    ["losses=\(withState)"], ["losses=[{name: 'nt-xent', modifiers: ['self-supervised']}]"],
    ["training.keep=best", "training.validation=0.4", "sampler.classes=3"],
  ])
  func aStoppedRunGoesOnBitForBit(overrides: [String]) throws {
    let scratch = try Scratch()
    try train(overrides, into: scratch.path + "/whole")
    #expect(try train(overrides, into: scratch.path + "/parts", stopAfter: 5) == nil)
    #expect(!FileSystem.exists(scratch.path + "/parts/model.safetensors"))
    #expect(
      try train(overrides, into: scratch.path + "/parts", resuming: true, stopAfter: 9) == nil)
    try train(overrides, into: scratch.path + "/parts", resuming: true)
    for file in ["model.safetensors", "metrics.jsonl", "evaluation.json"] {
      #expect(
        try FileSystem.read(scratch.path + "/whole/" + file)
          == FileSystem.read(scratch.path + "/parts/" + file), "\(file)")
    }
  }

  @Test func resumingNeedsTheSameRecipeAndAGoodCheckpoint() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/run"
    let missing = #expect(throws: Failure.self) { try train(into: path, resuming: true) }
    #expect(missing?.kind == .noInput)
    try train(into: path, stopAfter: 4)
    let other = #expect(throws: Failure.self) {
      try train(["training.seed=13"], into: path, resuming: true)
    }
    #expect(other?.description.contains("another recipe") == true)
    let checkpoint = RunFolder(path).checkpoint
    var bytes = try FileSystem.read(checkpoint)
    bytes[bytes.count - 5] ^= 1
    try FileSystem.write(bytes, to: checkpoint)
    let damaged = #expect(throws: Failure.self) { try train(into: path, resuming: true) }
    #expect(damaged?.description.contains("damaged") == true)
    try FileSystem.write(Array(bytes.prefix(bytes.count / 2)), to: checkpoint)
    #expect(throws: Failure.self) { try train(into: path, resuming: true) }
  }

  @Test func aFolderInUseIsLeftAlone() throws {
    let scratch = try Scratch()
    try FileSystem.write("precious", to: scratch.path + "/notes.txt")
    let failure = #expect(throws: Failure.self) { try train(into: scratch.path) }
    #expect(failure?.kind == .cannotWrite)
    #expect(try FileSystem.list(scratch.path) == ["notes.txt"])
    #expect(throws: Failure.self) { try train(into: scratch.path + "/notes.txt/run") }
  }

  @Test func nothingIsWrittenWhenTheDataDoNotFit() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/run"
    for overrides in [
      ["model.blocks=5"], ["sampler.classes=6"], ["data.name=omniglot", "data.root=/nowhere"],
      ["data={name:'folder', path:'/nowhere'}"],
    ] {
      #expect(throws: Failure.self) { try train(overrides, into: path) }
      #expect(!FileSystem.exists(path))
    }
  }

  @Test func twoViewsNeedAnAugmentation() throws {
    let scratch = try Scratch()
    let losses = "losses=[{name: 'nt-xent', modifiers: ['self-supervised']}]"
    let failure = #expect(throws: Failure.self) {
      try train([losses, "augmentation=null"], into: scratch.path + "/run")
    }
    #expect(failure?.description.contains("augmentation") == true)
  }

  @Test func lossParametersHaveALearningRateOfTheirOwn() throws {
    let scratch = try Scratch()
    func proxies(_ name: String, _ overrides: [String]) throws -> [Float] {
      try train(["optimizer.name=adamw"] + overrides, into: scratch.path + "/" + name)
      let model = try TrainedModel(run: scratch.path + "/" + name)
      return try #require(model.loss.parameters.first).value.elements(as: Float.self)
    }
    let still = ["optimizer.lossLearningRate=0", "optimizer.lossWeightDecay=0"]
    let short = try proxies("short", still + ["training.steps=4"])
    #expect(try proxies("still", still) == short)
    #expect(try proxies("moved", []) != short)
    // Only decay moves them: by the factor (1 - rate × decay) a step.
    let decayed = try proxies(
      "decayed", ["optimizer.lossLearningRate=1e-7", "optimizer.lossWeightDecay=1e6"])
    let factor = pow(0.9, 12) as Double
    #expect(zip(decayed, short).allSatisfy { abs(Double($0) - Double($1) * factor) < 1e-5 })
  }

  @Test func classifiersGiveClosedSetAccuracy() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/run"
    let losses = "losses=[{name: 'contrastive'}, {name: 'normalized-softmax'}]"
    try train([losses, "training.steps=30"], into: path)
    let model = try TrainedModel(run: path)
    let items = try TrainingData(model.recipe, root: "data").train
    let embeddings = try embed(items, with: model.encoder)
    let evaluation = try judge(embeddings, of: items)
    let found = model.addingClosedSetAccuracy(to: evaluation, of: items, embeddings: embeddings)
    let accuracy = try #require(found["closed-set-accuracy"])
    // A fifth by chance.
    #expect(accuracy > 0.4)
    let test = try TrainingData(model.recipe, root: "data").test
    let unknown = model.addingClosedSetAccuracy(
      to: evaluation, of: test, embeddings: try embed(test, with: model.encoder))
    #expect(unknown.entries.last?.value == nil && unknown.entries.last?.reason.isEmpty == false)
    try train(["losses=[{name: 'contrastive'}]"], into: scratch.path + "/pairs")
    let pairs = try TrainedModel(run: scratch.path + "/pairs")
    #expect(
      pairs.addingClosedSetAccuracy(to: evaluation, of: items, embeddings: embeddings)
        == evaluation)
  }

  @Test func anEarlyStopIsHonoured() throws {
    let scratch = try Scratch()
    let result = try #require(
      try train(
        ["training.steps=400", "training.evaluateEvery=1", "training.patience=2"],
        into: scratch.path + "/run"))
    #expect(result.steps < 400)
  }
}
