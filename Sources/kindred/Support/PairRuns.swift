import Data
import Evaluation
import Foundation
import Settings
import Training

/// Which side of a run of queries and documents is meant.
let sideOption = Subcommand.Option(
  "--side", "query|document", "of a run of queries and documents: which of its encoders")

extension Arguments {
  /// The side that `--side` names.
  ///
  /// - Parameter usual: what is meant where nothing is said; nil where something must be.
  func side(default usual: Side? = nil) throws(Failure) -> Side {
    if usual == nil { _ = try required("--side") }
    return try word("--side", default: usual ?? .document)
  }

  /// Fails if a side is named of what has but one.
  func refuseSide(of path: String) throws(Failure) {
    guard has("--side") else { return }
    throw Failure(
      .badUsage, at: "--side", "\(path) is no run of queries and documents",
      remedy: "leave the option out")
  }
}

/// The queries and documents of a run, or those of `--data`.
func pairedData(of model: PairModel, _ arguments: Arguments) throws(Failure) -> PairedData {
  var source: any PairSource = model.recipe.data.value
  if let name = arguments.value("--data") {
    let registered: any PairSource = try allPairSources.named(
      name, kind: "data set of pairs", at: "--data", mistake: .badUsage)
    source = try configured(
      registered, try arguments.settings("--data-params"), at: "--data-params")
  } else if arguments.has("--data-params") {
    throw Failure(.badUsage, at: "--data-params", "there is no --data")
  }
  return try source.loadPairs(
    root: dataRoot(environment: ProcessInfo.processInfo.environment))
}

/// Judges a run of queries and documents on the queries that are held out.
func evaluatePairs(run: String, _ arguments: Arguments) throws(Failure) {
  let known = ["--data", "--data-params", "--json", "--threads"]
  for option in evaluateCommand.options.map(\.name)
  where arguments.has(option) && !known.contains(option) {
    throw Failure(
      .badUsage, at: option, "\(run) is a run of queries and documents",
      remedy: "leave the option out")
  }
  let model = try PairModel(run: run)
  let evaluation = try model.judge(try pairedData(of: model, arguments))
  if arguments.has("--json") { Terminal.printJSON(evaluation.json) } else { show(evaluation) }
}
