import Evaluation
import Settings
import Training

let calibrateCommand = Subcommand(
  name: "calibrate",
  summary: "Fit the threshold of a run for a false accept rate, and check it on other classes.",
  positionals: [.init(name: "RUN", summary: "a run folder; its calibration.json is written")],
  options: [
    .init("--far", "RATE", "the false accept rate to keep to, such as 0.001")
  ] + judgedItemsOptions + [
    .init("--seed", "N", "how the classes are halved and drawn (default: 0)"),
    .init("--draws", "N", "draws of the bootstrap (default: 1000)"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred calibrate runs/quickstart --far 0.001",
  run: calibrateRun)

private func calibrateRun(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  let text = try arguments.required("--far")
  guard let rate = Double(text), rate > 0, rate < 1 else {
    throw Failure(.badUsage, at: "--far", "'\(text)'", expected: "a number above 0 and below 1")
  }
  let seed = try arguments.wholeNumber("--seed", in: 0...Int(Int32.max)) ?? 0
  let draws = try arguments.wholeNumber("--draws", in: 1...1_000_000) ?? 1000
  let run = arguments.positionals[0]
  let model = try TrainedModel(run: run)
  let items = try judgedItems(of: model, run: run, arguments)
  let set = model.embeddingSet(of: items, isQuiet: arguments.has("--json"))
  let calibration = try calibrate(set, falseAcceptRate: rate, seed: seed, draws: draws)
  let path = RunFolder(run).calibration
  let found = try RunCalibration(calibration, data: items.identity, run: run)
  try found.write(to: path)
  if arguments.has("--json") {
    Terminal.printJSON(found.json)
  } else {
    print(tables(of: calibration), terminator: "")
    print("wrote \(path)")
  }
}

private func tables(of calibration: Calibration) -> String {
  func text(_ interval: ClosedRange<Double>?) -> String {
    interval.map { "\(significant($0.lowerBound, 4)) … \(significant($0.upperBound, 4))" } ?? "–"
  }
  var threshold = Table(["a pair matches", "threshold", "95 % interval"])
  if let similarity = calibration.similarity {
    threshold.append([
      "from a cosine similarity of", fixed(similarity, 5), text(calibration.similarityInterval),
    ])
  }
  threshold.append([
    "up to a Euclidean distance of", fixed(calibration.distance, 5),
    text(calibration.distanceInterval),
  ])
  var rates = Table([
    "classes", "number", "pairs", "false accept rate", "95 % interval", "matching pairs",
    "false reject rate", "95 % interval",
  ])
  for (name, part) in [("fitted on", calibration.fit), ("checked on", calibration.check)] {
    rates.append([
      name, "\(part.classes)", "\(part.negativePairs)", significant(part.falseAcceptRate, 4),
      text(part.falseAcceptInterval), "\(part.positivePairs)",
      part.falseRejectRate.map { significant($0, 4) } ?? "–", text(part.falseRejectInterval),
    ])
  }
  let holds = calibration.check.falseAcceptInterval?.contains(calibration.requestedRate) ?? false
  var lines = [
    "",
    "The rate asked for, \(significant(calibration.requestedRate, 4)), lies "
      + "\(holds ? "within" : "outside") the interval of the classes that it was checked on.",
  ]
  if let fit = calibration.probabilityFit {
    lines.append(
      "The probability of a match by the distance (Platt) is wrong by "
        + "\(significant(100 * fit.calibrationError, 2)) % on average on these classes.")
  }
  if min(calibration.fit.classes, calibration.check.classes) < 20 {
    lines.append("With so few classes the intervals are too narrow: take them as a lower bound.")
  }
  return threshold.text + "\n" + rates.text + lines.map { $0 + "\n" }.joined()
}
