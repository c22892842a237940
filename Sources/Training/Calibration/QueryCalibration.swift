import Autodiff
import Evaluation
import Foundation
import Settings

/// One threshold on a score that means the same for every query; see ``CosineAdapter``.
///
/// The adapter and the threshold are fitted on half of the classes and checked on the other half, the
/// same halves as the plain threshold's. The adapter learns from pairs of at most 512 queries with
/// their nearest 16 others and 16 drawn ones; the threshold keeps to the false accept rate over all
/// ordered pairs of at most 2,000 queries (evenly spread) with all others.
public struct QueryCalibration: Sendable, Equatable {
  public static let definition =
    "cosine-adapter/power/ordered-pairs/far-at-most/mean-over-queries/halves-of-classes"

  public let adapter: CosineAdapter
  /// The least score of a match.
  public let threshold: Double
  /// On the classes that it was not fitted on: means over queries.
  public let falseAcceptRate: Double
  /// 95 %, over classes.
  public let falseAcceptInterval: ClosedRange<Double>
  /// Nil if no class has two items.
  public let falseRejectRate: Double?

  /// - Throws: if the rows have not unit length, or if no pair of the half matches.
  public init(
    _ set: EmbeddingSet, falseAcceptRate rate: Double, seed: Int = 0,
    onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) {
    guard set.hasUnitRows else {
      throw Failure(
        .badData, at: set.name, "the embeddings have not unit length",
        expected: "unit length for thresholds that depend on the query", remedy: "normalise them")
    }
    let halves = try set.halves(seed: seed)
    var random = Random(seed: UInt64(bitPattern: Int64(seed))).split("query calibration")
    let (fit, check) = (OrderedPairs(halves[0], 512), OrderedPairs(halves[1], 2000))
    var adapter = CosineAdapter(width: set.embeddings.shape[1], random: &random)
    let pairs = fit.candidates(near: 16, drawn: 16, random: &random)
    try adapter.fit(
      queries: pairs.queries, similarities: pairs.similarities, matches: pairs.matches,
      steps: 200, onProgress: onProgress)

    let whole = OrderedPairs(halves[0], 2000)
    let maps = adapter.maps(whole.queries)
    var refused: [Double] = []
    for (query, map) in maps.enumerated() {
      whole.forEachOther(of: query) { similarity, isMatch in
        if !isMatch { refused.append(map(similarity)) }
      }
    }
    refused.sort(by: >)
    let limit = Int(rate * Double(refused.count) * (1 + 1e-12))
    guard refused.indices.contains(limit) else {
      throw Failure(
        .badData, at: set.name, "half of the classes have no pairs that do not match",
        expected: "pairs to fit a threshold on")
    }
    let (next, last) = (refused[limit], limit > 0 ? refused[limit - 1] : refused[0])
    let threshold = last > next ? (last + next) / 2 : next.nextUp

    var (accepts, rejects): ([Double?], [Double?]) = ([], [])
    for (query, map) in adapter.maps(check.queries).enumerated() {
      var counts = (accepted: 0, negatives: 0, refused: 0, positives: 0)
      check.forEachOther(of: query) { similarity, isMatch in
        let isAccepted = map(similarity) >= threshold
        if isMatch {
          counts.positives += 1
          counts.refused += isAccepted ? 0 : 1
        } else {
          counts.negatives += 1
          counts.accepted += isAccepted ? 1 : 0
        }
      }
      accepts.append(
        counts.negatives > 0 ? Double(counts.accepted) / Double(counts.negatives) : nil)
      rejects.append(counts.positives > 0 ? Double(counts.refused) / Double(counts.positives) : nil)
    }
    guard let accepted = MeanInterval(accepts, labels: check.queryLabels, seed: seed) else {
      throw Failure(
        .badData, at: set.name, "half of the classes have no pairs that do not match",
        expected: "pairs to check a threshold on")
    }
    (self.adapter, self.threshold) = (adapter, threshold)
    (falseAcceptRate, falseAcceptInterval) = (accepted.mean, accepted.overClasses)
    falseRejectRate = MeanInterval(rejects, labels: check.queryLabels, seed: seed)?.mean
  }

  public static func == (a: QueryCalibration, b: QueryCalibration) -> Bool { a.json == b.json }

  // MARK: JSON

  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "definition": .string(QueryCalibration.definition), "threshold": .number(threshold),
      "far": .number(falseAcceptRate), "farInterval": JSONValue(falseAcceptInterval),
      "frr": falseRejectRate.map { .number($0) } ?? .null, "width": JSONValue(adapter.width),
    ]
    for (name, value) in adapter.parameters {
      members[name] = .array(value.elements(as: Double.self).map { .number($0) })
    }
    return .object(members)
  }

  /// Reads what ``json`` wrote.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    var random = Random(seed: 0)
    let width = try value.wholeNumber("width", at: place)
    guard (1...65_536).contains(width) else {
      throw Failure(.badData, at: "\(place): width", "the width is \(width)", expected: "1 or more")
    }
    var lists: [String: [Double]] = [:]
    for name in ["hidden.weight", "hidden.bias", "head.weight", "head.bias"] {
      let numbers = try value.finiteNumbers(name, at: place)
      let (rows, columns) = (name.hasPrefix("head") ? 3 : width, name.hasSuffix("bias") ? 1 : width)
      guard numbers.count == rows * columns else {
        throw Failure(
          .badData, at: "\(place): \(name)", "there are \(numbers.count) numbers",
          expected: "\(rows * columns)")
      }
      lists[name] = numbers
    }
    var adapter = CosineAdapter(width: width, random: &random)
    adapter.updateParameters { name, parameter in
      guard let numbers = lists[name] else { return }
      parameter = Tensor(numbers, shape: parameter.shape).converted(to: parameter.dtype)
    }
    self.adapter = adapter
    threshold = try value.finiteNumber("threshold", at: place)
    falseAcceptRate = try value.finiteNumber("far", at: place)
    guard let interval = value["farInterval"]?.interval else {
      throw Failure(.badData, at: "\(place): farInterval", "there is no interval")
    }
    falseAcceptInterval = interval
    falseRejectRate = value["frr"] == .null ? nil : try value.finiteNumber("frr", at: place)
  }
}

/// Some queries of a set with the cosine similarities of all other rows.
private struct OrderedPairs {
  let queries: Tensor
  let queryLabels: [Int]
  private let rows, labels: [Int]
  private let similarities: [Float]
  private let set: EmbeddingSet

  init(_ set: EmbeddingSet, _ most: Int) {
    let count = min(most, set.count)
    let vectors = set.embeddings.converted(to: .float32)
    let chosen = (0..<count).map { $0 * set.count / max(1, count) }
    rows = chosen
    queries = OrderedPairs.gathered(vectors, chosen)
    (labels, queryLabels) = (set.labels, chosen.map { set.labels[$0] })
    similarities = queries.timesTransposed(vectors).elements(as: Float.self)
    self.set = set
  }

  private static func gathered(_ vectors: Tensor, _ rows: [Int]) -> Tensor {
    let d = vectors.shape[1]
    return vectors.withElements(of: Float.self) { elements in
      Tensor(rows.flatMap { elements[$0 * d..<($0 + 1) * d] }, shape: [rows.count, d])
    }
  }

  func forEachOther(of query: Int, _ body: (_ similarity: Double, _ isMatch: Bool) -> Void) {
    for other in labels.indices where other != rows[query] {
      let similarity = Double(similarities[query * labels.count + other])
      body(min(1, max(-1, similarity)), labels[other] == queryLabels[query])
    }
  }

  /// Pairs to learn from: what a search finds, and others, so that the whole range is known.
  func candidates(
    near: Int, drawn: Int, random: inout Random
  ) -> (queries: Tensor, similarities: [Double], matches: [Bool]) {
    var (queries, values, matches) = ([Int](), [Double](), [Bool]())
    for (query, row) in rows.enumerated() {
      let line = similarities[query * labels.count..<(query + 1) * labels.count]
      let start = line.startIndex
      let order = labels.indices.filter { $0 != row }.sorted {
        line[start + $0] != line[start + $1] ? line[start + $0] > line[start + $1] : $0 < $1
      }
      guard !order.isEmpty else { continue }
      let others = order.prefix(near) + (0..<drawn).map { _ in order[random.below(order.count)] }
      for other in others {
        queries.append(query)
        values.append(min(1, max(-1, Double(line[start + other]))))
        matches.append(labels[other] == queryLabels[query])
      }
    }
    return (OrderedPairs.gathered(self.queries, queries), values, matches)
  }
}
