import Autodiff
import Data
import Evaluation
import Files
import Models
import Settings

/// What a finished run of queries and documents has to show, on the queries that are judged.
public struct PairResult: Sendable {
  /// What the run began with (vectors as they are given, nil where those of both sides differ in width;
  /// texts by the model of the folder), and the trained embeddings.
  public let baseline: Evaluation?
  public let trained: Evaluation
  /// The step that the kept model is from, and how many steps were taken.
  public let keptStep, steps: Int
  /// The queries on which the kept model was chosen; nil for the last one, which was not chosen.
  public let chosenOn: String?
  /// Queries trained on, queries judged on, and documents that are searched.
  public let trainedOn, judgedOn, documents: Int
  public let recipe: PairRecipe

  /// Whether the trained embeddings beat the given vectors in NDCG@10; true where these cannot be
  /// compared.
  public var beatsBaseline: Bool {
    guard let baseline else { return true }
    return (trained["ndcg@10"] ?? 0) > (baseline["ndcg@10"] ?? 0)
  }

  /// The targets of the recipe that were missed.
  public var missedTargets: [(metric: String, target: Double, reached: Double)] {
    recipe.targets.sorted { $0.key < $1.key }.compactMap { metric, target in
      let reached = trained[metric] ?? .nan
      return reached >= target ? nil : (metric, target, reached)
    }
  }

  public var json: JSONValue {
    [
      "baseline": baseline?.json ?? .null, "trained": trained.json,
      "steps": JSONValue(steps), "keptStep": JSONValue(keptStep),
      "chosenOn": chosenOn.map { .string($0) } ?? .null,
      "beatsBaseline": baseline == nil ? .null : .bool(beatsBaseline),
      "pairs": [
        "trainedOn": JSONValue(trainedOn), "judgedOn": JSONValue(judgedOn),
        "documents": JSONValue(documents),
      ],
      "targets": .object(recipe.targets.mapValues { .number($0) }),
      "targetsReached": .bool(missedTargets.isEmpty),
    ]
  }
}

/// Trains encoders of queries and documents by a recipe into a run folder.
///
/// - Parameters:
///   - resuming: go on with the run that lies in the folder, bit for bit.
///   - detectsAnomalies: look at each operation for numbers that are NaN or infinite.
///   - onEvent: called on the way; a true result asks the run to stop after a checkpoint.
/// - Returns: what the run has to show; nil when it was asked to stop.
public func train(
  _ recipe: PairRecipe, into folder: RunFolder, dataRoot: String, resuming: Bool,
  detectsAnomalies: Bool = false, onEvent: (RunEvent) -> Bool
) throws(Failure) -> PairResult? {
  try run(
    recipe, into: folder, resuming: resuming, detectsAnomalies: detectsAnomalies, onEvent: onEvent,
    finish: { (trainer: PairTrainer, log) throws(Failure) in
      let (kept, step) = trainer.kept
      let result = PairResult(
        baseline: try trainer.judgeGiven(on: trainer.data.test),
        trained: try trainer.judge(kept.encoders, on: trainer.data.test), keptStep: step,
        steps: trainer.step, chosenOn: step == trainer.step ? nil : trainer.watchedName,
        trainedOn: trainer.maker.train.count, judgedOn: trainer.data.test.count,
        documents: trainer.data.documents.count, recipe: recipe)
      try log.flush()
      try PairModel.write(kept, of: trainer, to: folder)
      try FileSystem.write(result.json.indented, to: folder.evaluation)
      return result
    },
    make: { _ throws(Failure) in
      try PairTrainer(recipe, data: try recipe.data.value.loadPairs(root: dataRoot))
    })
}
