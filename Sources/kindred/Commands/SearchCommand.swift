import Autodiff
import Evaluation
import Files
import Index
import Settings
import Training

let searchCommand = Subcommand(
  name: "search",
  summary: "Find the nearest items of a run's test data, or the nearest vectors of an index.",
  positionals: [
    .init(
      name: "RUN|INDEX",
      summary: "a run folder, an .npy file, or an index of Kindred, FAISS, hnswlib or USearch")
  ],
  options: [
    .init("--query", "FILE", "a picture or folder (of a run), or an .npy file"),
    .init("--top", "K", "how many neighbours to tell (default: 10)"),
    .init("--ef", "N", "how many near vectors a graph follows (default: 64)"),
    .init("--probes", "N", "how many lists of an inverted file are read (default: 16)"),
    .init("--metric", "NAME", "inner-product or l2, for files of hnswlib (default: by lengths)"),
    .init("--threshold", "S", "the least similarity that is a match (default: as calibrated)"),
    .init(
      "--calibration", "FILE", "what kindred calibrate wrote (default: what lies beside INDEX)"),
    .init(
      "--adapter", "FILE", "order the nearest by what kindred mine adapter's takes for relevant"),
    .init("--adapter-power", "L", "how much that counts, an exponent (default: 1)"),
    .init("--adapter-from", "N", "how many of the nearest it orders (default: 10 K)"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred search runs/quickstart --query examples/query.png --top 5",
  run: search)

private func search(_ arguments: Arguments) throws {
  let path = try arguments.required("--query")
  let top = try arguments.wholeNumber("--top", in: 1...1_000_000) ?? 10
  let given = try number("--threshold", arguments)
  let place = arguments.positionals[0]
  var found =
    FileSystem.isFolder(place)
    ? try SearchedVectors(run: place, query: path, isQuiet: arguments.has("--json"))
    : try SearchedVectors(file: place, queries: path, metric: try metric(arguments))
  if let other = arguments.value("--calibration") { try found.calibrate(by: other) }
  if let given, given > 0, found.isDistance {
    throw Failure(
      .badUsage, at: "--threshold", "'\(given)' is a similarity that no distance is",
      expected: "0 or less, since distances are negated to be similarities",
      remedy: "give \(-given) for distances up to \(given)")
  }
  let effort = try effort(arguments)
  let reranking = try Reranking(found.index, found.queries, top: top, effort, arguments, name: path)
  let neighbors =
    try reranking?.rows
    ?? found.index.search(found.queries, count: top, effort: effort, name: path)
    .asFound(queries: found.queries.shape[0])
  // Inner products are similarities; distances are told as such, and negated to be similarities.
  let isDistance = found.isDistance
  func similarity(_ score: Double) -> Double {
    isDistance ? -max(0, score).squareRoot() : score
  }
  // An inner product of vectors without unit length has no calibrated threshold.
  let calibrated = found.calibration.flatMap {
    isDistance ? -$0.0.calibration.distance : $0.0.calibration.similarity
  }
  let threshold = given ?? calibrated
  let source = given != nil ? "--threshold" : calibrated == nil ? nil : found.calibration?.path
  let judgement = try MatchJudgement(
    found.calibration?.0, threshold: threshold, isGiven: given != nil, queries: found.queries,
    isDistance: isDistance, itemCount: found.index is IdentifiedIndex ? nil : found.index.count,
    at: found.calibration?.path ?? place)
  for note in found.notes { Terminal.printError("kindred: note: \(note)") }
  if arguments.has("--json") {
    let rows = (0..<found.queries.shape[0]).map { query in
      JSONValue.array(
        neighbors[query].map { neighbor in
          var members: [String: JSONValue] = [
            "id": JSONValue(neighbor.id), "similarity": .number(similarity(neighbor.score)),
          ]
          members.merge(
            judgement.members(query: query, id: neighbor.id, similarity(neighbor.score))
          ) { $1 }
          if isDistance { members["distance"] = .number(-similarity(neighbor.score)) }
          if let name = found.name(of: neighbor.id) { members["item"] = .string(name) }
          if let label = found.label(of: neighbor.id) { members["class"] = label }
          if reranking != nil { members["relevance"] = .number(neighbor.relevance) }
          return .object(members)
        })
    }
    Terminal.printJSON([
      "neighbors": .array(rows), "metric": .string(found.index.metric.rawValue),
      "threshold": threshold.map { .number($0) } ?? .null,
      "thresholdSource": source.map { .string($0) } ?? .null,
      "notes": .array(found.notes.map { .string($0) }),
    ])
    return
  }
  for query in 0..<found.queries.shape[0] {
    print(found.queryNames[query])
    var table = Table(
      ["  id"] + (found.hasClasses ? ["class"] : []) + (found.hasNames ? ["item"] : [])
        + [isDistance ? "distance" : "similarity"] + judgement.columns
        + (reranking == nil ? [] : ["relevance"]))
    for neighbor in neighbors[query] {
      let value = similarity(neighbor.score)
      var cells = ["  \(neighbor.id)"]
      if found.hasClasses { cells.append(found.className(of: neighbor.id) ?? "–") }
      if found.hasNames { cells.append(found.name(of: neighbor.id) ?? "–") }
      cells.append(fixed(isDistance ? -value : value, 4))
      cells += judgement.cells(query: query, id: neighbor.id, value)
      if reranking != nil { cells.append(fixed(neighbor.relevance, 4)) }
      table.append(cells)
    }
    print(table.text, terminator: "")
  }
  print(
    judgement.explanation
      ?? explanation(of: threshold, from: source, found, isDistance: isDistance))
}

/// Which threshold told matches from others.
private func explanation(
  of threshold: Double?, from source: String?, _ found: SearchedVectors, isDistance: Bool
) -> String {
  guard let threshold, let source else {
    return found.calibration == nil
      ? "Give --threshold S, or run kindred calibrate, to tell matches from others."
      : "The calibrated threshold is a distance; inner products need --threshold S."
  }
  let value =
    isDistance
    ? "a distance up to \(fixed(-threshold, 4))" : "a similarity from \(fixed(threshold, 4))"
  let rate =
    found.calibration.map { calibration, path in
      path == source
        ? ", for a false accept rate of \(calibration.calibration.requestedRate)" : ""
    } ?? ""
  return "A match is \(value) (\(source)\(rate))."
}

private func effort(_ arguments: Arguments) throws(Failure) -> SearchEffort {
  var effort = SearchEffort()
  effort.ef = try arguments.wholeNumber("--ef", in: 1...1_000_000) ?? effort.ef
  effort.probes = try arguments.wholeNumber("--probes", in: 1...1_000_000) ?? effort.probes
  return effort
}

private func metric(_ arguments: Arguments) throws(Failure) -> ExactIndex.Metric? {
  guard arguments.has("--metric") else { return nil }
  return try arguments.word("--metric", default: ExactIndex.Metric.l2)
}

private func number(_ option: String, _ arguments: Arguments) throws(Failure) -> Double? {
  guard let text = arguments.value(option) else { return nil }
  guard let number = Double(text), number.isFinite else {
    throw Failure(.badUsage, at: option, "'\(text)'", expected: "a number")
  }
  return number
}
