import Autodiff
import Data
import Geometry
import Miners
import Settings

/// How the negatives of a query are chosen from its ranked candidates.
public struct CandidateRule: Sendable {
  public var policy: any NegativePolicy
  /// How many negatives a query gets, if as many pass.
  public var count: Int
  /// The negatives are drawn from as many that pass; the same as ``count`` to take the nearest.
  public var drawnFrom: Int
  /// Whether small and large margins to the positive are drawn as often: the scores of those that
  /// pass are put in ten bins of equal width, and each bin that is not empty weighs the same.
  public var balancesMargins = false
  /// Ranks that are looked at; candidates before and after are not negatives.
  public var ranks: Range<Int>

  public init(
    policy: any NegativePolicy, count: Int = 4, drawnFrom: Int? = nil, ranks: Range<Int>? = nil
  ) {
    (self.policy, self.count) = (policy, count)
    self.drawnFrom = max(count, drawnFrom ?? count)
    self.ranks = ranks ?? 0..<Int.max
  }

  /// Checks what no single number can.
  public func validate(at place: String) throws(Failure) {
    guard count > 0, !ranks.isEmpty, policy.skipped < ranks.upperBound else {
      throw Failure(
        .badUsage, at: place,
        "ranks \(ranks.lowerBound) to \(ranks.upperBound) after \(policy.skipped) passed over "
          + "leave no candidate for \(count) negatives",
        expected: "a range of ranks that is not empty")
    }
  }

  /// How many candidates are worth asking for at first.
  var poolSize: Int {
    max(ranks.lowerBound, policy.skipped) + 2 * drawnFrom + 16
  }

  /// Chooses from candidates that are in order; nil if more of them are needed.
  ///
  /// - Parameters:
  ///   - positives: the query's positives; the least similar one sets the policy's limit.
  ///   - copies: rows with the very numbers of a positive.
  ///   - query: the id of the query, if candidates with the same id are the query itself.
  ///   - ids: the id of each row of the corpus.
  ///   - isWhole: whether there are no more candidates.
  ///   - weight: how likely a candidate that passes is drawn, 0 or more; nil for evenly.
  func choose(
    from candidates: [Candidate], positives: [Candidate], copies: Set<Int> = [], query: Int?,
    ids: RowIdentities, isWhole: Bool, random: Random, weight: ((Candidate) -> Double)? = nil
  ) -> Choice? {
    var choice = Choice()
    guard !positives.isEmpty || !type(of: policy).needsPositive else {
      choice.lacksPositive = true
      return choice
    }
    let limit = policy.limit(positive: positives.map(\.score).min())
    let positiveRows = Set(positives.map(\.row))
    let positiveIDs = Set(positives.map { ids[$0.row] })
    var seen: Set<Int> = []
    var passing: [Choice.Negative] = []
    let first = max(ranks.lowerBound, policy.skipped)
    var rank = 0
    for candidate in candidates {
      guard passing.count < drawnFrom, rank < ranks.upperBound else { break }
      let id = ids[candidate.row]
      var reason: DropReason?
      if positiveRows.contains(candidate.row) {
        reason = .positive
      } else if positiveIDs.contains(id) || copies.contains(candidate.row) {
        reason = .duplicateOfPositive
      } else if id == query {
        reason = .sameAsQuery
      } else if !seen.insert(id).inserted {
        reason = .duplicate
      } else {
        if rank < first {
          reason = .rank
        } else if candidate.score > limit {
          reason = .tooSimilar
        } else {
          passing.append(Choice.Negative(candidate: candidate, rank: rank))
        }
        rank += 1
      }
      if let reason { choice.dropped.append(Choice.Dropped(candidate: candidate, reason: reason)) }
    }
    guard passing.count == drawnFrom || rank >= ranks.upperBound || isWhole else { return nil }
    draw(from: passing, into: &choice, random: random, weight: weight)
    return choice
  }

  /// Draws without replacement; those that are drawn stay in order.
  private func draw(
    from passing: [Choice.Negative], into choice: inout Choice, random: Random,
    weight: ((Candidate) -> Double)?
  ) {
    guard passing.count > count else {
      choice.negatives = passing
      return
    }
    var random = random
    var weights = passing.map { one in weight.map { max(0, $0(one.candidate)) } ?? 1 }
    if balancesMargins {
      // The positive's score is the same for all, so that margins fall into bins as scores do.
      let bins = marginBins(passing.map { -$0.candidate.score }, count: 10)
      let sizes = Dictionary(bins.map { ($0, 1.0) }, uniquingKeysWith: +)
      for (i, bin) in bins.enumerated() { weights[i] /= sizes[bin] ?? 1 }
    }
    if !weights.contains(where: { $0 > 0 }) { weights = passing.map { _ in 1 } }
    var drawn: Set<Int> = []
    for _ in 0..<count {
      let total = weights.reduce(0, +)
      // When only candidates of weight 0 are left, the first of them are taken.
      var place = passing.indices.first { !drawn.contains($0) } ?? 0
      var rest = random.uniform() * total
      for i in passing.indices where weights[i] > 0 {
        place = i
        rest -= weights[i]
        if rest < 0 { break }
      }
      drawn.insert(place)
      weights[place] = 0
    }
    for (i, one) in passing.enumerated() {
      if drawn.contains(i) {
        choice.negatives.append(one)
      } else {
        choice.dropped.append(Choice.Dropped(candidate: one.candidate, reason: .notDrawn))
      }
    }
  }
}
