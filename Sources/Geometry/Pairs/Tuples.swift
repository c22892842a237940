/// An anchor and another row of the same class, or of another class.
///
/// 8 bytes: a batch has millions.
public struct Pair: Sendable, Hashable, Comparable {
  private var first, second: Int32

  /// A row of the batch.
  public var anchor: Int {
    get { Int(first) }
    set { first = Int32(newValue) }
  }
  /// A row of the reference set, which is the batch itself unless one is given.
  public var other: Int {
    get { Int(second) }
    set { second = Int32(newValue) }
  }

  public init(_ anchor: Int, _ other: Int) { (first, second) = (Int32(anchor), Int32(other)) }

  public static func < (a: Pair, b: Pair) -> Bool {
    a.first != b.first ? a.first < b.first : a.second < b.second
  }
}

/// An anchor, a row of its class and a row of another class, in 12 bytes.
public struct Triplet: Sendable, Hashable, Comparable {
  private var first, second, third: Int32

  /// A row of the batch.
  public var anchor: Int {
    get { Int(first) }
    set { first = Int32(newValue) }
  }
  /// A row of the reference set, which is the batch itself unless one is given.
  public var positive: Int {
    get { Int(second) }
    set { second = Int32(newValue) }
  }
  /// A row of the reference set too.
  public var negative: Int {
    get { Int(third) }
    set { third = Int32(newValue) }
  }

  public init(_ anchor: Int, _ positive: Int, _ negative: Int) {
    (first, second, third) = (Int32(anchor), Int32(positive), Int32(negative))
  }

  public static func < (a: Triplet, b: Triplet) -> Bool {
    if a.first != b.first { return a.first < b.first }
    return a.second != b.second ? a.second < b.second : a.third < b.third
  }
}

/// The pairs or triplets that a loss should look at.
public enum Tuples: Sendable, Equatable {
  case pairs(positive: [Pair], negative: [Pair])
  case triplets([Triplet])
}

extension Tuples {
  /// The positive and the negative pairs; a triplet (a, p, n) is the pairs (a, p) and (a, n).
  ///
  /// Pairs that occur in several triplets are repeated.
  public var pairs: (positive: [Pair], negative: [Pair]) {
    switch self {
    case .pairs(let positive, let negative): (positive, negative)
    case .triplets(let triplets):
      (
        triplets.map { Pair($0.anchor, $0.positive) }, triplets.map { Pair($0.anchor, $0.negative) }
      )
    }
  }

  /// How often each row occurs, relative to the row that occurs most; 1 for every row if there
  /// are no tuples.
  ///
  /// Losses that have a term for each row rather than for pairs use this as the term's weight.
  /// - Parameter anchorsOnly: whether the others are rows of a reference set, and not counted.
  public func weights(rows: Int, anchorsOnly: Bool) -> [Double] {
    var counts = [Int](repeating: 0, count: rows)
    switch self {
    case .pairs(let positive, let negative):
      for pair in positive + negative {
        counts[pair.anchor] += 1
        if !anchorsOnly { counts[pair.other] += 1 }
      }
    case .triplets(let triplets):
      for triplet in triplets {
        counts[triplet.anchor] += 1
        if !anchorsOnly {
          counts[triplet.positive] += 1
          counts[triplet.negative] += 1
        }
      }
    }
    guard let largest = counts.max(), largest > 0 else {
      return [Double](repeating: 1, count: rows)
    }
    return counts.map { Double($0) / Double(largest) }
  }
}
