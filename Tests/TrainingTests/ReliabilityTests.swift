import Autodiff
import Data
import Files
import Foundation
import Index
import Losses
import Models
import Settings
import Testing

import Training

/// Four classes of ten items around their means; small enough for a run in milliseconds.
func smallData(_ change: (inout [Float]) -> Void = { _ in }) -> TrainingData {
  var random = Random(seed: 11)
  func items(_ name: String, from first: Int) -> Dataset {
    let labels = (0..<40).map { $0 / 10 }
    let means = (0..<4).map { _ in (0..<6).map { _ in random.normal() } }
    var values = labels.flatMap { c in means[c].map { Float($0 + 0.3 * random.normal()) } }
    if name == "train" { change(&values) }
    return Dataset(
      name: name, itemShape: [6], values: values, labels: labels,
      classNames: (0..<4).map { "class \(first + $0)" },
      itemNames: labels.indices.map { "\(name)#\($0)" })
  }
  return TrainingData(
    DataSplit(train: items("train", from: 0), test: items("test", from: 4)), validation: 0,
    random: random)
}

func smallRecipe(_ overrides: [String] = []) throws -> Recipe {
  var value: JSONValue = [
    "data": ["name": "digits"],
    "model": ["name": "mlp", "hidden": [16, 16], "embedding": 4, "normalize": false],
    "losses": [["name": "contrastive", "normalize": false]],
    "sampler": ["name": "m-per-class", "classes": 2, "perClass": 2],
    "optimizer": ["name": "sgd", "learningRate": 0.01],
    "training": ["steps": 150, "evaluateEvery": 50, "checkpointEvery": 1, "report": false],
  ]
  for override in overrides { try value.set(override) }
  return try Recipe(value, at: "test")
}

/// Trains on the digits; stops after a step if asked to.
@discardableResult
func trainSmall(
  _ overrides: [String] = [], into path: String, resuming: Bool = false, stopAfter stop: Int? = nil,
  onEvent: (RunEvent) -> Void = { _ in }
) throws -> RunResult? {
  try Training.train(
    smallRecipe(overrides), into: RunFolder(path), dataRoot: "data", resuming: resuming
  ) { event in
    onEvent(event)
    if case .stepped(let report, _) = event, report.step == stop { return true }
    return false
  }
}

@Suite struct NumbersThatAreNone {
  /// Weights grow until a step makes NaN, of which the loss is 0.
  @Test(arguments: [0, 1, 2, 100]) func theLastGoodCheckpointIsKept(every: Int) throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    let settings = ["optimizer.learningRate=1e6", "training.checkpointEvery=\(every)"]
    let failure = try #require(
      #expect(throws: Failure.self) { try trainSmall(settings, into: run) })
    #expect(failure.kind == .badData)
    let step = try #require(failure.place.split(separator: " ").last.flatMap { Int($0) })
    #expect(failure.place == "step \(step)" && step < 100)
    for word in [
      "model mlp", "operation 'affine'", "layer ", "optimizer.learningRate", "batch",
      "holds step \(step - 1), the last good one",
    ] { #expect(failure.description.contains(word), "\(failure)") }
    // The checkpoint is of the step before, and all of it is finite.
    let file = try Checkpoint.read(RunFolder(run).checkpoint)
    #expect(file.metadata["step"] == "\(step - 1)")
    for (name, tensor) in try file.tensorsByName(at: run) { #expect(tensor.isFinite, "\(name)") }
    // What went wrong goes wrong again.
    let again = #expect(throws: Failure.self) {
      try trainSmall(settings, into: run, resuming: true)
    }
    #expect(again == failure)
    #expect(!FileSystem.exists(RunFolder(run).lock))
  }

  @Test func dataThatAreNotFiniteAreNamed() throws {
    for value in [Float.nan, .infinity] {
      var trainer = try Trainer(smallRecipe(), data: smallData { $0[17 * 6 + 2] = value })
      let failure = #expect(throws: Failure.self) {
        for _ in 0..<200 { _ = try trainer.takeStep() }
      }
      #expect(failure?.description.contains("train#17") == true, "\(failure as Any)")
      #expect(failure?.place == "step \(trainer.step + 1)")
      // The step that failed has changed nothing.
      #expect(trainer.objective.state.allSatisfy { $0.value.isFinite })
    }
  }

  /// As items grow, an embedding of the second step is infinite, then a gradient, then a loss.
  @Test func anInfiniteLossOrGradientStopsAtItsStep() throws {
    let losses =
      "losses=[{name:'contrastive', distance:'squared-euclidean', normalize: false, weight: 1e9}]"
    var found: [String] = []
    for exponent in stride(from: 14, through: 18, by: 0.1) {
      let scale = Float(pow(10, exponent))
      var trainer = try Trainer(
        smallRecipe([losses]), data: smallData { $0 = $0.map { $0 * scale } })
      let failure = try #require(
        #expect(throws: Failure.self) { for _ in 0..<9 { _ = try trainer.takeStep() } })
      guard trainer.step == 0 else { continue }
      #expect(failure.description.contains("step 1: model mlp"), "\(failure)")
      #expect(trainer.objective.state.allSatisfy { $0.value.isFinite })
      found.append(failure.found)
    }
    #expect(found.contains { $0.contains("the loss is infinity") }, "\(found)")
    #expect(found.contains { $0.contains("the gradient of encoder.") }, "\(found)")
  }

  /// A finite gradient whose square is not, in the optimiser's memory.
  @Test func theOptimizersMemoryIsLookedAtBeforeACheckpoint() throws {
    var trainer = try Trainer(smallRecipe(["optimizer={name:'adamw'}"]), data: smallData())
    _ = try trainer.takeStep()
    trainer.optimizer.states[0][1] = Tensor(
      repeating: .infinity, shape: trainer.optimizer.states[0][1].shape, dtype: .float32)
    let scratch = try Scratch()
    let failure = #expect(throws: Failure.self) {
      try Checkpoint.write(trainer, in: RunFolder(scratch.path))
    }
    #expect(
      failure?.description.contains("the optimizer's memory of encoder.hidden1.weight") == true)
    #expect(try FileSystem.list(scratch.path).isEmpty)
  }

  @Test func detectingAnomaliesStopsAtAnyOperation() throws {
    let data = smallData { $0 = $0.map { $0 * 1e30 } }
    var trainer = try Trainer(smallRecipe(), data: data)
    trainer.detectsAnomalies = true
    let failure = #expect(throws: Failure.self) { _ = try trainer.takeStep() }
    #expect(failure?.description.contains("operation '") == true, "\(failure as Any)")
    var calm = try Trainer(smallRecipe(), data: smallData())
    var plain = calm
    calm.detectsAnomalies = true
    for _ in 0..<5 { #expect(try calm.takeStep().loss == plain.takeStep().loss) }
  }

  /// No operation of a sound step gives NaN or infinity, so that none stops a run for nothing.
  @Test func soundStepsHaveNoAnomaly() throws {
    var count = 0
    for loss in allLosses {
      var value: JSONValue = [
        "data": ["name": "digits"], "model": ["name": "mlp", "hidden": [8], "embedding": 4],
        "losses": [["name": .string(loss.name)]],
        "sampler": ["name": "m-per-class", "classes": 3, "perClass": 4],
      ]
      try value.set("training.steps=3")
      guard var trainer = try? Trainer(Recipe(value, at: loss.name), data: smallData()) else {
        continue
      }
      trainer.detectsAnomalies = true
      for _ in 0..<2 {
        do { _ = try trainer.takeStep() } catch { Issue.record("\(loss.name): \(error)") }
      }
      count += 1
    }
    #expect(count > 50)
  }

  @Test func modelsThatAreDamagedAreRefused() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    try trainSmall(["training.steps=3"], into: run)
    let path = RunFolder(run).model
    let good = try FileSystem.read(path)
    for place in [good.count - 3, good.count / 2] {
      var bytes = good
      bytes[place] ^= 4
      try FileSystem.write(bytes, to: path)
      let failure = #expect(throws: Failure.self) { try TrainedModel(run: run) }
      #expect(failure?.kind == .badData)
    }
    // A model that an earlier version wrote: no checksum, and NaN among its weights.
    var file = try SafetensorsFile(good, at: path)
    file.metadata = file.metadataWithoutChecksum
    try file.write(to: path)
    _ = try TrainedModel(run: run)
    let spoilt = try #require(file.tensors.firstIndex { $0.name == "encoder.hidden2.weight" })
    file.tensors[spoilt].bytes.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
    try file.write(to: path)
    let failure = #expect(throws: Failure.self) { try TrainedModel(run: run) }
    #expect(failure?.description.contains("encoder.hidden2.weight") == true)
  }

  @Test func embeddingsThatAreNoNumbersAreRefused() throws {
    let scratch = try Scratch()
    try trainSmall(["training.steps=3"], into: scratch.path + "/run")
    let model = try TrainedModel(run: scratch.path + "/run")
    let items = scratch.path + "/x.npy"
    var values = [Float](repeating: 0.5, count: 3 * 64)
    for i in 64..<128 { values[i] = i % 2 == 0 ? 3e38 : -3e38 }
    try NumPyArray(shape: [3, 64], elements: .float32(values)).write(to: items)
    let failure = try #require(#expect(throws: Failure.self) { try model.embed(items) })
    #expect(failure.kind == .badData && failure.place.hasSuffix("x.npy#1"), "\(failure)")
    #expect(failure.description.contains("layer hidden"), "\(failure)")
  }
}

@Suite struct Resuming {
  @Test func aRefusalNamesTheKeysThatDiffer() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    try trainSmall(into: run, stopAfter: 3)
    let failure = try #require(
      #expect(throws: Failure.self) {
        try trainSmall(
          ["optimizer.learningRate=0.02", "losses.1={name: 'proxy-anchor'}", "training.seed=4"],
          into: run, resuming: true)
      })
    for words in [
      "another recipe", "optimizer.learningRate was 0.01 and is 0.02", "losses.1 was not there",
      "training.seed was 0 and is 4",
    ] { #expect(failure.description.contains(words), "\(failure)") }
    let model = #expect(throws: Failure.self) {
      try trainSmall(["model={name:'linear', embedding: 4}"], into: run, resuming: true)
    }
    #expect(model?.description.contains("model.name was \"mlp\" and is \"linear\"") == true)
  }

  @Test func aRunMayGoOnForLonger() throws {
    let scratch = try Scratch()
    let (run, whole) = (scratch.path + "/run", scratch.path + "/whole")
    try trainSmall(["training.steps=100"], into: run)
    try trainSmall(["training.steps=150"], into: run, resuming: true)
    try trainSmall(["training.steps=150"], into: whole)
    for file in ["model.safetensors", "metrics.jsonl", "evaluation.json", "recipe.json5"] {
      let bytes = try FileSystem.read(run + "/" + file)
      #expect(try bytes == FileSystem.read(whole + "/" + file), "\(file)")
    }
    let less = #expect(throws: Failure.self) {
      try trainSmall(["training.steps=120"], into: run, resuming: true)
    }
    #expect(less?.description.contains("has taken 150 steps") == true)
    let cosine = "schedule={name:'cosine'}"
    try trainSmall(["training.steps=20", cosine], into: scratch.path + "/cosine")
    let refused = #expect(throws: Failure.self) {
      try trainSmall(
        ["training.steps=40", cosine], into: scratch.path + "/cosine", resuming: true)
    }
    #expect(refused?.description.contains("schedule \"cosine\"") == true)
    #expect(refused?.description.contains("20") == true)
  }

  @Test func theOlderCheckpointIsUsedWhereTheNewestIsDamaged() throws {
    let scratch = try Scratch()
    let (run, whole) = (scratch.path + "/run", scratch.path + "/whole")
    let few = ["training.steps=9", "training.checkpointEvery=3"]
    try trainSmall(few, into: whole)
    let folder = RunFolder(run)
    for damage in ["flip", "cut", "empty", "gone"] {
      try? FileManager.default.removeItem(atPath: run)
      try trainSmall(few, into: run, stopAfter: 7)
      var bytes = try FileSystem.read(folder.checkpoint)
      switch damage {
      case "flip": bytes[bytes.count - 9] ^= 16
      case "cut": bytes.removeLast(bytes.count / 2)
      case "empty": bytes = []
      default: break
      }
      if damage == "gone" {
        try FileManager.default.removeItem(atPath: folder.checkpoint)
      } else {
        try FileSystem.write(bytes, to: folder.checkpoint)
      }
      var warnings: [String] = []
      try trainSmall(few, into: run, resuming: true) {
        if case .warned(let text) = $0 { warnings.append(text) }
      }
      #expect(warnings.contains { $0.contains("of step 6") }, "\(damage): \(warnings)")
      for file in ["model.safetensors", "metrics.jsonl"] {
        #expect(
          try FileSystem.read(run + "/" + file) == FileSystem.read(whole + "/" + file), "\(damage)")
      }
    }
    // Both damaged: refused, and nothing is touched.
    for path in [folder.checkpoint, folder.previousCheckpoint] {
      try FileSystem.write([1, 2, 3], to: path)
    }
    #expect(throws: Failure.self) { try trainSmall(few, into: run, resuming: true) }
    #expect(try FileSystem.read(folder.checkpoint) == [1, 2, 3])
  }

  @Test func aLogWithOtherThingsInItIsReadAsFarAsItGoes() throws {
    let scratch = try Scratch()
    let (run, whole) = (scratch.path + "/run", scratch.path + "/whole")
    let few = ["training.steps=8"]
    try trainSmall(few, into: whole)
    for line: [UInt8] in [
      Array("{\"step\": 1e300}\n".utf8), Array("{\"step\": -1e300}\n{\"step\": 1e19}".utf8),
      Array("{\"step\": 6, \"loss\": 0.".utf8), [0xFF, 0xC3, 0x0A, 0, 0, 0], Array("[]\n\n7".utf8),
    ] {
      try? FileManager.default.removeItem(atPath: run)
      try trainSmall(few, into: run, stopAfter: 5)
      let log = RunFolder(run).metrics
      try FileSystem.write(try FileSystem.read(log) + line, to: log)
      try trainSmall(few, into: run, resuming: true)
      let lines = try FileSystem.readText(log).split(separator: "\n")
        .filter { !$0.contains("-1e") }
      #expect(
        try lines == FileSystem.readText(whole + "/metrics.jsonl").split(separator: "\n"))
    }
  }
}

@Suite struct Locks {
  @Test func twoTrainingsDoNotShareAFolder() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    var failures: [Failure] = []
    try trainSmall(["training.steps=4"], into: run) { event in
      guard case .stepped(let report, _) = event, report.step == 2 else { return }
      for resuming in [false, true] {
        do { try trainSmall(["training.steps=4"], into: run, resuming: resuming) } catch {
          if let failure = error as? Failure { failures.append(failure) }
        }
      }
    }
    #expect(failures.count == 2)
    for failure in failures {
      #expect(failure.kind == .cannotWrite)
      #expect(failure.description.contains("another training writes here (process \(getpid()) on"))
    }
    let lines = try FileSystem.readText(run + "/metrics.jsonl").split(separator: "\n")
    // Four steps, and what was watched before the first and after the last.
    #expect(lines.count == 4 + 2)
    #expect(try !FileSystem.list(run).contains("lock"))
  }

  @Test func aStaleLockIsTakenOver() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    try trainSmall(["training.steps=4"], into: run, stopAfter: 2)
    for text in [
      "{\"pid\": 4194304, \"host\": \"away\", \"started\": \"then\"}", "", "{\"pid\": 1e99",
    ] {
      try FileSystem.write(text, to: RunFolder(run).lock)
      var warnings: [String] = []
      try trainSmall(["training.steps=4"], into: run, resuming: true) {
        if case .warned(let text) = $0 { warnings.append(text) }
      }
      #expect(warnings.contains { $0.contains("process 4194304 on away") } == text.contains("away"))
      #expect(!FileSystem.exists(RunFolder(run).lock))
    }
  }

  /// Numbers in a recipe that would take all memory, and those that do not fit the data.
  @Test(arguments: [
    "sampler.classes=70", "sampler.perClass=1000000",
    "sampler={name:'class-balanced',count:1000000}",
    "sampler={name:'no-duplicates',classes:5,perClass:1000000}",
    "sampler={name:'fixed-triplets',count:1000000,perBatch:1000000}",
    "sampler={name:'coreset',classes:5,perClass:1000000}",
    "losses=[{name:'contrastive',memory:{size:1000000}},{name:'d-simplex',classes:4611686018427387904}]",
    "losses=[{name:'d-simplex',classes:1000000000}]",
    "model={name:'mlp',hidden:[65536,65536],embedding:65536}",
  ])
  func aFailedStartLeavesNoFolder(override: String) throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    let failure = #expect(throws: Failure.self) { try trainSmall([override], into: run) }
    #expect(failure?.kind == .badData, "\(failure as Any)")
    #expect(!FileSystem.exists(run))
  }
}

@Suite struct Pace {
  private func settings(_ members: [String: JSONValue]) throws -> TrainingSettings {
    try TrainingSettings().setting(members, at: "test")
  }

  /// Steps of a millisecond, checkpoints of fifty.
  @Test(arguments: [0, 1, 10, 1000])
  func checkpointsTakeAShareOfTheTime(evaluateEvery: Int) throws {
    let settings = try settings(["evaluateEvery": JSONValue(evaluateEvery)])
    let start = ContinuousClock.now
    var now = start
    var pace = CheckpointPace(settings, from: start)
    var count = 0
    for step in 1...100_000 {
      now += .milliseconds(1)
      guard pace.isDue(after: step, at: now) else { continue }
      pace.wrote(from: now, to: now + .milliseconds(50))
      now += .milliseconds(50)
      count += 1
      #expect(pace.spent <= (now - start) * CheckpointPace.share + .milliseconds(50))
    }
    #expect(count > 20 && pace.spent <= (now - start) * 0.021)
  }

  @Test func aLongRunWithoutEvaluationsIsSavedEachMinute() throws {
    let start = ContinuousClock.now
    var pace = CheckpointPace(try settings(["evaluateEvery": 1_000_000]), from: start)
    var (now, count) = (start, 0)
    for step in 1...3600 {
      now += .seconds(1)
      guard pace.isDue(after: step, at: now) else { continue }
      pace.wrote(from: now, to: now)
      count += 1
    }
    #expect(count == 60)
    // What a recipe asks for is done.
    let exact = CheckpointPace(try settings(["checkpointEvery": 3]), from: start)
    #expect((1...9).filter { exact.isDue(after: $0, at: start) } == [3, 6, 9])
  }

  @Test func aRunWithoutEvaluationsSpendsItsTimeOnSteps() throws {
    let scratch = try Scratch()
    var ends: [(saving: Double, seconds: Double)] = []
    try trainSmall(
      ["training.steps=1500", "training.evaluateEvery=0", "training.checkpointEvery=0"],
      into: scratch.path + "/run"
    ) { if case .stepsEnded(_, let saving, let seconds) = $0 { ends.append((saving, seconds)) } }
    let end = try #require(ends.first)
    // One is at the end in any case, and one may come just before.
    #expect(end.saving > 0 && end.saving <= 0.02 * end.seconds + 0.2, "\(end)")
  }

  @Test func dataAreHashedOnce() {
    let data = smallData().train
    let copy = data
    #expect(data.hash == copy.hash && data.identity == copy.identity)
    #expect(data.hash != smallData { $0[0] += 1 }.train.hash)
  }

  @Test func theTimeLeftIsSaneFromTheThirdSecondOn() {
    let start = ContinuousClock.now
    // A resumed run: 5000 steps were done before; the first step takes a second, the others 1 ms.
    var left = TimeLeft()
    #expect(left.seconds(of: 10_000) == nil)
    var now = start + .seconds(1)
    for step in 5001...9999 {
      left.note(step, at: now)
      now += .milliseconds(1)
      guard now - start >= .seconds(3) else { continue }
      let truth = Double(10_000 - step) * 0.001
      let found = left.seconds(of: 10_000) ?? .infinity
      #expect(found >= 0.5 * truth && found <= 2 * truth, "step \(step): \(found) for \(truth)")
    }
    // Nothing done for long, or done before its time: no number that is none.
    var stuck = TimeLeft()
    for second in 0..<1000 { stuck.note(3, at: start + .seconds(second)) }
    #expect(stuck.seconds(of: 10) == nil)
    stuck.note(12, at: start + .seconds(1001))
    #expect(stuck.seconds(of: 10) == 0)
    // Another piece of work begins anew: nothing of the pace of the first counts.
    stuck.note(0, at: start + .seconds(2000))
    #expect(stuck.seconds(of: 100) == nil)
    stuck.note(50, at: start + .seconds(2001))
    #expect(stuck.seconds(of: 100) == 1)
  }

  @Test func batchesLargerThanTheDataAreWarnedOf() throws {
    let few = try Trainer(smallRecipe(["sampler.perClass=21"]), data: smallData())
    #expect(few.warnings.contains { $0.contains("42 items") && $0.contains("only 40") })
    let enough = try Trainer(smallRecipe(["sampler.perClass=20"]), data: smallData())
    #expect(enough.warnings.isEmpty)
  }

  /// One class judged on gives recall 1 whatever was learned.
  @Test func oneClassToJudgeOnIsWarnedOf() throws {
    let data = smallData()
    let one = TrainingData(
      DataSplit(train: data.train, test: data.test.keeping(classes: [2])), validation: 0,
      random: Random(seed: 0))
    let warnings = try Trainer(smallRecipe([]), data: one).warnings
    #expect(warnings.count == 1 && warnings[0].contains("of one class"), "\(warnings)")
  }
}
