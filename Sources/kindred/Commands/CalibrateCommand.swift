import Evaluation
import Files
import Index
import Settings
import Training

let calibrateCommand = Subcommand(
  name: "calibrate",
  summary:
    "Fit the threshold of a run, or of embeddings, for a false accept rate; check it on other classes.",
  positionals: [
    .init(
      name: "RUN", summary: "a run folder; its calibration.json is written", isRequired: false)
  ],
  options: [
    .init("--embeddings", "E.npy", "vectors instead of a run; E.calibration.json is written"),
    .init("--labels", "Y.npy", "the class of each vector"),
    .init("--far", "RATE", "the false accept rate to keep to, such as 0.001"),
    .init("--out", "FILE", "the file to write instead"),
    .init("--map", "NAME", "how a distance becomes a probability: platt (default) or isotonic"),
    .init("--per-query", "also fit a score that means the same for every query"),
    .init(
      "--per-item", "RATE",
      "also fit a threshold for each test item, with at most this share of wrong answers"),
  ] + judgedItemsOptions + [
    .init("--seed", "N", "how the classes are halved and drawn (default: 0)"),
    .init("--draws", "N", "draws of the bootstrap (default: 1000)"),
  ] + Subcommand.common,
  example: "kindred calibrate runs/quickstart --far 0.01",
  run: calibrateRun)

private func calibrateRun(_ arguments: Arguments) throws {
  let rate = try share("--far", try arguments.required("--far"))
  let errorRate = try arguments.value("--per-item").map { (text) throws(Failure) in
    try share("--per-item", text)
  }
  let map = try arguments.word("--map", default: ProbabilityMap.Kind.platt)
  let seed = try arguments.wholeNumber("--seed", in: 0...Int(Int32.max)) ?? 0
  let draws = try arguments.wholeNumber("--draws", in: 1...1_000_000) ?? 1000
  let source = try CalibrationSource(arguments)
  let set = source.set
  let calibration = try calibrate(
    set, falseAcceptRate: rate, map: map, seed: seed, draws: draws)
  let path = arguments.value("--out") ?? source.output
  var found = RunCalibration(calibration, data: source.data, model: source.model)
  if arguments.has("--per-query") {
    let progress = ProgressLine(isQuiet: arguments.has("--json"))
    found.perQuery = try QueryCalibration(set, falseAcceptRate: rate, seed: seed) { done, total in
      progress.show("fitting the queries' scores \(done)/\(total)", done: done, of: total)
    }
    progress.finish()
  }
  if let errorRate {
    guard !arguments.has("--data") else {
      throw Failure(
        .badUsage, at: "--per-item", "the items are those of --data",
        expected: "the run's own test items, which search and exports hold")
    }
    found.perItem = try ItemCalibration(set, errorRate: errorRate, seed: seed)
  }
  try found.write(to: path)
  if arguments.has("--json") {
    Terminal.printJSON(found.json)
  } else {
    print(tables(of: calibration), terminator: "")
    if Set(set.labels).count < 4 {
      print("It was checked on other rows of the same classes, since there are fewer than four.")
    }
    if let perQuery = found.perQuery { print("\n" + table(of: perQuery).text, terminator: "") }
    if let perItem = found.perItem { print("\n" + table(of: perItem).text, terminator: "") }
    print("wrote \(path)")
  }
}

/// What a threshold is fitted on.
private struct CalibrationSource {
  let set: EmbeddingSet
  /// What the vectors are, and the checksum of the model that made them, if it is known.
  let data: String
  let model: String?
  /// Where the threshold goes unless another place is said.
  let output: String

  init(_ arguments: Arguments) throws(Failure) {
    if let path = arguments.value("--embeddings") {
      guard arguments.positionals.isEmpty, !arguments.has("--data") else {
        throw Failure(
          .badUsage, at: "--embeddings", "there is a run or a data set too",
          expected: "either a run or --embeddings with --labels")
      }
      let inputs = [path, try arguments.required("--labels")]
      if let out = arguments.value("--out"), FileSystem.exists(out),
        let input = inputs.first(where: { FileSystem.realPath($0) == FileSystem.realPath(out) })
      {
        throw Failure(
          .badUsage, at: "--out", "'\(out)' is \(input), which is read", expected: "another file")
      }
      let matrix = try LabelledMatrix(arguments)
      set = EmbeddingSet(embeddings: matrix.embeddings, labels: matrix.labels, name: path)
      let name = path.split(separator: "/").last.map(String.init) ?? path
      data = "\(name): \(set.count) items of \(Set(matrix.labels).count) classes"
      (model, output) = (try VectorSpace(beside: path)?.model, calibrationPath(beside: path))
      return
    }
    guard let run = arguments.positionals.first else {
      throw Failure(
        .badUsage, at: "kindred calibrate", "there is nothing to calibrate",
        expected: "a run, or --embeddings E.npy --labels Y.npy",
        remedy: "example: \(calibrateCommand.example)")
    }
    guard !arguments.has("--labels") else {
      throw Failure(.badUsage, at: "--labels", "there is a run", expected: "--embeddings E.npy")
    }
    let model = try TrainedModel(run: run)
    let items = try judgedItems(of: model, run: run, arguments)
    set = try model.embeddingSet(of: items, isQuiet: arguments.has("--json"))
    (data, self.model) = (items.identity, try RunFolder(run).modelChecksum())
    output = RunFolder(run).calibration
  }
}

private func share(_ option: String, _ text: String) throws(Failure) -> Double {
  guard let share = Double(text), share > 0, share < 1 else {
    throw Failure(.badUsage, at: option, "'\(text)'", expected: "a number above 0 and below 1")
  }
  return share
}

private func table(of found: QueryCalibration) -> Table {
  var table = Table(["by a score that depends on the query", "value", "95 % interval"])
  table.append(["a pair matches from a score of", fixed(found.threshold, 5), "–"])
  table.append([
    "false accept rate on other classes", significant(found.falseAcceptRate, 4),
    "\(significant(found.falseAcceptInterval.lowerBound, 4)) … "
      + significant(found.falseAcceptInterval.upperBound, 4),
  ])
  table.append([
    "false reject rate on them", found.falseRejectRate.map { significant($0, 4) } ?? "–", "–",
  ])
  return table
}

private func table(of found: ItemCalibration) -> Table {
  let known = found.thresholds.compactMap { $0 }.sorted()
  var table = Table(["by a threshold for each item", "value"])
  table.append(["items with a threshold", "\(known.count) of \(found.thresholds.count)"])
  table.append([
    "median similarity from which one answers",
    known.isEmpty ? "–" : fixed(known[known.count / 2], 5),
  ])
  table.append(["questions asked by other items", "\(found.questions)"])
  table.append(["answered without a check", "\(found.answered)"])
  table.append(["of these wrong", "\(found.wrong)"])
  table.append([
    "wrong, over all questions",
    found.questions > 0 ? significant(Double(found.wrong) / Double(found.questions), 3) : "–",
  ])
  table.append(["asked for at most", "\(found.errorRate)"])
  return table
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
      "The probability of a match by the distance (\(calibration.probability?.kind.rawValue ?? "")) is wrong by "
        + "\(significant(100 * fit.calibrationError, 2)) % on average on these classes.")
  }
  if min(calibration.fit.classes, calibration.check.classes) < 20 {
    lines.append("With so few classes the intervals are too narrow: take them as a lower bound.")
  }
  return threshold.text + "\n" + rates.text + lines.map { $0 + "\n" }.joined()
}
