import Data
import Files
import Index
import CorpusMining
import Settings

/// What both minings of a corpus are told.
let corpusOptions: [Subcommand.Option] = [
  .init("--queries", "Q.npy", "the vectors of the queries, [queries, dimension]"),
  .init("--corpus", "C.npy", "the vectors that are searched, [rows, dimension]"),
  .init("--positives", "P.jsonl", "lines such as {\"query\": 0, \"positives\": [12, 40]}"),
  .init("--query-ids", "FILE", "an id for each query, in lines or an .npy file"),
  .init("--corpus-ids", "FILE", "an id for each row: rows of one id are the same item"),
  .init("--budget", "MIB", "how much memory to use (default: 2048)"),
  .init("--seed", "N", "for what is drawn at random (default: 0)"),
]

/// Opens the files of a mining.
func corpusMiner(
  _ arguments: Arguments, _ rule: CandidateRule, _ similarity: Similarity
) throws(Failure) -> (CorpusMiner, size: (queries: Int, columns: Int)) {
  let queries = try NumPyRows(try arguments.required("--queries"))
  let corpus = try NumPyRows(try arguments.required("--corpus"))
  let corpusIDs = try arguments.value("--corpus-ids").map { path throws(Failure) in
    try RowIdentities(path, rows: corpus.rows)
  }
  let queryIDs = try arguments.value("--query-ids").map { path throws(Failure) in
    try RowIdentities(path, rows: queries.rows, known: corpusIDs)
  }
  let positives = try PositiveRows(
    try arguments.required("--positives"), queries: queries.rows, corpus: corpus.rows,
    queryIDs: queryIDs ?? RowIdentities(), corpusIDs: corpusIDs ?? RowIdentities())
  let miner = try CorpusMiner(
    queries: queries, corpus: corpus, positives: positives, rule: rule, similarity: similarity,
    // Without ids of both, a query and a row that share a number have nothing in common.
    queryIDs: corpusIDs == nil ? nil : queryIDs, corpusIDs: corpusIDs ?? RowIdentities(),
    teacher: try teacher(arguments, queries.rows, corpus.rows),
    index: try index(arguments, similarity),
    budget: (try arguments.wholeNumber("--budget", in: 1...(1 << 30)) ?? 2048) << 20,
    seed: try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0)
  return (miner, (queries.rows, corpus.columns))
}
