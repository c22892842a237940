import Evaluation
import Foundation
import Settings

extension RunReport {
  /// What was trained on what, and what came of it.
  var summarySection: ReportSection {
    let recipe = result.recipe
    let losses = recipe.losses.map { inWords($0.json) }.joined(separator: "; plus ")
    var facts: [(String, String)] =
      [
        (
          "Trained on",
          "\(data.train.name): \(data.train.count) items of \(data.train.classNames.count) classes"
        ),
        (
          "Judged on",
          "\(data.test.name): \(data.test.count) items of \(data.test.classNames.count) classes, "
            + overlapInWords
        ),
        (
          "Encoder",
          "\(inWords(recipe.model.json)), \(trained.set.embeddings.shape[1]) numbers for each item"
        ),
      ]
    let steps: [(String, String)] = [
      ("Loss", losses),
      ("Batches", inWords(recipe.sampler.json)),
      ("Optimiser", inWords(recipe.optimizer.json)),
      (
        "Kept",
        "step \(result.keptStep) of \(result.steps)"
          + (result.chosenOn.map { ", chosen on the \($0)" } ?? "")
      ),
    ]
    facts += recipe.learner.map { [("Learner", inWords($0.json))] } ?? steps
    facts += [("Seed", "\(recipe.training.seed)"), ("Run folder", absolutePath)]
    facts += historyFacts
    let list = facts.map { "<dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd>" }.joined()
    let rows = trainingMetrics.compactMap { name -> [String]? in
      guard let trained = result.trained[name] else { return nil }
      let change = result.baseline[name].map { trained - $0 }
      let isLower = allMetrics.first { $0.name == name }?.value.isLowerBetter ?? false
      return [
        name, isLower ? "lower" : "higher", number(result.baseline[name]), number(trained),
        number(change, "%+.4f"),
      ]
    }
    return ReportSection(
      id: "summary", title: "What was trained on what",
      body: """
        <dl class="facts">\(list)</dl>
        \(htmlTable(["metric", "better when", "raw input", "trained", "change"], rows))
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
      key == "name" || value == .null || value == "" ? nil : "\(key) \(inWords(value))"
    }
    return settings.isEmpty ? name : "\(name) (\(settings.joined(separator: ", ")))"
  }

  private var overlapInWords: String {
    let overlap = result.overlap
    if overlap.isSameItems { return "the same as trained on" }
    return
      (overlap.setting == .openSet
      ? "none of them seen in training"
      : "\(overlap.shared) of them trained on (\(overlap.setting.rawValue))")
      + (overlap.copies ?? 0 == 0 ? "" : ", \(overlap.copyWords)")
  }

  private var absolutePath: String { URL(fileURLWithPath: folder.path).standardizedFileURL.path }

  /// When and how long; nothing for runs of earlier programs.
  private var historyFacts: [(String, String)] {
    guard let first = history.sessions.first else { return [] }
    var facts = [("Begun", first.started), ("Time of training", inTime(history.seconds))]
    if history.sessions.count > 1 {
      let parts = history.sessions.map {
        "\($0.started): steps \($0.firstStep + 1) to \($0.lastStep)"
      }
      facts.append(("Sessions", parts.joined(separator: "; ")))
    }
    return facts
  }

  /// A time for people.
  private func inTime(_ seconds: Double) -> String {
    if seconds < 120 { return number(seconds, seconds < 1 ? "%.3f" : "%.1f") + " s" }
    let minutes = Int(min(seconds, 1e12) / 60)
    return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
  }
}
