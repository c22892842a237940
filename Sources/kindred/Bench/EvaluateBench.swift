import Autodiff
import Evaluation
import Settings

/// Times the whole of `kindred evaluate` with its defaults beside the product of the embeddings with
/// themselves alone, which is made in strips that stay in the cache; both in turn, so that a slow
/// phase of the machine meets both.
@Sendable func benchEvaluate(_ arguments: Arguments) throws {
  let rows = try arguments.wholeNumber("--rows", in: 2...1_000_000) ?? 60_000
  let dimension = try arguments.wholeNumber("--dimension", in: 1...65_536) ?? 128
  let classes = try arguments.wholeNumber("--classes", in: 1...1_000_000) ?? max(1, rows / 5)
  let rounds = try arguments.wholeNumber("--repeat", in: 1...1000) ?? 3
  let set = scatteredClasses(classes, rows: rows, dimension: dimension)
  var options = EvaluationOptions()
  options.clusteringLimit = defaultClusteringLimit

  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  var rounded: [(product: Measurement, evaluation: Measurement)] = []
  for round in 0..<rounds {
    progress.show("round \(round + 1) of \(rounds)", done: round, of: rounds)
    let product = Measurement(
      "product \(rows)×\(dimension)×\(rows)",
      operations: 2 * Double(rows) * Double(rows) * Double(dimension), repeats: 1
    ) { multiplyByItself(set.embeddings) }
    var failure: (any Error)?
    let evaluation = Measurement("evaluation of \(rows)×\(dimension)", repeats: 1) {
      do { _ = try evaluate(query: set, options: options) } catch { failure = error }
    }
    if let failure { throw failure }
    rounded.append((product, evaluation))
  }
  progress.finish()
  let ratios = rounded.map { $0.evaluation.median / $0.product.median }.sorted()
  let results = [rounded.map(\.product), rounded.map(\.evaluation)].compactMap { all in
    all.sorted { $0.median < $1.median }[all.count / 2]
  }
  guard !arguments.has("--json") else {
    Terminal.printJSON([
      "threads": JSONValue(Parallel.threadCount), "rows": JSONValue(rows),
      "classes": JSONValue(classes), "ratio": .number(ratios[rounds / 2]),
      "ratios": .array(ratios.map { .number($0) }), "results": .array(results.map(\.json)),
    ])
    return
  }
  show(results, arguments)
  print("the evaluation takes \(fixed(ratios[rounds / 2], 2)) times as long as the product alone")
}

/// Unit vectors around a random centre for each class.
private func scatteredClasses(_ classes: Int, rows: Int, dimension: Int) -> EmbeddingSet {
  var random = Random(seed: 11)
  let centres = Tensor(
    normal: [classes, dimension], deviation: 1, dtype: .float32, random: &random
  ).normalizedRows().elements(as: Float.self)
  let labels = (0..<rows).map { _ in random.below(classes) }
  var noise = Tensor(
    normal: [rows, dimension], deviation: 1.2 / Double(dimension).squareRoot(), dtype: .float32,
    random: &random
  ).elements(as: Float.self)
  for (row, label) in labels.enumerated() {
    for i in 0..<dimension { noise[row * dimension + i] += centres[label * dimension + i] }
  }
  return EmbeddingSet(
    embeddings: Tensor(noise, shape: [rows, dimension]).normalizedRows(), labels: labels)
}

/// All inner products of the rows, each used up by being made.
private func multiplyByItself(_ embeddings: Tensor) {
  let (rows, dimension, block) = (embeddings.shape[0], embeddings.shape[1], 1024)
  embeddings.withElements(of: Float.self) { all in
    guard let base = all.baseAddress else { return }
    for start in stride(from: 0, to: rows, by: block) {
      Float.productStrips(
        base, base + start * dimension, m: rows, n: min(block, rows - start), k: dimension
      ) { _, _ in }
    }
  }
}
