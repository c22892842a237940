import Autodiff
import Models
import Settings

/// Pairs of queries and rows of a corpus from which a ``FalseNegativeAdapter`` learns.
///
/// The labelled positives of a query are relevant; its nearest other rows, and as many drawn ones,
/// are taken for irrelevant. Some of them are not: the adapter finds out by what they have in common
/// with positives. A tenth of the queries is kept to see how well it does.
public struct AdapterTraining {
  private let queries, corpus: VectorRows
  private let examples, kept: [Example]
  /// How similar a row must be for the retriever to call it relevant.
  public let threshold: Double

  private struct Example {
    var query, row: Int
    var kind: FalseNegativeAdapter.Class
    /// ½ (1 + cos) with the most similar labelled positive.
    var likeness: Float
  }

  /// What the kept queries showed.
  public struct Report: Sendable, Equatable {
    public var pairs, keptPairs: Int
    /// The mean probability of relevance given to labelled positives, and to other rows.
    public var positives, others: Double
    /// How often a positive was given more than another row; ½ is chance.
    public var ranking: Double
    /// The mean error of the similarity to positives, ½ (1 + cos), and what it would be for one who
    /// always says the median.
    public var likenessError, likenessSpread: Double

    public var json: JSONValue {
      [
        "pairs": JSONValue(pairs), "keptPairs": JSONValue(keptPairs),
        "positives": .number(positives), "others": .number(others), "ranking": .number(ranking),
        "likenessError": .number(likenessError), "likenessSpread": .number(likenessSpread),
      ]
    }
  }

  /// Draws the pairs of at most `largest` queries that have positives.
  public init(
    _ miner: CorpusMiner, hardest: Int = 8, largest: Int = 4096, seed: Int,
    onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) {
    var random = Random(seed: UInt64(seed)).split("adapter pairs")
    let (cosine, rows) = (Similarity.cosine, miner.corpus.file.rows)
    queries = VectorRows(file: miner.queries.file, similarity: cosine)
    corpus = VectorRows(file: miner.corpus.file, similarity: cosine)
    let labelled = (0..<miner.queryCount).filter { !miner.positives[$0].isEmpty }
    let chosen = random.permutation(labelled.count).prefix(largest).map { labelled[$0] }.sorted()
    guard chosen.count > 1 else {
      throw Failure(
        .badData, at: "--positives", "\(chosen.count) queries have positives",
        expected: "at least 2, to learn from one and try the other")
    }
    var found: [(Int, row: Int, isRelevant: Bool, score: Double, likeness: Float)] = []
    var miner = miner
    for start in stride(from: 0, to: chosen.count, by: 512) {
      let part = Array(chosen[start..<min(chosen.count, start + 512)])
      let near = try miner.nearest(part, count: hardest)
      for (query, candidates) in zip(part, near) {
        let positives = miner.positives[query]
        let known = Set(positives.map { miner.corpusIDs[$0] })
        let drawn = (0..<hardest).map { _ in random.below(rows) }
        let near = Set(candidates.map(\.row) + drawn).sorted().filter {
          !known.contains(miner.corpusIDs[$0])
        }
        let copies = try corpus.copies(of: positives, among: near)
        let others = near.filter { !copies.contains($0) }
        let vectors = try queries.numbers(query..<query + 1)
        let all = positives + others
        let scores = try corpus.similarities(to: vectors, 0, of: all)
        let labelled = try corpus.numbers(at: positives)
        var likeness = [Float](repeating: -1, count: all.count)
        for place in positives.indices {
          for (i, own) in try corpus.similarities(to: labelled, place, of: all).enumerated() {
            likeness[i] = max(likeness[i], Float(own))
          }
        }
        for (i, row) in all.enumerated() {
          let own = min(1, max(0, (1 + likeness[i]) / 2))
          found.append((query, row, positives.contains(row), scores[i], own))
        }
      }
      onProgress(start + part.count, chosen.count)
    }
    let scores = found.filter(\.isRelevant).map(\.score).sorted()
    let threshold = scores[scores.count / 2]
    self.threshold = threshold
    let all = found.map { one -> Example in
      let isSaid = one.score >= threshold
      return Example(
        query: one.0, row: one.row,
        kind: one.isRelevant
          ? (isSaid ? .truePositive : .falseNegative) : (isSaid ? .falsePositive : .trueNegative),
        likeness: one.likeness)
    }
    let keptQueries = Set(
      random.permutation(chosen.count).prefix(max(1, chosen.count / 10)).map { chosen[$0] })
    examples = all.filter { !keptQueries.contains($0.query) }
    kept = all.filter { keptQueries.contains($0.query) }
  }

  /// Learns, and tells what the kept queries showed.
  ///
  /// - Parameter likenessWeight: how much the similarity to positives counts beside the classes.
  public func fit(
    steps: Int, batch: Int = 256, learningRate: Double = 1e-3, likenessWeight: Double = 1,
    seed: Int,
    onProgress: (_ step: Int) -> Void = { _ in }
  ) throws(Failure) -> (FalseNegativeAdapter, Report) {
    var random = Random(seed: UInt64(seed)).split("adapter")
    var adapter = FalseNegativeAdapter(width: corpus.file.columns, random: &random)
    var rule = AdamW()
    (rule.learningRate, rule.weightDecay) = (learningRate, 0)
    var optimizer = Optimizer(rule, for: adapter)
    let counts = FalseNegativeAdapter.Class.allCases.map { kind in
      examples.count { $0.kind == kind }
    }
    let present = counts.count { $0 > 0 }
    for step in 0..<steps {
      let some = (0..<batch).map { _ in examples[random.below(examples.count)] }
      let (q, c) = try vectors(of: some)
      // A class weighs as much as another whatever its size.
      let weights = some.map {
        Double(examples.count) / Double(batch * present * counts[$0.kind.rawValue])
      }
      let (_, gradient) = valueWithGradient(at: adapter) {
        $0.loss(
          queries: q, candidates: c, classes: some.map(\.kind), weights: weights,
          likeness: some.map(\.likeness), likenessWeight: likenessWeight)
      }
      optimizer.update(&adapter, along: gradient, factor: 1 - Double(step) / Double(steps))
      onProgress(step + 1)
    }
    return (adapter, try report(on: adapter))
  }

  private func vectors(of some: [Example]) throws(Failure) -> (Tensor, Tensor) {
    (try queries.read(at: some.map(\.query)), try corpus.read(at: some.map(\.row)))
  }

  private func report(on adapter: FalseNegativeAdapter) throws(Failure) -> Report {
    var (positives, others, error): ([Double], [Double], Double) = ([], [], 0)
    for start in stride(from: 0, to: kept.count, by: 1024) {
      let some = Array(kept[start..<min(kept.count, start + 1024)])
      let (q, c) = try vectors(of: some)
      for (one, likeness) in zip(some, adapter.likeness(queries: q, candidates: c)) {
        error += abs(Double(one.likeness) - likeness) / Double(kept.count)
      }
      for (one, probability) in zip(some, adapter.falseNegatives(queries: q, candidates: c)) {
        switch one.kind {
        case .truePositive, .falseNegative: positives.append(probability)
        case .falsePositive, .trueNegative: others.append(probability)
        }
      }
    }
    others.sort()
    let likeness = kept.map { Double($0.likeness) }.sorted()
    let mean = { (all: [Double]) in all.reduce(0, +) / Double(max(1, all.count)) }
    let ranks = positives.map { one -> Double in
      let below = others.partitioningIndex { $0 >= one }
      let upTo = others.partitioningIndex { $0 > one }
      return others.isEmpty ? 0.5 : Double(below + upTo) / Double(2 * others.count)
    }
    return Report(
      pairs: examples.count, keptPairs: kept.count, positives: mean(positives),
      others: mean(others), ranking: mean(ranks), likenessError: error,
      likenessSpread: mean(likeness.map { abs($0 - likeness[likeness.count / 2]) }))
  }
}

extension [Double] {
  /// The first place of a sorted list where something holds that holds from there on.
  fileprivate func partitioningIndex(_ holds: (Double) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
