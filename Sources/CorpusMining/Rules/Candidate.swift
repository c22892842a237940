/// A row of the corpus beside a query.
public struct Candidate: Sendable, Equatable {
  public var row: Int
  /// What it is ranked and judged by: the cosine similarity or inner product with the query.
  public var score: Double
  /// What it was found by, when a teacher gave it another score.
  public var retrieverScore: Double?

  public init(row: Int, score: Double, retrieverScore: Double? = nil) {
    (self.row, self.score, self.retrieverScore) = (row, score, retrieverScore)
  }

  /// Whether it comes before another: the more similar first, then the smaller row.
  static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
    a.score != b.score ? a.score > b.score : a.row < b.row
  }
}

/// Why a candidate is no negative of a query.
public enum DropReason: String, CaseIterable, Sendable {
  /// It is one of the query's positives.
  case positive
  /// It has the same id as a positive, or the very same numbers.
  case duplicateOfPositive = "duplicate-of-positive"
  /// It has the same id as the query itself.
  case sameAsQuery = "same-as-query"
  /// It has the same id as a candidate before it.
  case duplicate
  /// Its rank is before the range, or the policy passes over it.
  case rank
  /// It is more similar than the policy allows.
  case tooSimilar = "too-similar"
  /// It passed, but others were drawn.
  case notDrawn = "not-drawn"
}

/// What was chosen for a query, and what was not.
public struct Choice: Sendable, Equatable {
  public struct Negative: Sendable, Equatable {
    public var candidate: Candidate
    /// Its rank among the candidates that are not positives or duplicates, from 0.
    public var rank: Int
  }
  public struct Dropped: Sendable, Equatable {
    public var candidate: Candidate
    public var reason: DropReason
  }
  public var negatives: [Negative] = []
  /// Those ranked no later than the last that passed.
  public var dropped: [Dropped] = []
  /// Whether nothing was chosen because the policy asks for a positive and there is none.
  public var lacksPositive = false
}
