import Foundation
import Settings
import Training

/// Every subcommand, in the order of the help.
let allSubcommands: [Subcommand] = [
  trainCommand, learnCommand, evaluateCommand, compareCommand, calibrateCommand, driftCommand,
  inspectCommand,
  explainCommand, reportCommand,
  embedCommand, tokenizeCommand, trainTokenizerCommand, mergeCommand,
  exportCommand, indexCommand,
  searchCommand,
  pictureCommand,
  lossCommand,
  mineCommand, mineCorpusCommand, mineAdapterCommand, gradcheckCommand, benchCommand, listCommand,
  recipesCommand,
]

/// Runs the command line; returns the exit status.
func runKindred(_ words: [String]) -> Int32 {
  do {
    try MemoryBudget.checkVariable(in: ProcessInfo.processInfo.environment)
    try dispatch(words)
    try Output.check()
    return 0
  } catch let failure as Failure {
    Terminal.printError("kindred: \(failure)")
    return failure.kind.rawValue
  } catch {
    Terminal.printError("kindred: \(error)")
    return Failure.Kind.badData.rawValue
  }
}

private func dispatch(_ words: [String]) throws {
  guard let first = words.first, first != "--help", first != "-h", first != "help" else {
    print(overview, terminator: "")
    if words.isEmpty {
      throw Failure(.badUsage, at: "command line", "no subcommand", remedy: "see kindred --help")
    }
    return
  }
  if first == "--version" {
    print("kindred \(kindredVersion)")
    return
  }
  // A name of two words goes before one of a single word.
  let two = words.prefix(2).joined(separator: " ")
  guard
    let subcommand = allSubcommands.first(where: { $0.name == two })
      ?? allSubcommands.first(where: { $0.name == first })
  else {
    throw Failure(
      .badUsage, at: "command line", "there is no subcommand '\(first)'",
      remedy: suggestion(for: first, among: allSubcommands.map(\.name)))
  }
  let rest = Array(words.dropFirst(subcommand.name == two ? 2 : 1))
  if rest.contains("--help") || rest.contains("-h") {
    print(subcommand.help, terminator: "")
    return
  }
  let arguments = try Arguments(rest, for: subcommand)
  if subcommand.options.contains(where: { $0.name == Subcommand.threads.name }) {
    try arguments.applyThreads()
  }
  try subcommand.run(arguments)
}

private var overview: String {
  let width = allSubcommands.map(\.name.count).max() ?? 0
  let lines = allSubcommands.map {
    "  " + $0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.summary
  }
  return """
    kindred trains, judges and ships embedding models.

    Usage: kindred SUBCOMMAND ...

    \(lines.joined(separator: "\n"))

    kindred SUBCOMMAND --help tells more; kindred --version tells the version.
    Example: kindred train recipes/quickstart.json5 --out runs/quickstart

    """
}
