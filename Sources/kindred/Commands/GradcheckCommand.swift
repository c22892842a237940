import Autodiff
import Losses
import Models
import Settings
import Training

let gradcheckCommand = Subcommand(
  name: "gradcheck",
  summary: "Check every loss, layer and operation against finite differences in float64.",
  positionals: [
    .init(
      name: "LOSS", summary: "losses to check; without one, everything is checked",
      isRequired: false, isRepeated: true)
  ],
  options: [Subcommand.threads, Subcommand.json],
  example: "kindred gradcheck multi-similarity arc-face",
  run: checkGradients)

private func checkGradients(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  var rows: [GradientCheck] = []
  if arguments.positionals.isEmpty {
    rows += operationGradientChecks + layerGradientChecks
    for loss in allLosses { rows += gradientChecks(for: loss) }
  }
  for name in arguments.positionals {
    let loss: any Loss = try allLosses.named(
      name, kind: "loss", at: "kindred gradcheck", mistake: .badUsage)
    rows += gradientChecks(for: Named(name, loss))
  }
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  var outcomes: [GradientCheck.Outcome] = []
  for (i, row) in rows.enumerated() {
    outcomes.append(row.run())
    progress.show("checked \(row.name)", done: i + 1, of: rows.count)
  }
  progress.finish()
  let failed = outcomes.filter { !$0.passes }
  if arguments.has("--json") {
    Terminal.printJSON([
      "checks": .array(outcomes.map(\.json)), "passed": JSONValue(outcomes.count - failed.count),
      "failed": JSONValue(failed.count),
    ])
  } else {
    var table = Table(["row", "gradient", "difference", "error", "allowed", "result"])
    for outcome in outcomes {
      table.append([
        outcome.name, brief(outcome.derivative), brief(outcome.difference), brief(outcome.error),
        brief(outcome.tolerance), outcome.passes ? "passes" : "FAILS",
      ])
    }
    print(table.text, terminator: "")
    print("\(outcomes.count - failed.count) passed, \(failed.count) failed")
  }
  if let first = failed.first {
    throw Failure(
      .checkFailed, at: first.name, "the gradient is off by \(brief(first.error))",
      expected: "\(brief(first.tolerance)) at most")
  }
}

extension GradientCheck.Outcome {
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "derivative": .number(derivative), "difference": .number(difference),
      "error": .number(error), "tolerance": .number(tolerance), "passes": .bool(passes),
    ]
  }
}

private func brief(_ value: Double) -> String { significant(value, 4) }
