import Foundation
import Settings
import Training

let reportCommand = Subcommand(
  name: "report",
  summary: "Write a run's report.html anew, with the threshold that was calibrated since.",
  positionals: [.init(name: "RUN", summary: "a run folder")],
  options: Subcommand.common,
  example: "kindred report runs/quickstart",
  run: writeRunReport)

private func writeRunReport(_ arguments: Arguments) throws {
  let run = arguments.positionals[0]
  let isQuiet = arguments.has("--json")
  let progress = ProgressLine(isQuiet: isQuiet)
  try writeReport(
    ofRun: run, dataRoot: dataRoot(environment: ProcessInfo.processInfo.environment)
  ) { done, total in
    progress.show("drawing the map \(done)/\(total)", done: done, of: total)
  }
  progress.finish()
  let path = RunFolder(run).report
  if isQuiet {
    Terminal.printJSON(["report": .string(path)])
  } else {
    print("Open \(path) to look at it.")
  }
}
