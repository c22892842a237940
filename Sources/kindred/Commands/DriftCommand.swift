import Autodiff
import Evaluation
import Settings
import Training

let driftCommand = Subcommand(
  name: "drift",
  summary: "Tell whether a run's threshold still holds for new items.",
  positionals: [.init(name: "RUN", summary: "a run that was calibrated")],
  options: judgedItemsOptions + [
    .init("--input", "FOLDER|FILE", "the new items: pictures, or an .npy file of items"),
    .init("--embeddings", "E.npy", "the new items as embeddings of this run's model"),
    .init("--seed", "N", "how items are drawn (default: 0)"),
  ] + Subcommand.common,
  example: "kindred drift runs/quickstart --input examples/pictures",
  run: tellDrift)

private func tellDrift(_ arguments: Arguments) throws {
  let run = arguments.positionals[0]
  let isQuiet = arguments.has("--json")
  let seed = try arguments.wholeNumber("--seed", in: 0...Int(Int32.max)) ?? 0
  guard let saved = try RunCalibration.of(run: run) else {
    throw Failure(
      .noInput, at: RunFolder(run).calibration, "the run has no threshold yet",
      remedy: "kindred calibrate \(run) --far 0.01")
  }
  let model = try TrainedModel(run: run)
  let items = try judgedItems(of: model, run: run, arguments)
  guard items.identity == saved.data else {
    throw Failure(
      .badData, at: run, "the items are \(items.identity)",
      expected: "those of the calibration, \(saved.data)",
      remedy: "give the --data that it was calibrated on, or calibrate again")
  }
  let before = try model.embeddingSet(of: items, isQuiet: isQuiet).embeddings
  let drift = try Drift(
    before: before, now: newEmbeddings(of: model, arguments),
    threshold: saved.calibration.distance, seed: seed)
  if isQuiet {
    Terminal.printJSON([
      "definition": .string(Drift.definition), "energy": .number(drift.energy),
      "p": .number(drift.chance), "acceptedBefore": .number(drift.acceptedBefore),
      "acceptedNow": .number(drift.acceptedNow),
      "acceptedInterval": [
        .number(drift.acceptedInterval.lowerBound), .number(drift.acceptedInterval.upperBound),
      ], "holds": .bool(drift.holds),
    ])
  } else {
    var table = Table(["of the new items", "value", "at the calibration"])
    table.append([
      "share of pairs accepted", significant(drift.acceptedNow, 4),
      significant(drift.acceptedBefore, 4),
    ])
    table.append([
      "95 % interval",
      "\(significant(drift.acceptedInterval.lowerBound, 4)) … "
        + significant(drift.acceptedInterval.upperBound, 4), "",
    ])
    table.append(["energy distance", significant(drift.energy, 4), "0"])
    table.append(["p", significant(drift.chance, 2), ""])
    print(table.text, terminator: "")
    print(
      drift.holds
        ? "The threshold still holds: it accepts as many pairs as before."
        : "The threshold no longer holds: calibrate again on items like the new ones.")
  }
  if !drift.holds {
    throw Failure(
      .checkFailed, at: run,
      "the threshold accepts \(significant(drift.acceptedNow, 3)) of the new pairs",
      expected: "about \(significant(drift.acceptedBefore, 3)), as at the calibration",
      remedy: "calibrate again on items like the new ones")
  }
}

private func newEmbeddings(
  of model: TrainedModel, _ arguments: Arguments
) throws(Failure) -> Tensor {
  switch (arguments.value("--input"), arguments.value("--embeddings")) {
  case (let input?, nil): return try model.embed(input).embeddings
  case (nil, let path?): return try readMatrix(path)
  default:
    throw Failure(
      .badUsage, at: "kindred drift", "the new items are not given, or twice",
      expected: "either --input or --embeddings")
  }
}
