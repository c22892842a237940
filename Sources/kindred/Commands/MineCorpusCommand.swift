import Autodiff
import Files
import Index
import CorpusMining
import Settings

let mineCorpusCommand = Subcommand(
  name: "mine corpus",
  summary: "Find hard negatives of queries among all vectors of a corpus.",
  options: corpusOptions + [
    .init("--out", "FOLDER", "the folder to write; it must be new or empty"),
    .init(
      "--policy", "NAME",
      allNegativePolicies.map(\.name).joined(separator: ", ") + " (default: percent-of-positive)"),
    .init("--params", "JSON5", "settings of the policy, as in '{ share: 0.95 }'"),
    .init("--count", "N", "negatives of a query (default: 4)"),
    .init("--draw-from", "N", "draw them from the first N that pass (default: the count)"),
    .init("--balance", "draw small margins to the positive as often as large ones"),
    .init("--ranks", "FROM:TO", "ranks that may be negatives, from 0, TO not included"),
    .init("--similarity", "NAME", "cosine or inner-product (default: cosine)"),
    .init("--teacher-queries", "Q.npy", "vectors of the queries by a model that judges"),
    .init("--teacher-corpus", "C.npy", "vectors of the corpus by the same model"),
    .init("--teacher-scores", "S.jsonl", "or its scores: {\"query\": 0, \"scores\": [[12, 0.93]]}"),
    .init("--index", "FILE", "find candidates in an index of the corpus, not among all of it"),
    .init("--ef", "N", "how many near vectors a graph index follows (default: 128)"),
    .init("--adapter", "FILE", "draw less often what kindred mine adapter's takes for positives"),
    .init("--adapter-power", "G", "how much less often, an exponent (default: 1)"),
    .init("--resume", "go on with the mining in the folder"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred mine corpus --queries Q.npy --corpus C.npy --positives P.jsonl --out mined",
  run: mineCorpus)

private func mineCorpus(_ arguments: Arguments) throws {
  let name = arguments.value("--policy") ?? "percent-of-positive"
  let registered: any NegativePolicy = try allNegativePolicies.named(
    name, kind: "policy", at: "--policy", mistake: .badUsage)
  let policy = try configured(registered, try arguments.settings("--params"), at: "--params")
  let count = try arguments.wholeNumber("--count", in: 1...10_000) ?? 4
  var rule = CandidateRule(
    policy: policy, count: count,
    drawnFrom: try arguments.wholeNumber("--draw-from", in: count...10_000),
    ranks: try ranks(arguments))
  rule.balancesMargins = arguments.has("--balance")
  try checkDraws(arguments, rule)
  let similarity = try arguments.word("--similarity", default: Similarity.cosine)
  var (miner, size) = try corpusMiner(arguments, rule, similarity)
  miner.adapter = try adapter(arguments, columns: size.columns)

  let folder = MiningFolder(try arguments.required("--out"))
  let isQuiet = arguments.has("--json")
  let progress = ProgressLine(isQuiet: isQuiet)
  var first: Int?
  let summary = try folder.mine(
    with: miner, settings: try identity(of: arguments, name, policy),
    resuming: arguments.has("--resume")
  ) { done in
    let start = first ?? done
    first = start
    progress.show(
      "mined \(done)/\(size.queries) queries", done: done - start, of: size.queries - start)
  }
  progress.finish()
  if isQuiet {
    Terminal.printJSON(summary.json)
    return
  }
  var table = Table(["what became of candidates", "count"])
  table.append(["negative", "\(summary.negatives)"])
  for reason in DropReason.allCases {
    table.append([reason.rawValue, "\(summary.dropped[reason] ?? 0)"])
  }
  print(table.text)
  print(
    "\(summary.complete) of \(summary.queries) queries have \(count) negatives, \(summary.short) "
      + "have fewer (\(summary.lackPositive) of them lack a positive).")
  print("The negatives are in \(folder.negatives).")
}

private func ranks(_ arguments: Arguments) throws(Failure) -> Range<Int>? {
  guard let text = arguments.value("--ranks") else { return nil }
  let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
  guard numbers.count == 2, let from = numbers[0], let to = numbers[1], from >= 0, from < to else {
    throw Failure(.badUsage, at: "--ranks", "'\(text)'", expected: "two ranks, as in 10:100")
  }
  return from..<to
}

/// An option that says how negatives are drawn has no use where all that pass are taken.
private func checkDraws(_ arguments: Arguments, _ rule: CandidateRule) throws(Failure) {
  guard rule.drawnFrom == rule.count else { return }
  for option in ["--balance", "--adapter"] where arguments.has(option) {
    throw Failure(
      .badUsage, at: option, "all \(rule.count) candidates that pass are taken",
      expected: "more to draw from", remedy: "add --draw-from \(4 * rule.count)")
  }
}

/// What judges candidates beside their similarity, if anything.
func teacher(
  _ arguments: Arguments, _ queries: Int, _ corpus: Int
) throws(Failure) -> CorpusMiner.Teacher? {
  let hasVectors = arguments.has("--teacher-queries") || arguments.has("--teacher-corpus")
  if let path = arguments.value("--teacher-scores") {
    guard !hasVectors else {
      throw Failure(
        .badUsage, at: "--teacher-scores", "there are a teacher's vectors too",
        expected: "scores or vectors")
    }
    return .scores(try TeacherScores(path, queries: queries, corpus: corpus))
  }
  guard hasVectors else { return nil }
  return .vectors(
    queries: try NumPyRows(try arguments.required("--teacher-queries")),
    corpus: try NumPyRows(try arguments.required("--teacher-corpus")))
}

/// The index that candidates come from, if it is not all of the corpus.
func index(
  _ arguments: Arguments, _ similarity: Similarity
) throws(Failure) -> (any VectorIndex, effort: Int, name: String)? {
  guard let path = arguments.value("--index") else { return nil }
  let effort = try arguments.wholeNumber("--ef", in: 1...1_000_000) ?? 128
  return (try openIndex(path, metric: .innerProduct), effort, path)
}

/// All that the result depends on, to tell whether a mining goes on as it was started.
private func identity(
  of arguments: Arguments, _ policy: String, _ value: any NegativePolicy
) throws(Failure) -> JSONValue {
  var members: [String: JSONValue] = [
    "policy": .string(policy), "params": .object(value.settingValues),
    "--balance": .bool(arguments.has("--balance")),
  ]
  for option in [
    "--count", "--draw-from", "--ranks", "--similarity", "--seed", "--ef", "--adapter-power",
  ] {
    members[option] = arguments.value(option).map { .string($0) } ?? .null
  }
  for option in ["--queries", "--corpus", "--teacher-queries", "--teacher-corpus"] {
    guard let path = arguments.value(option) else { continue }
    members[option] = JSONValue(Int(try NumPyRows(path).fingerprint()))
  }
  let files = [
    "--positives", "--query-ids", "--corpus-ids", "--teacher-scores", "--adapter", "--index",
  ]
  for option in files {
    guard let path = arguments.value(option) else { continue }
    members[option] = JSONValue(Int(CRC32.of(try FileSystem.read(path)[...])))
  }
  return .object(members)
}
