import Autodiff
import Data
import Evaluation
import Foundation
import Geometry
import Losses
import Miners
import Models
import Settings

/// A run in progress: everything that the next step depends on.
///
/// A value: the state after a step depends on the recipe, the data and the step's number alone, so
/// a run that was stopped and resumed gives the same bits as one that was not.
public struct Trainer: Sendable {
  public let recipe: Recipe
  public let data: TrainingData
  public internal(set) var objective: Objective
  public package(set) var optimizer: Optimizer
  /// What draws the batches, with what it has learnt of the items.
  public internal(set) var sampler: any Sampler
  /// Makes what memories remember, if they ask for a slow encoder.
  var momentum: MomentumEncoder?
  /// What watches for a collapse.
  var collapse: CollapseWatch
  /// The best model that was watched so far.
  public internal(set) var best: Best?
  /// How many evaluations have passed since the best one.
  public package(set) var evaluationsSinceBest = 0
  /// What became of the weights that the recipe starts from, if it does.
  public private(set) var startReport: WarmStart.Report?
  /// Whether each operation of a step is looked at for numbers that are NaN or infinite.
  public var detectsAnomalies = false
  private let random: Random

  public struct Best: Sendable {
    public var step: Int
    public var score: Double
    public var objective: Objective
  }

  /// What one step did.
  public struct StepReport: Sendable {
    public let step: Int
    public let loss: Double
    /// The share of the loss's terms that were above 0.
    public let active: Double
    public let learningRate: Double
    public let terms: [(name: String, value: Double, active: Double)]
    /// How the embeddings of the batch lie.
    public let health: EmbeddingHealth
    /// What a person should know, if anything.
    public let warning: String?
  }

  /// - Parameter isFresh: whether weights that the recipe starts from are read; a run that goes on
  ///   has its own.
  public init(
    _ recipe: Recipe, data: TrainingData, isFresh: Bool = true
  ) throws(Failure) {
    (self.recipe, self.data) = (recipe, data)
    random = Random(seed: UInt64(recipe.training.seed))
    do throws(Failure) {
      try recipe.sampler.value.validate(labels: data.train.labels, at: "sampler")
    } catch {
      throw data.explaining(error)
    }
    let batch = recipe.sampler.value.batchSize
    // Losses and miners look at all pairs of a batch.
    try MemoryBudget.check(
      [batch, batch], bytesEach: 16, for: "the pairs of a batch", at: "sampler")
    try MemoryBudget.check(
      [batch] + data.train.itemShape, bytesEach: 8, for: "the items of a batch", at: "sampler")
    var encoder = try recipe.model.value.makeEncoder(
      inputShape: data.train.itemShape, random: random.split("model"), at: "model")
    if isFresh, let start = recipe.start { (encoder, startReport) = try start.applied(to: encoder) }
    try recipe.checkMemory(for: data.train, dimension: encoder.embeddingSize)
    var loss = CompositeLoss(
      recipe, classCount: data.train.classNames.count, dimension: encoder.embeddingSize)
    try loss.setRelevance(recipe, classNames: data.train.classNames)
    // A loss that asks for what a run does not give, as a teacher, says so before the first step.
    try loss.validate(
      LossInput(
        embeddings: Tensor(zeros: [2, encoder.embeddingSize], dtype: .float32),
        labels: [0, max(0, data.train.classNames.count - 1)],
        teacher: data.teacher.map { Tensor(zeros: [2, $0.shape[1]], dtype: .float32) }),
      at: "losses")
    collapse = CollapseWatch(recipe.collapse)
    let momenta = Set(recipe.losses.compactMap { $0.memory?.momentum }.filter { $0 > 0 })
    guard momenta.count <= 1 else {
      throw Failure(
        .badData, at: "losses", "memories have \(momenta.count) different momenta",
        expected: "one", remedy: "give all memories the same momentum, or 0")
    }
    for (i, memory) in recipe.losses.map(\.memory).enumerated() {
      guard let memory, memory.slots == .item, memory.size < data.train.count else { continue }
      throw Failure(
        .badData, at: "losses[\(i)].memory.size",
        "\(memory.size) slots for \(data.train.count) items", expected: "a slot for each item",
        remedy: "set size to \(data.train.count)")
    }
    momentum = momenta.first.map { MomentumEncoder(of: encoder, momentum: $0) }
    sampler = recipe.sampler.value
    if var adaptive = sampler as? any AdaptiveSampler {
      adaptive.prepare(itemCount: data.train.count, dimension: encoder.embeddingSize)
      sampler = adaptive
    }
    objective = Objective(encoder: encoder, loss: loss)
    try recipe.parameterGroups.validate(objective.parameters.map(\.name), at: "optimizer")
    optimizer = Optimizer(
      recipe.optimizer.value, groups: recipe.parameterGroups, for: objective,
      belongsToLoss: Objective.isLossParameter)
  }

  /// How many steps were taken.
  public var step: Int { optimizer.step }
  public var isFinished: Bool { step >= recipe.training.steps || hasStalled }
  /// Whether the run waited long enough for progress.
  public var hasStalled: Bool {
    recipe.training.patience > 0 && evaluationsSinceBest >= recipe.training.patience
  }

  /// Draws a batch, embeds it, mines, differentiates and moves the parameters.
  ///
  /// - Throws: if a number is NaN or infinite. When it is a parameter after the step, the trainer is
  ///   spoilt; else it is as it was before.
  public mutating func takeStep() throws(Failure) -> StepReport {
    try updateSampler()
    return try takeStep(on: batchMaker.batch(step))
  }

  /// What batches depend on.
  var batchMaker: BatchMaker {
    BatchMaker(recipe: recipe, sampler: sampler, train: data.train, random: random)
  }

  /// Shows the items to a sampler that looks at them before this step.
  mutating func updateSampler() throws(Failure) {
    guard var adaptive = sampler as? any AdaptiveSampler, adaptive.observes(before: step) else {
      return
    }
    adaptive.observe(
      try embed(data.train, with: objective.encoder), labels: data.train.labels,
      random: random.split("observing").split(UInt64(step)))
    sampler = adaptive
  }

  /// The same with the batch of this step, made before.
  mutating func takeStep(on batch: TrainingBatch) throws(Failure) -> StepReport {
    precondition(
      batch.step == step, "takeStep: the batch is for step \(batch.step), not \(step)")
    let labels = batch.labels
    let keys = keys(of: batch)
    let found = try checkedStep(on: batch, keys: keys, detectsAnomalies: detectsAnomalies)
    var gradient = found.gradient
    if recipe.training.gradientClip > 0 { gradient.clip(toNorm: recipe.training.gradientClip) }
    let factor = recipe.schedule.value.factor(step: step, of: recipe.training.steps)
    optimizer.update(&objective, along: gradient, factor: factor)
    let groups = recipe.parameterGroups
    for (pass, chunks) in found.observed {
      // Chunks together weigh what one pass over the batch does.
      objective.encoder.absorb(
        pass, momentum: chunks == 1 ? 0.1 : 1 - pow(0.9, 1 / Double(chunks)),
        isFrozen: { groups.isFrozen("encoder.\($0)") })
    }
    try checkState()
    objective.loss.remember(found.embeddings, labels: labels, keys: keys, found.terms)
    momentum?.follow(objective.encoder)
    let health = EmbeddingHealth(found.embeddings, labels: labels)
    let terms = found.terms
    let active = terms.isEmpty ? 0 : terms.reduce(0) { $0 + $1.active } / Double(terms.count)
    return StepReport(
      step: step, loss: found.value.item, active: active,
      learningRate: recipe.optimizer.value.learningRate * factor,
      terms: terms.map { ($0.name, $0.value, $0.active) },
      health: health, warning: collapse.note(health))
  }

  /// The loss of a batch and its gradient; depends on the present state alone.
  func differentiated(_ batch: TrainingBatch, keys: CompositeLoss.Keys) -> DifferentiatedStep {
    let labels = batch.labels
    let minerRandom = random.split("miner").split(UInt64(batch.step))
    var terms: [CompositeLoss.Term] = []
    var embeddings = Tensor(zeros: [0, objective.encoder.embeddingSize], dtype: .float32)
    let (watch, groups) = (collapse, recipe.parameterGroups)
    var observed: [(pass: Pass, chunks: Int)] = []
    func value(_ loss: CompositeLoss, _ found: Tensor) -> Tensor {
      embeddings = found.detached
      let output = watch.losses(loss)(
        LossContext(
          found, labels: labels, teacher: data.teacher?.rows(at: batch.items), keys: keys,
          random: minerRandom))
      terms = output.terms
      return output.value
    }
    let (value, gradient) =
      recipe.training.chunk > 0 && recipe.training.chunk < labels.count
      ? cachedValueWithGradient(
        at: objective, inputs: batch.inputs, chunk: recipe.training.chunk,
        where: { !groups.isFrozen($0) }, observe: { observed.append(($0, $1)) }, of: value)
      : valueWithGradient(at: objective, where: { !groups.isFrozen($0) }) { objective in
        var pass = Pass(isTraining: true)
        let embeddings = objective.encoder(batch.inputs, in: &pass)
        observed = [(pass, 1)]
        return value(objective.loss, embeddings)
      }
    return DifferentiatedStep(
      value: value, gradient: gradient, embeddings: embeddings, terms: terms, observed: observed)
  }

  /// What memories are given of a batch.
  private func keys(of batch: TrainingBatch) -> CompositeLoss.Keys {
    var keys = CompositeLoss.Keys()
    keys.items = batch.items
    guard recipe.losses.contains(where: { $0.memory != nil }) else { return keys }
    let encoder = momentum ?? MomentumEncoder(of: objective.encoder, momentum: 0)
    if momentum != nil { keys.sameView = encoder.embed(batch.inputs) }
    keys.secondView = batch.secondView.map { encoder.embed($0) }
    return keys
  }

  /// Judges the present model on the classes that are watched, and remembers it if it is the best.
  public mutating func watch() throws(Failure) -> Evaluation {
    let evaluation = try judge(objective.encoder, on: data.watched)
    let worst = Double.greatestFiniteMagnitude * (isLowerBetter ? 1 : -1)
    let score = evaluation[recipe.training.monitor] ?? worst
    let isBetter = best.map { isLowerBetter ? score < $0.score : score > $0.score } ?? true
    if isBetter {
      best = Best(step: step, score: score, objective: objective)
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    return evaluation
  }

  /// The model that the run keeps.
  public var kept: Objective {
    recipe.training.keep == .best ? best?.objective ?? objective : objective
  }

  /// The step that the model that the run keeps is from.
  var keptStep: Int { recipe.training.keep == .best ? best?.step ?? step : step }

  private var isLowerBetter: Bool {
    allMetrics.first { $0.name == recipe.training.monitor }?.value.isLowerBetter ?? false
  }
}

/// The metrics that are measured in a run, in the order in which they are shown.
public let trainingMetrics = [
  "recall@1", "recall@2", "recall@4", "recall@8", "r-precision", "map@r", "map", "mrr", "auc",
  "eer", "opis", "opis-worst-10",
]

/// The metrics of the table that a run ends with.
public let headlineMetrics = ["recall@1", "recall@4", "r-precision", "map@r", "opis"]

/// Judges the embeddings of a data set by an encoder.
public func judge(_ encoder: Encoder, on dataset: Dataset) throws(Failure) -> Evaluation {
  try judge(try embed(dataset, with: encoder), of: dataset)
}

/// Judges given vectors as embeddings of a data set.
public func judge(_ vectors: Tensor, of dataset: Dataset) throws(Failure) -> Evaluation {
  var options = EvaluationOptions()
  options.metrics = trainingMetrics
  return try evaluate(
    query: EmbeddingSet(embeddings: vectors, labels: dataset.labels, name: dataset.name),
    gallery: nil, options: options)
}

/// The embeddings of a data set, [items, embedding], computed in batches.
///
/// - Throws: if an embedding is NaN or infinite.
public func embed(
  _ dataset: Dataset, with encoder: Encoder, batchSize: Int = 256,
  onProgress: (_ done: Int) -> Void = { _ in }
) throws(Failure) -> Tensor {
  var parts: [Tensor] = []
  for start in stride(from: 0, to: dataset.count, by: batchSize) {
    let end = min(dataset.count, start + batchSize)
    parts.append(
      try encoder.checkedEmbeddings(
        dataset.batch(Array(start..<end)), names: dataset.itemNames[start..<end]))
    onProgress(end)
  }
  guard !parts.isEmpty else {
    return Tensor(zeros: [0, encoder.embeddingSize], dtype: .float32)
  }
  return Tensor.concatenated(parts)
}
