import Autodiff
import Foundation
import Geometry
import Losses
import Miners
import Models
import Settings
import Training

/// A training step of one kind: model, loss and batch.
private struct StepCase {
  let name: String
  let architecture: any Architecture
  let inputShape: [Int]
  let batch: Int
  let loss: LossTerm
  var groups = ParameterGroups()
}

private func stepCases() -> [StepCase] {
  var mlp = MLP()
  (mlp.hidden, mlp.embedding) = ([1024], 128)
  var linear = Linear()
  linear.embedding = 768
  var adapter = Adapter()
  adapter.rank = 64
  var triplet = TripletMarginLoss()
  triplet.margin = 0.2
  let batchHard = LossTerm(name: "triplet-margin", loss: triplet, miner: BatchHardMiner())
  let multiSimilarity = LossTerm(
    name: "multi-similarity", loss: MultiSimilarityLoss(), miner: MultiSimilarityMiner())
  return [
    StepCase(
      name: "conv4", architecture: Conv4(), inputShape: [28, 28, 1], batch: 128, loss: batchHard),
    StepCase(name: "mlp", architecture: mlp, inputShape: [768], batch: 512, loss: batchHard),
    StepCase(
      name: "mlp-frozen", architecture: mlp, inputShape: [768], batch: 512, loss: batchHard,
      groups: ParameterGroups([ParameterGroup("encoder.hidden*", frozen: true)])),
    StepCase(
      name: "mlp-multi-similarity", architecture: mlp, inputShape: [768], batch: 512,
      loss: multiSimilarity),
    StepCase(name: "linear", architecture: linear, inputShape: [768], batch: 256, loss: batchHard),
    StepCase(
      name: "adapter", architecture: adapter, inputShape: [768], batch: 256, loss: batchHard),
  ]
}

/// Times whole training steps (forward, mining, loss, backward, AdamW) on fixed random batches,
/// four items a class, and the embedding of images.
@Sendable func benchStep(_ arguments: Arguments) throws {
  let only = arguments.allValues("--only")
  let repeats = try arguments.wholeNumber("--repeat", in: 1...1_000_000)
  var results: [Measurement] = []
  for one in stepCases() where only.isEmpty || only.contains(one.name) {
    let batch = try arguments.wholeNumber("--batch", in: 8...65_536) ?? one.batch
    var random = Random(seed: 3)
    let encoder = try one.architecture.makeEncoder(
      inputShape: one.inputShape, random: random.split("model"), at: one.name)
    var objective = Objective(encoder: encoder, loss: CompositeLoss([one.loss]))
    let groups = one.groups
    var optimizer = Optimizer(AdamW(), groups: groups, for: objective)
    let input = Tensor(
      normal: [batch] + one.inputShape, deviation: 1, dtype: .float32, random: &random)
    let labels = (0..<batch).map { $0 / 4 }
    results.append(
      Measurement("step \(one.name), batch \(batch)", budget: 3, repeats: repeats) {
        var pass = Pass(isTraining: true)
        let (_, gradient) = valueWithGradient(
          at: objective, where: { !groups.isFrozen($0) }
        ) { objective in
          objective.loss(objective.encoder(input, in: &pass), labels: labels, random: random).value
        }
        optimizer.update(&objective, along: gradient)
        objective.encoder.absorb(pass)
      })
  }
  if only.isEmpty || only.contains("health") {
    var random = Random(seed: 3)
    let embeddings = Tensor(normal: [512, 128], deviation: 1, dtype: .float32, random: &random)
    let labels = (0..<512).map { $0 / 4 }
    results.append(
      Measurement("health of a batch of 512", budget: 1) {
        _ = EmbeddingHealth(embeddings, labels: labels)
      })
  }
  if only.isEmpty || only.contains("embed") {
    var random = Random(seed: 3)
    let encoder = try Conv4().makeEncoder(
      inputShape: [28, 28, 1], random: random.split("model"), at: "conv4")
    let images = Tensor(normal: [250, 28, 28, 1], deviation: 1, dtype: .float32, random: &random)
    results.append(
      Measurement("embed 10,000 images with conv4", budget: 3) {
        for _ in 0..<40 { _ = encoder.embed(images) }
      })
  }
  show(results, arguments)
}

/// Times from the start of a process to the end of its first training step on the digits.
@Sendable func benchStart(_ arguments: Arguments) throws {
  guard let program = Bundle.main.executablePath else {
    throw Failure(.cannotRead, at: "kindred bench start", "the program cannot find itself")
  }
  var failure: (any Error)?
  let measurement = Measurement("start to first step", budget: 2) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["bench", "first-step"]
    do {
      try process.run()
      process.waitUntilExit()
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  show([measurement], arguments)
}

/// One training step on the digits and nothing else; see ``benchStart(_:)``.
@Sendable func takeFirstStep(_ arguments: Arguments) throws {
  let recipe = try Recipe(
    [
      "data": ["name": "digits"],
      "model": ["name": "conv4", "blocks": 2, "width": 32, "embedding": 32],
      "losses": [["name": "multi-similarity", "miner": ["name": "multi-similarity"]]],
      "sampler": ["name": "m-per-class", "classes": 5, "perClass": 16],
    ], at: "first-step")
  var trainer = try Trainer(recipe, data: TrainingData(recipe, root: "data"))
  _ = try trainer.takeStep()
}
