import Autodiff
import Evaluation
import Settings
import Training

/// What a calibration says about each neighbour that a search found.
///
/// A match is decided by the threshold that was given; else, if there is one, by the score that depends
/// on the query; else by the threshold that holds for all pairs.
struct MatchJudgement {
  private let threshold: Double?
  private let perQuery: (maps: [CosineAdapter.Map], threshold: Double)?
  private let itemThresholds: [Double?]
  private let errorRate: Double
  private let probability: ProbabilityMap?
  private let isDistance: Bool
  private let place: String

  /// - Parameters:
  ///   - isGiven: whether the threshold overrides the calibration.
  ///   - isDistance: whether scores are negated distances.
  ///   - itemCount: how many items are stored, or nil if their ids are not their places.
  ///   - place: where the calibration is from.
  init(
    _ calibration: RunCalibration?, threshold: Double?, isGiven: Bool, queries: Tensor,
    isDistance: Bool, itemCount: Int?, at place: String
  ) throws(Failure) {
    (self.threshold, self.isDistance, self.place) = (threshold, isDistance, place)
    let hasSimilarity = !isDistance && calibration?.calibration.isUnit == true
    // It is fitted to distances, which inner products tell only between vectors of unit length.
    probability = isDistance || hasSimilarity ? calibration?.calibration.probability : nil
    if let perQuery = calibration?.perQuery, hasSimilarity, !isGiven {
      guard perQuery.adapter.width == queries.shape[1] else {
        throw Failure(
          .badData, at: place, "the scores are for embeddings of \(perQuery.adapter.width) numbers",
          expected: "\(queries.shape[1]), as the queries have")
      }
      self.perQuery = (
        perQuery.adapter.maps(queries.converted(to: .float32)), perQuery.threshold
      )
    } else {
      perQuery = nil
    }
    let items = calibration?.perItem
    // Thresholds of other items would be wrong without a word.
    let fits = hasSimilarity && itemCount != nil && items?.thresholds.count == itemCount
    itemThresholds = fits ? items?.thresholds ?? [] : []
    errorRate = items?.errorRate ?? 0
  }

  private func isMatch(_ query: Int, _ score: Double) -> Bool? {
    if let perQuery { return perQuery.maps[query](score) >= perQuery.threshold }
    return threshold.map { score >= $0 }
  }

  private func matchProbability(_ score: Double) -> Double? {
    let distance = isDistance ? -score : max(0, 2 - 2 * score).squareRoot()
    return probability?.probability(atDistance: distance)
  }

  private func isTrusted(_ id: Int, _ score: Double) -> Bool {
    itemThresholds[id].map { score >= $0 } ?? false
  }

  /// What JSON tells of a neighbour.
  func members(query: Int, id: Int, _ score: Double) -> [String: JSONValue] {
    var members: [String: JSONValue] = [
      "match": isMatch(query, score).map { .bool($0) } ?? .null
    ]
    if let probability = matchProbability(score) { members["probability"] = .number(probability) }
    if let perQuery { members["queryScore"] = .number(perQuery.maps[query](score)) }
    if itemThresholds.indices.contains(id) { members["trusted"] = .bool(isTrusted(id, score)) }
    return members
  }

  /// The columns of a table beside name and similarity.
  var columns: [String] {
    (probability == nil ? [] : ["probability"]) + (perQuery == nil ? [] : ["score"]) + ["match"]
      + (itemThresholds.isEmpty ? [] : ["answer"])
  }

  func cells(query: Int, id: Int, _ score: Double) -> [String] {
    var cells = matchProbability(score).map { [fixed($0, 4)] } ?? []
    if let perQuery { cells.append(fixed(perQuery.maps[query](score), 3)) }
    cells.append(isMatch(query, score).map { $0 ? "match" : "no match" } ?? "–")
    if itemThresholds.indices.contains(id) { cells.append(isTrusted(id, score) ? "sure" : "check") }
    return cells
  }

  /// How matches are told from others, where that is not one threshold for all.
  var explanation: String? {
    var lines: [String] = []
    if let perQuery {
      lines.append(
        "A match has a score from \(fixed(perQuery.threshold, 4)) on, which depends on the query "
          + "(\(place)).")
    }
    if !itemThresholds.isEmpty {
      lines.append(
        "An answer is sure where at most \(errorRate) of such answers of its item are wrong.")
    }
    return perQuery == nil ? nil : lines.joined(separator: "\n")
  }
}
