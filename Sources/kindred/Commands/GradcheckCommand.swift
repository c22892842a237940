import Autodiff
import Foundation
import Geometry
import Losses
import Miners
import Models
import Settings
import Training

let gradcheckCommand = Subcommand(
  name: "gradcheck",
  summary: "Check every loss, modifier, layer and operation against finite differences in float64.",
  positionals: [
    .init(
      name: "LOSS", summary: "losses and modifiers to check; without one, everything is checked",
      isRequired: false, isRepeated: true)
  ],
  options: [Subcommand.threads, Subcommand.json],
  example: "kindred gradcheck multi-similarity arc-face",
  run: checkGradients)

/// A row of the table: a gradient against finite differences in float64, or a loss in float32
/// against itself in float64.
private enum Check {
  case gradient(GradientCheck.Outcome)
  case precision(PrecisionCheck)

  var name: String {
    switch self {
    case .gradient(let outcome): outcome.name
    case .precision(let check): check.name
    }
  }

  var kind: String {
    switch self {
    case .gradient: "finite differences"
    case .precision: "float32"
    }
  }

  var passes: Bool {
    switch self {
    case .gradient(let outcome): outcome.passes
    case .precision(let check): check.passes
    }
  }

  /// The larger of the errors.
  var error: Double {
    switch self {
    case .gradient(let outcome): outcome.error
    case .precision(let check): max(check.valueError, check.gradientError)
    }
  }

  var tolerance: Double {
    switch self {
    case .gradient(let outcome): outcome.tolerance
    case .precision(let check): check.tolerance
    }
  }
}

private func checkGradients(_ arguments: Arguments) throws {
  let losses = allLosses + hiddenLosses
  var runs: [(name: String, run: () -> [Check])] = []
  func add(_ loss: Named<any Loss>) {
    for row in gradientChecks(for: loss) { runs.append((row.name, { [.gradient(row.run())] })) }
    runs.append((loss.name, { precisionChecks(for: loss).map { .precision($0) } }))
  }
  func add(_ modifier: Named<any Modifier>) {
    for row in gradientChecks(for: modifier) {
      runs.append((row.name, { [.gradient(row.run())] }))
    }
    runs.append((modifier.name, { precisionChecks(for: modifier).map { .precision($0) } }))
  }
  if arguments.positionals.isEmpty {
    for row in operationGradientChecks + layerGradientChecks {
      runs.append((row.name, { [.gradient(row.run())] }))
    }
    for loss in losses { add(loss) }
    for modifier in allModifiers { add(modifier) }
  }
  for name in arguments.positionals {
    if let modifier = allModifiers.first(where: { $0.name == name }) {
      add(modifier)
      continue
    }
    let loss: any Loss = try losses.named(
      name, kind: "loss or modifier", at: "kindred gradcheck", mistake: .badUsage)
    add(Named(name, loss))
  }
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  var checks: [Check] = []
  for (i, row) in runs.enumerated() {
    checks += row.run()
    progress.show("checked \(row.name)", done: i + 1, of: runs.count, isEven: false)
  }
  progress.finish()
  let failed = checks.filter { !$0.passes }
  if arguments.has("--json") {
    Terminal.printJSON([
      "checks": .array(checks.map(\.json)), "passed": JSONValue(checks.count - failed.count),
      "failed": JSONValue(failed.count),
    ])
  } else {
    var table = Table(["row", "check", "error", "allowed", "result"])
    for check in checks {
      table.append([
        check.name, check.kind, brief(check.error), brief(check.tolerance),
        check.passes ? "passes" : "FAILS",
      ])
    }
    print(table.text, terminator: "")
    print("\(checks.count - failed.count) passed, \(failed.count) failed")
  }
  if let first = failed.first {
    throw Failure(
      .checkFailed, at: "\(first.name), \(first.kind)", "it is off by \(brief(first.error))",
      expected: "\(brief(first.tolerance)) at most")
  }
}

/// A loss with a wrong gradient, for the test that gradcheck finds one: only with
/// KINDRED_WRONG_LOSS set, and in no list.
private var hiddenLosses: [Named<any Loss>] {
  guard ProcessInfo.processInfo.environment["KINDRED_WRONG_LOSS"] != nil else { return [] }
  return [Named("wrong", WrongLoss())]
}

private struct WrongLoss: PairwiseLoss {
  let distance = Distance.cosine
  static let summary = "wrong on purpose"
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    for j in row.indices {
      sums.terms.add(Double(row.values[j]))
      row.derivatives[j] = 2
    }
  }
}

extension Check {
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name), "check": .string(kind), "error": .number(error),
      "tolerance": .number(tolerance), "passes": .bool(passes),
    ]
    switch self {
    case .gradient(let outcome):
      members["derivative"] = .number(outcome.derivative)
      members["difference"] = .number(outcome.difference)
    case .precision(let check):
      members["valueError"] = .number(check.valueError)
      members["gradientError"] = .number(check.gradientError)
    }
    return .object(members)
  }
}

private func brief(_ value: Double) -> String { significant(value, 4) }
