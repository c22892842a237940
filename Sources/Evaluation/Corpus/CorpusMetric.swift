import Foundation
import Settings

/// A number that says how well queries find the documents that answer them.
///
/// Queries without an answer are left out; the others count alike, those that answer nothing right
/// with 0.
public struct CorpusMetric: Sendable {
  /// Tells definitions apart that share a name.
  public let id: String
  /// The definition in a sentence.
  public let definition: String
  /// How far down a ranking it looks.
  public let depth: Int
  /// Of the ranks of the answers found, ascending from 1 and at most `depth`, and how many answers
  /// there are.
  let measure: @Sendable (_ ranks: ArraySlice<Int>, _ answers: Int) -> Double
}

/// Metrics of a search in a corpus, by what stands before the `@`; each exists for any k.
///
/// As the information-retrieval evaluator of sentence-transformers has them, which calls
/// `document-recall` recall.
let corpusMetricFamilies: [Named<@Sendable (Int) -> CorpusMetric>] = [
  Named("accuracy") { k in
    CorpusMetric(
      id: "accuracy@\(k)/any-answer/lone-excluded",
      definition: "share of queries with at least one answer among the nearest \(k)", depth: k
    ) { ranks, _ in ranks.isEmpty ? 0 : 1 }
  },
  Named("recall") { k in
    CorpusMetric(
      id: "recall@\(k)/any-match/lone-excluded",
      definition:
        "share of queries with at least one answer among the nearest \(k): as accuracy@\(k)",
      depth: k
    ) { ranks, _ in ranks.isEmpty ? 0 : 1 }
  },
  Named("document-recall") { k in
    CorpusMetric(
      id: "document-recall@\(k)/over-all-answers/lone-excluded",
      definition: "share of a query's answers that are among the nearest \(k)", depth: k
    ) { ranks, answers in Double(ranks.count) / Double(answers) }
  },
  Named("precision") { k in
    CorpusMetric(
      id: "precision@\(k)/over-k/lone-excluded",
      definition: "share of answers among the nearest \(k), over \(k) even where there are fewer",
      depth: k
    ) { ranks, _ in Double(ranks.count) / Double(k) }
  },
  Named("mrr") { k in
    CorpusMetric(
      id: "mrr@\(k)/first-answer/lone-excluded",
      definition: "mean of 1 / rank of the first answer, 0 if it is not among the nearest \(k)",
      depth: k
    ) { ranks, _ in ranks.first.map { 1 / Double($0) } ?? 0 }
  },
  Named("ndcg") { k in
    CorpusMetric(
      id: "ndcg@\(k)/binary/log2/lone-excluded",
      definition:
        "sum of 1 / log2(rank + 1) over the answers among the nearest \(k), over the most it can be",
      depth: k
    ) { ranks, answers in
      let ideal = (1...min(k, answers)).reduce(0) { $0 + 1 / log2(Double($1 + 1)) }
      return ranks.reduce(0) { $0 + 1 / log2(Double($1 + 1)) } / ideal
    }
  },
  Named("map") { k in
    CorpusMetric(
      id: "map@\(k)/over-min-r-k/lone-excluded",
      definition:
        "sum of the precision at each answer among the nearest \(k), divided by the number of "
        + "answers or \(k) if that is less", depth: k
    ) { ranks, answers in
      let sum = ranks.enumerated().reduce(0) { $0 + Double($1.offset + 1) / Double($1.element) }
      return sum / Double(min(k, answers))
    }
  },
]

/// The metrics of a search in a corpus that are measured if nothing else is asked for.
public let allCorpusMetrics: [Named<CorpusMetric>] = {
  let usual = [
    ("accuracy", [1, 3, 5, 10]), ("document-recall", [1, 3, 5, 10]), ("precision", [1, 3, 5, 10]),
    ("mrr", [10]), ("ndcg", [10]), ("map", [100]),
  ]
  return usual.flatMap { name, ks in
    ks.compactMap { k in
      corpusMetricFamilies.first { $0.name == name }.map { Named("\(name)@\(k)", $0.value(k)) }
    }
  }
}()

/// The metric of a name such as `ndcg@20`.
public func corpusMetric(named name: String, at place: String) throws(Failure) -> CorpusMetric {
  let parts = name.split(separator: "@", omittingEmptySubsequences: false)
  if parts.count == 2, let k = Int(parts[1]), (1...1_000_000).contains(k),
    let family = corpusMetricFamilies.first(where: { $0.name == parts[0] })
  {
    return family.value(k)
  }
  throw Failure(
    .badData, at: place, "there is no metric '\(name)' of a search in a corpus",
    remedy: suggestion(for: name, among: allCorpusMetrics.map(\.name)))
}
