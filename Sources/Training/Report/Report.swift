import Evaluation
import Foundation
import Settings

/// A run as one page that needs nothing else: no network, no script.
func reportPage(of result: RunResult, data: TrainingData, metrics: String) -> String {
  let lines = metrics.split(separator: "\n").compactMap {
    try? JSONValue(json5: String($0), at: "metrics.jsonl")
  }
  let steps = lines.filter { $0["loss"] != nil }
  let evaluations = lines.filter { $0["evaluation"] != nil }
  let loss = LineChart(
    title: "Loss over steps", xLabel: "step",
    series: [.init(name: "loss", points: points(steps, "loss"))])
  let active = LineChart(
    title: "Share of active terms over steps", xLabel: "step",
    series: [.init(name: "active", points: points(steps, "active"))], yRange: 0...1)
  let progress = LineChart(
    title: "Watched on the \(data.watchedName)", xLabel: "step",
    series: ["recall@1", "r-precision", "map@r"].map { name in
      .init(
        name: name,
        points: evaluations.compactMap { line in
          guard case .number(let step)? = line["step"],
            case .number(let value)? = line["evaluation"]?[name]
          else { return nil }
          return (step, value)
        })
    }, yRange: 0...1)
  return """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Kindred run</title>
    <style>\(style)</style></head><body><main>
    <h1>\(escaped(result.recipe.description.isEmpty ? "Kindred run" : result.recipe.description))</h1>
    <p>\(summary(of: result, data: data))</p>
    <h2>Raw input against trained embedding</h2>
    <p>On the \(data.test.classNames.count) test classes (\(data.test.count) items), none of them \
    seen in training.</p>
    \(table(of: result))
    \(progress.svg)
    \(loss.svg)
    \(active.svg)
    <h2>What the numbers mean</h2>
    <dl>\(definitions)</dl>
    <h2>Recipe</h2>
    <pre>\(escaped(result.recipe.json.indented))</pre>
    <footer>kindred \(kindredVersion)</footer>
    </main></body></html>

    """
}

private func summary(of result: RunResult, data: TrainingData) -> String {
  let verdict =
    result.beatsBaseline
    ? "The trained embedding beats the raw input in MAP@R."
    : "<strong>The trained embedding does not beat the raw input in MAP@R.</strong>"
  let missed = result.missedTargets.map {
    "\(escaped($0.metric)) reached \(String(format: "%.4f", $0.reached)), its target is \($0.target)"
  }
  let targets =
    result.recipe.targets.isEmpty
    ? ""
    : missed.isEmpty
      ? " All targets of the recipe are reached."
      : " Missed: "
        + missed.joined(separator: "; ") + "."
  return "Trained for \(result.steps) steps on \(data.train.count) items of "
    + "\(data.train.classNames.count) classes; the model kept is that of step \(result.keptStep)"
    + (result.chosenOn.map { ", chosen on the \($0). " } ?? ". ")
    + verdict + targets
}

private func table(of result: RunResult) -> String {
  let rows = trainingMetrics.compactMap { name -> String? in
    guard let raw = result.baseline[name], let trained = result.trained[name] else { return nil }
    return "<tr><th scope=\"row\">\(escaped(name))</th><td>\(String(format: "%.4f", raw))</td>"
      + "<td>\(String(format: "%.4f", trained))</td></tr>"
  }
  return "<table><thead><tr><th scope=\"col\">metric</th><th scope=\"col\">raw input</th>"
    + "<th scope=\"col\">trained</th></tr></thead><tbody>\(rows.joined(separator: "\n"))</tbody></table>"
}

private var definitions: String {
  allMetrics.filter { trainingMetrics.contains($0.name) }.map {
    "<dt>\(escaped($0.name)) <code>\(escaped($0.value.id))</code></dt>"
      + "<dd>\(escaped($0.value.definition))</dd>"
  }.joined(separator: "\n")
}

private func points(_ lines: [JSONValue], _ key: String) -> [(x: Double, y: Double)] {
  // A picture of 720 points across shows no more than that many steps.
  let every = max(1, lines.count / 720)
  return lines.enumerated().compactMap { i, line in
    guard i % every == 0 || i == lines.count - 1, case .number(let step)? = line["step"],
      case .number(let value)? = line[key]
    else { return nil }
    return (step, value)
  }
}

private let style = """
  :root{color-scheme:light dark;--a:#1f6feb;--b:#b35900;--c:#1a7f37;--d:#8250df;--line:#8884}
  @media (prefers-color-scheme:dark){:root{--a:#6cb6ff;--b:#f0a45d;--c:#6bc46d;--d:#dcbdfb}}
  body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:48rem;margin:auto;padding:1rem}
  table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid var(--line)}
  td{text-align:right;font-variant-numeric:tabular-nums}th{text-align:left}
  figure{margin:1.5rem 0}figcaption{font-weight:600}svg{width:100%;height:auto}
  svg text{font:12px system-ui,sans-serif;fill:currentColor}.grid{stroke:var(--line)}
  pre{overflow-x:auto;padding:.8rem;border:1px solid var(--line);font-size:.8rem}
  dd{margin:0 0 .5rem 1rem}
  """
