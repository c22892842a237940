import Autodiff
import Data
import Losses
import Models
import Settings

/// What a step found out before anything was changed.
struct DifferentiatedStep {
  let value: Tensor
  let gradient: Objective
  let embeddings: Tensor
  let terms: [CompositeLoss.Term]
  /// What layers observed in each chunk, and of how many chunks.
  let observed: [(pass: Pass, chunks: Int)]
}

// A number that is NaN or infinite ends the run at the step that made it. Many losses are 0 for rows
// that are NaN, so the loss alone does not tell.

extension Trainer {
  private static let remedy =
    "lower optimizer.learningRate, set training.gradientClip or schedule.warmup"

  /// Differentiates a step, and fails if a number in it is not finite; nothing is changed.
  ///
  /// - Parameter detectsAnomalies: whether each operation is looked at; without it, only what a step
  ///   leaves behind is, and a step with a number that is not finite is taken a second time to find
  ///   the operation that made it.
  func checkedStep(
    on batch: TrainingBatch, keys: CompositeLoss.Keys, detectsAnomalies: Bool
  ) throws(Failure) -> DifferentiatedStep {
    try checkInputs(of: batch)
    let step: DifferentiatedStep
    if detectsAnomalies {
      let (found, anomaly) = detectingAnomalies { differentiated(batch, keys: keys) }
      if let anomaly { throw failure("\(anomaly)", in: batch) }
      step = found
    } else {
      step = differentiated(batch, keys: keys)
    }
    guard let problem = problem(in: step, keys: keys, of: batch) else { return step }
    let anomaly = detectingAnomalies { differentiated(batch, keys: keys) }.anomaly
    throw failure(problem + (anomaly.map { ": \($0)" } ?? ""), in: batch)
  }

  /// What of a step is not finite, from the encoder to the gradient.
  private func problem(
    in step: DifferentiatedStep, keys: CompositeLoss.Keys, of batch: TrainingBatch
  ) -> String? {
    let rows: [(what: String, tensor: Tensor?)] = [
      ("embedding", step.embeddings), ("memory's key", keys.sameView),
      ("memory's key", keys.secondView),
    ]
    for (what, tensor) in rows {
      guard let tensor, !tensor.isFinite, let (place, value) = tensor.firstNotFinite else {
        continue
      }
      let row = place / max(1, tensor.shape[1])
      return "the \(what) of \(item(row, of: batch)) holds \(name(of: value))"
    }
    guard step.value.isFinite else { return "the loss is \(name(of: step.value.item))" }
    for (name, tensor) in step.gradient.parameters where !tensor.isFinite {
      let value = tensor.firstNotFinite?.value ?? .nan
      return "the gradient of \(name) holds \(Training.name(of: value))"
    }
    return nil
  }

  /// Data that are not finite are the data's fault, so the message says which item.
  private func checkInputs(of batch: TrainingBatch) throws(Failure) {
    for inputs in [batch.inputs, batch.secondView].compactMap(\.self) where !inputs.isFinite {
      guard let (place, value) = inputs.firstNotFinite else { continue }
      let row = place / max(1, inputs.count / max(1, inputs.shape[0]))
      throw Failure(
        .badData, at: "step \(batch.step + 1)",
        "\(item(row, of: batch)) holds \(name(of: value))", expected: "finite numbers",
        remedy: "mend or leave out the item"
          + (recipe.augmentation == nil ? "" : ", or train without the augmentation"))
    }
  }

  private func item(_ row: Int, of batch: TrainingBatch) -> String {
    "row \(row) of the batch (\(data.train.itemNames[batch.items[row]]))"
  }

  private func failure(_ problem: String, in batch: TrainingBatch) -> Failure {
    Failure(
      .badData, at: "step \(batch.step + 1)", "model \(recipe.model.name): \(problem)",
      expected: "finite numbers", remedy: Trainer.remedy)
  }

  /// Fails if a step from finite numbers made a parameter or a statistic that is not finite.
  func checkState() throws(Failure) {
    for (name, tensor) in objective.state where !tensor.isFinite {
      let value = tensor.firstNotFinite?.value ?? .nan
      throw Failure(
        .badData, at: "step \(step)",
        "model \(recipe.model.name): \(name) holds \(Training.name(of: value)) after the step, "
          + "of a finite gradient", expected: "finite numbers", remedy: Trainer.remedy)
    }
  }
}

/// A number that is not finite, as messages name it.
func name(of value: Double) -> String {
  value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity"
}

extension Encoder {
  /// The embeddings of a batch; fails if one is NaN or infinite.
  ///
  /// - Parameter names: what each item is called.
  func checkedEmbeddings(
    _ inputs: Tensor, names: some RandomAccessCollection<String>
  ) throws(Failure) -> Tensor {
    let embeddings = embed(inputs)
    guard !embeddings.isFinite, let (place, value) = embeddings.firstNotFinite else {
      return embeddings
    }
    let row = place / max(1, embeddingSize)
    let anomaly = detectingAnomalies { embed(inputs.rows(at: [row])) }.anomaly
    let cause = anomaly.map { ": \($0)" } ?? ""
    throw Failure(
      .badData, at: names[names.index(names.startIndex, offsetBy: row)],
      "its embedding holds \(name(of: value))\(cause)", expected: "finite numbers",
      remedy: inputs.rows(at: [row]).isFinite
        ? "the item's numbers are too large for the model: bring them to the scale of those that it "
          + "was trained on"
        : "mend or leave out the item")
  }
}
