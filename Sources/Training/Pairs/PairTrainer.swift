import Autodiff
import Data
import Evaluation
import Losses
import Models
import Settings

/// A run of queries and documents in progress: everything that the next step depends on.
///
/// A value, as ``Trainer``: the state after a step depends on the recipe, the data and the step's
/// number alone.
public struct PairTrainer: Sendable {
  public let recipe: PairRecipe
  public let data: PairedData
  public internal(set) var objective: PairObjective
  /// The encoders before the first step.
  let start: PairEncoders
  package var optimizer: Optimizer
  /// The best model that was watched so far.
  var best: Best?
  package var evaluationsSinceBest = 0
  var detectsAnomalies = false
  /// The queries that the evaluations during the run look at, and what to call them.
  package let watched: [Int]
  package let watchedName: String
  package let dataIdentity: String
  package var maker: PairBatchMaker
  private let random: Random

  struct Best: Sendable {
    var step: Int
    var score: Double
    var objective: PairObjective
  }

  public init(_ recipe: PairRecipe, data: PairedData) throws(Failure) {
    (self.recipe, self.data, dataIdentity) = (recipe, data, data.identity)
    random = Random(seed: UInt64(recipe.training.seed))
    let encoders = try recipe.model.makeEncoders(
      of: data.queries.kind, and: data.documents.kind, random: random.split("model"), at: "model")
    start = encoders
    let held = Int((recipe.training.validation * Double(data.train.count)).rounded())
    var train = data.train
    if held > 0 {
      var order = random.split("validation")
      let kept = order.permutation(train.count)
      watched = kept.prefix(held).map { data.train[$0] }.sorted()
      train = kept.dropFirst(held).map { data.train[$0] }.sorted()
    } else {
      watched = data.test
    }
    watchedName = held > 0 ? "validation queries" : "test queries"
    let sampler = recipe.sampler.value
    let needsScores = recipe.losses.contains {
      if case .scores = $0.loss.value.targets { true } else { false }
    }
    guard sampler.mineEvery == 0 || (sampler.negatives > 0 && !needsScores) else {
      throw Failure(
        .badData, at: "sampler.mineEvery",
        needsScores
          ? "a loss asks for scores, which mined documents do not have" : "no negatives are drawn",
        expected: "0", remedy: needsScores ? "" : "set sampler.negatives")
    }
    maker = PairBatchMaker(
      data, train: train, sampler: sampler, needsScores: needsScores, random: random)
    let rows = 1 + sampler.negatives
    try MemoryBudget.check(
      [sampler.batch, sampler.batch, rows], bytesEach: 32, for: "the pairs of a batch",
      at: "sampler")
    try MemoryBudget.check(
      [sampler.batch, rows, encoders.embeddingSize], bytesEach: 16,
      for: "the documents of a batch", at: "sampler")
    var loss = ColumnLosses(recipe.losses)
    loss.makeParameters(
      dimension: encoders.embeddingSize, dtype: .float32, random: random.split("loss"))
    objective = PairObjective(encoders: encoders, loss: loss)
    try recipe.parameterGroups.validate(objective.parameters.map(\.name), at: "optimizer")
    optimizer = Optimizer(
      recipe.optimizer.value, groups: recipe.parameterGroups, for: objective,
      belongsToLoss: Objective.isLossParameter)
    try checkFirstBatch()
  }

  public var step: Int { optimizer.step }
  public var isFinished: Bool { step >= recipe.training.steps || hasStalled }
  /// Whether the run waited long enough for progress.
  public var hasStalled: Bool {
    recipe.training.patience > 0 && evaluationsSinceBest >= recipe.training.patience
  }

  /// Embeds a batch, differentiates and moves the parameters.
  ///
  /// - Throws: if a number is NaN or infinite. When it is a parameter after the step, the trainer is
  ///   spoilt; else it is as it was before.
  mutating func takeStep(on batch: PairBatch) throws(Failure) -> Trainer.StepReport {
    precondition(batch.step == step, "takeStep: the batch is for step \(batch.step), not \(step)")
    guard !batch.queries.isEmpty else {
      throw Failure(
        .badData, at: "step \(step + 1)",
        "no query goes together with documents that do not answer it",
        expected: "more documents", remedy: "lower sampler.negatives")
    }
    let found = try checkedStep(on: batch)
    var gradient = found.gradient
    if recipe.training.gradientClip > 0 { gradient.clip(toNorm: recipe.training.gradientClip) }
    let factor = recipe.schedule.value.factor(step: step, of: recipe.training.steps)
    optimizer.update(&objective, along: gradient, factor: factor)
    let groups = recipe.parameterGroups
    objective.encoders.absorb(found.passes) { groups.isFrozen($0) }
    for (name, tensor) in objective.state {
      try check(tensor, "\(name) after the step, of a finite gradient,", step: step)
    }
    let terms = zip(recipe.losses, found.values).map {
      (name: $0.loss.name, value: $1, active: $1 > 0 ? 1.0 : 0)
    }
    let rows = Array(0..<batch.queries.count)
    return Trainer.StepReport(
      step: step, loss: found.loss.item,
      active: terms.reduce(0) { $0 + $1.active } / Double(max(1, terms.count)),
      learningRate: recipe.optimizer.value.learningRate * factor, terms: terms,
      health: EmbeddingHealth(
        Tensor.concatenated([found.columns[0], found.columns[1]]), labels: rows + rows),
      warning: nil)
  }

  /// What a step found out before anything was changed.
  private struct Differentiated {
    var loss: Tensor
    var gradient: PairObjective
    var columns: [Tensor] = []
    var values: [Double] = []
    var passes: [Side: Pass] = [:]
  }

  private func checkedStep(on batch: PairBatch) throws(Failure) -> Differentiated {
    let inputs = (
      query: try objective.encoders[.query].input(batch.queries, of: data.queries),
      document: try objective.encoders[.document].input(batch.documents, of: data.documents)
    )
    let found: Differentiated
    if detectsAnomalies {
      let (step, anomaly) = detectingAnomalies { differentiated(batch, inputs) }
      if let anomaly { throw failure("\(anomaly)", step: batch.step + 1) }
      found = step
    } else {
      found = differentiated(batch, inputs)
    }
    do throws(Failure) {
      for (i, column) in found.columns.enumerated() {
        try check(column, i == 0 ? "an embedding of a query" : "that of a document", step: step + 1)
      }
      try check(found.loss, "the loss", step: step + 1)
      for (name, tensor) in found.gradient.parameters {
        try check(tensor, "the gradient of \(name)", step: step + 1)
      }
    } catch {
      guard let anomaly = detectingAnomalies({ differentiated(batch, inputs) }).anomaly else {
        throw error
      }
      var failure = error
      failure.found += ": \(anomaly)"
      throw failure
    }
    return found
  }

  /// The loss of a batch and its gradient; depends on the present state alone.
  private func differentiated(
    _ batch: PairBatch, _ inputs: (query: SideInput, document: SideInput)
  ) -> Differentiated {
    let (count, groups) = (batch.queries.count, recipe.parameterGroups)
    let (targets, guide) = (maker.scores(of: batch), guide(of: batch))
    let lossRandom = random.split("loss of a step").split(UInt64(batch.step))
    var (columns, values, passes) = ([Tensor](), [Double](), [Side: Pass]())
    let (loss, gradient) = valueWithGradient(at: objective, where: { !groups.isFrozen($0) }) {
      objective in
      var (asked, searched) = (Pass(isTraining: true), Pass(isTraining: true))
      let anchors = objective.encoders[.query](inputs.query, in: &asked)
      let others = objective.encoders[.document](inputs.document, in: &searched)
      passes = [.query: asked, .document: searched]
      let all = batch.columns.indices.map { column in
        others.rows(at: Array(column * count..<(column + 1) * count))
      }
      columns = ([anchors] + all).map(\.detached)
      var input = ColumnInput([anchors] + all, targets: targets, guide: guide)
      input.random = lossRandom
      let found = objective.loss(input)
      values = found.values
      return found.sum
    }
    return Differentiated(
      loss: loss, gradient: gradient, columns: columns, values: values, passes: passes)
  }

  /// The given vectors, for losses that ask a frozen model.
  func guide(of batch: PairBatch) -> [Tensor] {
    guard recipe.losses.contains(where: { $0.loss.value.takesGuide }),
      let queries = data.queries.vectors, let documents = data.documents.vectors
    else { return [] }
    return [queries.rows(at: batch.queries)] + batch.columns.map { documents.rows(at: $0) }
  }

  private func check(_ tensor: Tensor, _ what: String, step: Int) throws(Failure) {
    guard !tensor.isFinite else { return }
    let value = tensor.firstNotFinite?.value ?? .nan
    throw failure("\(what) holds \(Training.name(of: value))", step: step)
  }

  private func failure(_ problem: String, step: Int) -> Failure {
    Failure(
      .badData, at: "step \(step)", "model \(recipe.modelName): \(problem)",
      expected: "finite numbers",
      remedy: "lower optimizer.learningRate, set training.gradientClip or schedule.warmup")
  }
}

extension PairTrainer {
  /// The queries that are trained on.
  public var trainedOn: [Int] { maker.train }
}
