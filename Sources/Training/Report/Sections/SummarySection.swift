import Evaluation
import Foundation
import Settings

extension RunReport {
  /// What was trained on what, and what came of it.
  var summarySection: ReportSection {
    let recipe = result.recipe
    let losses = recipe.losses.map { inWords($0.json) }.joined(separator: "; plus ")
    let facts: [(String, String)] = [
      (
        "Trained on",
        "\(data.train.name): \(data.train.count) items of \(data.train.classNames.count) classes"
      ),
      (
        "Judged on",
        "\(data.test.name): \(data.test.count) items of \(data.test.classNames.count) classes, "
          + (result.overlap.setting == .openSet
            ? "none of them seen in training"
            : "\(result.overlap.shared) of them trained on (\(result.overlap.setting.rawValue))")
      ),
      ("Encoder", "\(inWords(recipe.model.json)), \(embeddings.shape[1]) numbers for each item"),
      ("Loss", losses),
      ("Batches", inWords(recipe.sampler.json)),
      ("Optimiser", inWords(recipe.optimizer.json)),
      (
        "Kept",
        "step \(result.keptStep) of \(result.steps)"
          + (result.chosenOn.map { ", chosen on the \($0)" } ?? "")
      ),
    ]
    let list = facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
    let rows = trainingMetrics.compactMap { name -> [String]? in
      guard let trained = result.trained[name] else { return nil }
      let isLower = allMetrics.first { $0.name == name }?.value.isLowerBetter ?? false
      return [
        name, isLower ? "lower" : "higher", number(result.baseline[name]), number(trained),
      ]
    }
    return ReportSection(
      id: "summary", title: "What was trained on what",
      body: """
        <dl class="facts">\(list)</dl>
        <p>\(verdict)</p>
        \(htmlTable(["metric", "better when", "raw input", "trained"], rows))
        """)
  }

  /// What was chosen with its settings: "m-per-class (classes 20, perClass 4)".
  private func inWords(_ value: JSONValue) -> String {
    guard case .object(let members) = value else {
      if case .string(let text) = value { return text }
      return value.description
    }
    var name = ""
    if case .string(let text)? = members["name"] { name = text }
    let settings = members.sorted { $0.key < $1.key }.compactMap { key, value in
      key == "name" || value == .null ? nil : "\(key) \(inWords(value))"
    }
    return settings.isEmpty ? name : "\(name) (\(settings.joined(separator: ", ")))"
  }

  private var verdict: String {
    let comparison =
      result.beatsBaseline
      ? "The trained embedding beats the raw input in MAP@R."
      : "<strong>The trained embedding does not beat the raw input in MAP@R.</strong>"
    guard !result.recipe.targets.isEmpty else { return comparison }
    let missed = result.missedTargets.map {
      "\(escaped($0.metric)) reached \(number($0.reached)), its target is \($0.target)"
    }
    return comparison
      + (missed.isEmpty
        ? " All targets of the recipe are reached."
        : " <strong>Missed:</strong> " + missed.joined(separator: "; ") + ".")
  }
}
