import Evaluation
import Foundation

extension RunReport {
  /// Whether the training was worth it, to be seen at once: every number that matters, whichever won.
  var verdictSection: ReportSection {
    let lines = comparison.lines
    let classes = Set(data.test.labels).count
    // Where the page is narrow each cell says its column, since there is no room for the head.
    let columns = ["raw input", "trained", "change", "95 % interval", "better when"]
    let rows = lines.map { line in
      let (mark, word) = verdictMark(line.verdict)
      let cells =
        [
          number(line.base), number(line.other),
          signed(line.change) + relative(line.change, to: line.base),
          "\(signed(line.interval.lowerBound)) … \(signed(line.interval.upperBound))",
          line.isLowerBetter ? "lower" : "higher",
        ]
      let marked = zip(cells, columns).map { cell, column in
        "<td data-column=\"\(column)\">\(escaped(cell))</td>"
      }.joined()
      return "<tr class=\"\(line.verdict.rawValue)\"><th scope=\"row\">\(escaped(line.name))</th>"
        + "<td class=\"mark\">\(mark) \(word)</td>\(marked)</tr>"
    }
    let head = (["metric", "verdict"] + columns).map { "<th scope=\"col\">\($0)</th>" }.joined()
    let table =
      rows.isEmpty
      ? ""
      : "<div class=\"wide\"><table class=\"cards\"><thead><tr>\(head)</tr></thead><tbody>"
        + rows.joined(separator: "\n") + "</tbody></table></div>"
    let few =
      2..<20 ~= classes && !rows.isEmpty
      ? " With only \(classes) classes the intervals are too narrow: take them as a lower bound."
      : ""
    let meaning =
      rows.isEmpty
      ? ""
      : "<p class=\"small\">A change counts as better or worse if its interval, over draws of the "
        + "classes, lies on one side of 0.\(few)</p>"
    return ReportSection(
      id: "verdict", title: "Verdict",
      body: """
        <div class="verdict \(overall.kind)"><p><strong>\(overall.mark) \(escaped(overall.title))\
        </strong></p><p>\(escaped(overall.sentence))</p>\(judgedSentence)\(targetSentence)\
        \(thresholdWords)</div>
        \(table)\(meaning)
        """)
  }

  /// All lines together.
  private var overall: (kind: String, mark: String, title: String, sentence: String) {
    let lines = comparison.lines
    func names(_ verdict: EmbeddingComparison.Verdict) -> [String] {
      lines.filter { $0.verdict == verdict }.map(\.name)
    }
    let (better, worse, unclear) = (names(.better), names(.worse), names(.unclear))
    let parts = [("better in", better), ("worse in", worse), ("no clear difference in", unclear)]
      .compactMap { words, names in
        names.isEmpty ? nil : "\(words) \(names.joined(separator: ", "))"
      }
    let text = parts.joined(separator: "; ")
    let sentence = text.isEmpty ? "" : text.prefix(1).uppercased() + text.dropFirst() + "."
    if lines.isEmpty {
      return (
        "unclear", "•", "There is nothing to judge by",
        "No item judged on has another of its class."
      )
    }
    if Set(data.test.labels).count == 1 {
      return (
        "unclear", "•", "All items judged on are of one class",
        "Each is a match of each other, so that no number says how well classes are told apart."
      )
    }
    if better.count == lines.count {
      return ("better", "▲", "Better than the raw input in all \(lines.count) numbers", sentence)
    }
    let clear = [("better", better), ("worse", worse)].filter { !$0.1.isEmpty }.map { word, names in
      "\(word) in \(names.count)"
    }
    guard !clear.isEmpty else {
      return ("unclear", "•", "No clear difference from the raw input", sentence)
    }
    let title =
      "Of \(lines.count) numbers \(clear.joined(separator: " and ")) than the raw input"
      + (worse.isEmpty ? ", worse in none" : "")
    // One that got worse counts more than all that got better.
    if !worse.isEmpty { return ("worse", "▼", title, sentence) }
    return 2 * better.count > lines.count
      ? ("better", "▲", title, sentence) : ("unclear", "•", title, sentence)
  }

  private func verdictMark(_ verdict: EmbeddingComparison.Verdict) -> (mark: String, word: String) {
    switch verdict {
    case .better: ("▲", "better")
    case .worse: ("▼", "worse")
    case .unclear: ("•", "unclear")
    }
  }

  /// What the numbers are worth: whether they tell of classes that the model does not know.
  private var judgedSentence: String {
    let words = "Judged on \(escaped(result.overlap.words))"
    let kind =
      result.overlap.setting == .openSet
      ? "\(words)."
      : "<strong>\(words)</strong>, which says less of new classes."
    let chosen =
      result.chosenOn == "test classes"
      ? " The step that was kept was chosen on these same classes, which flatters it; "
        + "<code>training.validation</code> sets others aside to choose on." : ""
    return "<p>\(kind)\(chosen)</p>"
  }

  private var targetSentence: String {
    guard !result.recipe.targets.isEmpty else { return "" }
    let missed = result.missedTargets.map {
      "\($0.metric) reached \(number($0.reached)), its target is \($0.target)"
    }
    return missed.isEmpty
      ? "<p>All targets of the recipe are reached.</p>"
      : "<p><strong>Missed targets:</strong> \(escaped(missed.joined(separator: "; "))).</p>"
  }

  private var thresholdWords: String {
    guard let calibration else {
      guard Set(data.test.labels).count > 1 else { return "" }
      return "<p>No threshold of a match yet: <code>kindred calibrate \(escaped(folder.path)) "
        + "--far 0.01</code> fits one and checks it on other classes.</p>"
    }
    let check = calibration.check
    let value =
      calibration.similarity.map { "a cosine similarity of \(number($0)) or more" }
      ?? "a distance of \(number(calibration.distance)) or less"
    let holds = check.falseAcceptInterval?.contains(calibration.requestedRate)
    let outcome =
      switch holds {
      case true?: "the rate asked for lies within"
      case false?: "<strong>the rate asked for lies outside</strong>"
      case nil: "there is no interval"
      }
    let interval =
      check.falseAcceptInterval.map {
        " (\(number($0.lowerBound, "%.3g")) … \(number($0.upperBound, "%.3g"))): \(outcome)"
      } ?? ""
    return "<p>Threshold of a match: \(value), fitted for a false accept rate of "
      + "\(calibration.requestedRate). On \(check.classes) other classes it accepts "
      + "\(number(check.falseAcceptRate, "%.3g")) of the other pairs\(interval); it refuses "
      + "\(number(check.falseRejectRate, "%.3g")) of the matching ones.</p>"
  }
}

/// A change with its sign.
private func signed(_ value: Double) -> String { number(value, "%+.4f") }

/// " (+12 %)", or " (× 25)" beyond ten times as much; nothing where that means nothing.
private func relative(_ change: Double, to base: Double) -> String {
  guard base > 0 else { return "" }
  let share = change / base
  if share > 9 { return " (× \(number(share + 1, "%.0f")))" }
  return " (\(number(100 * share, abs(share) < 0.1 ? "%+.1f" : "%+.0f")) %)"
}
