import Autodiff
import Index
import Settings

/// Times the building of a graph over given vectors and its search at several breadths.
@Sendable func benchGraph(_ arguments: Arguments) throws {
  let vectors = try readMatrix(try arguments.required("--embeddings"), dtype: .float32)
  let queries = try readMatrix(try arguments.required("--queries"), dtype: .float32)
  let settings = try HNSWSettings().setting(try arguments.settings("--params"), at: "--params")
  let metric = ExactIndex.Metric.automatic(for: vectors)
  let exact = try ExactIndex(vectors, metric: metric).search(queries, count: 10)
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  let clock = ContinuousClock()
  let start = clock.now
  let index = try HNSWIndex(vectors, metric: metric, settings: settings) { done, total in
    progress.show("inserted \(done)/\(total)", done: done, of: total)
  }
  let building = seconds(clock.now - start)
  progress.finish()
  var table = Table(["ef", "recall@10", "queries/s"])
  var rows: [JSONValue] = []
  let repeats = try arguments.wholeNumber("--repeat", in: 1...1000) ?? 7
  for ef in [10, 20, 40, 80, 160, 320] {
    var times: [Double] = []
    var found: Neighbors?
    for _ in 0..<repeats {
      let start = clock.now
      found = try index.search(queries, count: 10, ef: ef)
      times.append(seconds(clock.now - start))
    }
    guard let found else { continue }
    let recall = found.recall(of: exact)
    let speed = Double(queries.shape[0]) / times.sorted()[repeats / 2]
    table.append(["\(ef)", fixed(recall, 4), fixed(speed, 0)])
    rows.append([
      "ef": JSONValue(ef), "recall@10": .number(recall), "queriesPerSecond": .number(speed),
    ])
  }
  if arguments.has("--json") {
    Terminal.printJSON([
      "buildSeconds": .number(building), "searches": .array(rows),
      "vectors": JSONValue(index.count), "metric": .string(metric.rawValue),
    ])
  } else {
    print("built over \(index.count) vectors in \(fixed(building, 2)) s")
    print(table.text, terminator: "")
  }
}
