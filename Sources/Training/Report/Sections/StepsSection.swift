import Evaluation
import Foundation
import Settings

extension RunReport {
  /// Every number that the log holds for the steps, and what was watched meanwhile.
  var stepsSection: ReportSection? {
    let steps = log.filter { $0["loss"] != nil }
    guard !steps.isEmpty else { return nil }
    var charts = [chart(of: ["loss"], in: steps, title: "Loss")]
    charts.append(
      chart(
        of: ["active"], in: steps, title: "Share of active terms", axis: "share of terms above 0",
        range: 0...1))
    charts += watchedCharts
    let extra = numericKeys(of: steps).filter { !["step", "loss", "active"].contains($0) }
    let hardest = extra.filter { $0.hasPrefix("hardest") }
    charts.append(chart(of: hardest, in: steps, title: "Hardest pairs of a batch"))
    for key in extra where !hardest.contains(key) {
      charts.append(chart(of: [key], in: steps, title: spelled(key)))
    }
    return ReportSection(
      id: "steps", title: "Over the steps",
      body: "<p>Lines are means over neighbouring steps, areas go from the least to the most of "
        + "them.</p><div class=\"charts\">\(charts.compactMap { $0?.html }.joined())</div>")
  }

  private func numericKeys(of lines: [JSONValue]) -> [String] {
    var keys = Set<String>()
    for line in [lines.first, lines.last] {
      guard case .object(let members)? = line else { continue }
      for (key, value) in members { if case .number = value { keys.insert(key) } }
    }
    return keys.sorted()
  }

  /// "hardestPositive" as "Hardest positive".
  private func spelled(_ key: String) -> String {
    let words = key.reduce(into: "") { $0 += $1.isUppercase ? " " + $1.lowercased() : String($1) }
    return words.prefix(1).uppercased() + words.dropFirst()
  }

  private func chart(
    of keys: [String], in lines: [JSONValue], title: String, axis: String? = nil,
    range: ClosedRange<Double>? = nil
  ) -> Chart? {
    var marks: [Mark] = []
    var shown: [Double] = []
    var words: [String] = []
    for (style, key) in keys.enumerated() {
      let points = lines.compactMap { line -> (x: Double, y: Double)? in
        guard case .number(let step)? = line["step"], case .number(let value)? = line[key] else {
          return nil
        }
        return (step, value)
      }
      let thin = thinned(points)
      guard let first = thin.first, let last = thin.last else { continue }
      let name = keys.count > 1 ? spelled(key) : ""
      if points.count > thin.count {
        marks.append(.band("", thin.map { ($0.x, $0.low, $0.high) }, style: style))
      }
      marks.append(.line(name, thin.map { ($0.x, $0.mean) }, style: style))
      shown += thin.flatMap { [$0.low, $0.high] }
      words.append(
        "\(spelled(key)) from \(number(first.mean, "%.3g")) to \(number(last.mean, "%.3g"))")
    }
    guard !marks.isEmpty else { return nil }
    let axis = axis ?? (keys.count > 1 ? "cosine similarity" : spelled(keys[0]).lowercased())
    let steps = lines.compactMap { line -> Double? in
      if case .number(let step)? = line["step"] { step } else { nil }
    }
    return Chart(
      title: title, description: words.joined(separator: "; "),
      x: Axis("step", over: steps, isWhole: true),
      y: range.map { Axis(axis, range: $0) } ?? Axis(axis, over: shown), marks: marks)
  }

  /// At most 160 points: the mean, the least and the most of as many neighbouring ones as needed.
  private func thinned(
    _ points: [(x: Double, y: Double)]
  ) -> [(x: Double, mean: Double, low: Double, high: Double)] {
    let every = max(1, (points.count + 159) / 160)
    return stride(from: 0, to: points.count, by: every).map { start in
      let group = points[start..<min(points.count, start + every)]
      let ys = group.map(\.y)
      let xs = group.map(\.x)
      let count = Double(group.count)
      return (
        xs.reduce(0, +) / count, ys.reduce(0, +) / count, ys.min() ?? 0, ys.max() ?? 0
      )
    }
  }

  /// What was watched from before the first step on, beside the raw input.
  private var watchedCharts: [Chart?] {
    let lines = log.filter { $0["evaluation"] != nil }
    return ["recall@1", "map@r", "opis"].map { name in
      let points = lines.compactMap { line -> (x: Double, y: Double)? in
        guard case .number(let step)? = line["step"],
          case .number(let value)? = line["evaluation"]?[name]
        else { return nil }
        return (step, value)
      }
      guard points.count > 1, let first = points.first, let last = points.last else { return nil }
      var marks: [Mark] = [.line("trained", points, style: 0)]
      var shown = points.map(\.y)
      if let raw = watchedBaseline[name] {
        marks.insert(.line("raw input", [(first.x, raw), (last.x, raw)], style: 1), at: 0)
        shown.append(raw)
      }
      let isLower = allMetrics.first { $0.name == name }?.value.isLowerBetter ?? false
      return Chart(
        title: "\(name) on the \(data.watchedName)\(isLower ? " (lower is better)" : "")",
        description:
          "\(name) goes from \(number(first.y)) to \(number(last.y)), that of the raw input "
          + "is \(number(watchedBaseline[name]))",
        x: Axis("step", over: points.map(\.x), isWhole: true), y: Axis(name, over: shown),
        marks: marks)
    }
  }
}
