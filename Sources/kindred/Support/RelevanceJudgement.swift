import Evaluation
import Files
import Settings

private enum RelevanceKind: String, CaseIterable { case levels, sets }

/// Judges `--embeddings` by several labels for each item: what `kindred evaluate --relevance` does.
func judgeByRelevance(
  _ distance: EvaluationOptions.Distance, _ arguments: Arguments
) throws(Failure) {
  let kind = try arguments.word("--relevance", default: RelevanceKind.levels)
  let embeddings = try readMatrix(try arguments.required("--embeddings"))
  let path = try arguments.required("--labels")
  let rows = try NumPyArray.read(path).wholeRows(at: path)
  let relevance: Relevance =
    kind == .levels ? .levels(rows) : .labelSets(rows.map { $0.map { $0 != 0 } })
  let found = try evaluateRelevance(embeddings, relevance, distance: distance, name: path)
  if arguments.has("--json") {
    Terminal.printJSON(found.json)
    return
  }
  var table = Table(["metric", "value", "definition"])
  for entry in found.entries { table.append([entry.name, fixed(entry.value, 4), entry.id]) }
  print(table.text, terminator: "")
  print("\(found.queries) queries; \(found.loneQueries) without a relevant item are left out")
}
