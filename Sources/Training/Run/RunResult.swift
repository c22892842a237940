import Data
import Evaluation
import Settings

/// What a finished run has to show, on the items that are judged on.
public struct RunResult: Sendable {
  /// The untrained input as its own embedding, and the trained embedding.
  public let baseline, trained: Evaluation
  /// The step that the kept model is from, and how many steps were taken.
  public let keptStep, steps: Int
  /// The classes on which the kept model was chosen; nil for the last one, which was not chosen.
  public let chosenOn: String?
  /// How the classes that were judged on relate to those trained on.
  public let overlap: ClassOverlap
  public let recipe: Recipe

  /// Whether the trained embedding beats the raw input in MAP@R.
  public var beatsBaseline: Bool {
    (trained["map@r"] ?? 0) > (baseline["map@r"] ?? 0)
  }

  /// The targets of the recipe that were missed; each metric's definition says which way is better.
  public var missedTargets: [(metric: String, target: Double, reached: Double)] {
    recipe.targets.sorted { $0.key < $1.key }.compactMap { metric, target in
      let reached = trained[metric] ?? .nan
      let description = allMetrics.first { $0.name == metric }?.value
      let isReached = description?.isReached(target, by: reached) ?? false
      return isReached ? nil : (metric, target, reached)
    }
  }

  public var json: JSONValue {
    [
      "baseline": baseline.json,
      "trained": trained.json,
      "steps": JSONValue(steps),
      "keptStep": JSONValue(keptStep),
      "chosenOn": chosenOn.map { .string($0) } ?? .null,
      "beatsBaseline": .bool(beatsBaseline),
      "classOverlap": overlap.json,
      "targets": .object(recipe.targets.mapValues { .number($0) }),
      "targetsReached": .bool(missedTargets.isEmpty),
    ]
  }
}
