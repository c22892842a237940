import Autodiff
import Data
import Evaluation
import Models
import Settings

extension PairTrainer: RunTrainer {
  package var parameterNames: [String] { objective.parameters.map(\.name) }
  package var checkpointTensors: [(name: String, value: Tensor)] {
    objective.state + (maker.minedTensor.map { [("sampler.mined", $0)] } ?? [])
  }

  package var bestModel: (step: Int, score: Double, tensors: [(name: String, value: Tensor)])? {
    best.map { ($0.step, $0.score, $0.objective.state) }
  }

  package mutating func load(_ tensors: [String: Tensor], at path: String) throws(Failure) {
    try objective.load(tensors, prefix: "", at: path)
    if let fresh = maker.minedTensor {
      try maker.takeMined(
        try matching(tensors["sampler.mined"], fresh, "sampler.mined", at: path), at: path)
    }
  }

  package mutating func loadBest(
    step: Int, score: Double, _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure) {
    var kept = objective
    try kept.load(tensors, prefix: prefix, at: path)
    best = Best(step: step, score: score, objective: kept)
  }

  /// Queries and documents that go through the encoders.
  var itemsPerStep: Int {
    let sampler = recipe.sampler.value
    return min(sampler.batch, maker.train.count) * (2 + sampler.negatives)
  }

  var startEvents: [RunEvent] { [.startedPairs(trainer: self)] }

  var warnings: [String] {
    let (batch, queries) = (recipe.sampler.value.batch, maker.train.count)
    guard batch > queries else { return data.notes }
    return data.notes + [
      "a batch has \(batch) queries and there are only \(queries) to train on, so that all are in each"
    ]
  }

  /// What `environment.json` holds.
  var environment: JSONValue {
    let train: JSONValue = [
      "name": .string(data.name), "queries": JSONValue(data.queries.count),
      "documents": JSONValue(data.documents.count), "trainedOn": JSONValue(maker.train.count),
      "judgedOn": JSONValue(data.test.count), "identity": .string(dataIdentity),
    ]
    return environmentValue(ofData: ["pairs": train])
  }

  mutating func prepareStep() throws(Failure) {
    guard looksAtItems(before: step) else { return }
    maker.mined = try data.nearest(
      to: maker.train, by: objective.encoders, count: recipe.sampler.value.mineFrom, recipe)
  }

  func looksAtItems(before step: Int) -> Bool {
    let every = recipe.sampler.value.mineEvery
    return every > 0 && step % every == 0
  }

  var makeBatch: @Sendable (_ step: Int) -> PairBatch {
    let maker = maker
    return { maker.batch($0) }
  }

  func judgeWatched() throws(Failure) -> Evaluation { try judge(objective.encoders, on: watched) }

  mutating func watch() throws(Failure) -> Evaluation {
    let evaluation = try judgeWatched()
    let score = evaluation[recipe.training.monitor] ?? -Double.greatestFiniteMagnitude
    if best.map({ score > $0.score }) ?? true {
      best = Best(step: step, score: score, objective: objective)
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    return evaluation
  }

  /// The model that the run keeps, and the step that it is from.
  var kept: (objective: PairObjective, step: Int) {
    guard recipe.training.keep == .best, let best else { return (objective, step) }
    return (best.objective, best.step)
  }

  /// Judges encoders on some queries, among all documents.
  func judge(_ encoders: PairEncoders, on queries: [Int]) throws(Failure) -> Evaluation {
    try data.judge(encoders, on: queries, recipe)
  }

  /// The same of what the run began with: vectors as they are given, nil where those of both sides
  /// differ in width; texts by the encoders before the first step.
  func judgeGiven(on queries: [Int]) throws(Failure) -> Evaluation? {
    guard let asked = data.queries.vectors, let searched = data.documents.vectors else {
      return try judge(start, on: queries)
    }
    guard data.queries.kind == data.documents.kind else { return nil }
    return try data.judge(asked.rows(at: queries), among: searched, on: queries, recipe)
  }
}
