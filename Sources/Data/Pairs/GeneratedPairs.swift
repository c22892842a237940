import Autodiff
import Settings

/// Generated vectors of queries that are a hidden low-rank change of their documents.
///
/// Topics c are drawn from a normal distribution; a topic's documents are c + 0.5 ε, and a query on it
/// is z + strength · U Vᵀ z with z = c + noise · ε, where U and V have `rank` orthonormal columns that
/// nobody is told. All rows have unit length. Every document of the topic answers the query; the
/// nearest others as the vectors stand are its mined negatives. The same seed gives the same rows.
public struct GeneratedPairs: PairSource {
  public var queries = 1000
  public var topics = 500
  public var documentsPerTopic = 2
  public var width = 64
  public var rank = 8
  public var strength = 6.0
  public var noise = 1.0
  public var negatives = 8
  public var testFraction = 0.3
  public var seed = 0

  public init() {}

  public static let summary =
    "generated queries that are a hidden low-rank change of the documents that answer them"
  public static let settings = [
    Setting("queries", \Self.queries, "how many queries there are", in: 4...1_000_000),
    Setting("topics", \Self.topics, "how many topics they are on", in: 2...1_000_000),
    Setting("documentsPerTopic", \Self.documentsPerTopic, "how many answer a query", in: 1...1000),
    Setting("width", \Self.width, "numbers in a vector", in: 2...65_536),
    Setting("rank", \Self.rank, "the rank of the hidden change, at most the width", in: 1...65_536),
    Setting("strength", \Self.strength, "how strong it is", in: 0...1000),
    Setting("noise", \Self.noise, "how far queries are from their topic", in: 0...1000),
    Setting("negatives", \Self.negatives, "mined negatives of a query", in: 0...1000),
    Setting(
      "testFraction", \Self.testFraction, "the share of queries to judge on", in: 0.01...0.99),
    Setting("seed", \Self.seed, "what all is drawn from"),
  ]

  public func loadPairs(root: String) throws(Failure) -> PairedData {
    let place = "data: generated-pairs"
    let documentCount = topics * documentsPerTopic
    guard rank <= width else {
      throw Failure(
        .badData, at: "\(place): rank", "this is \(rank)", expected: "\(width) at most, the width")
    }
    guard negatives + documentsPerTopic <= documentCount else {
      throw Failure(
        .badData, at: "\(place): negatives", "there are \(documentCount) documents",
        expected: "\(negatives + documentsPerTopic) at least, for \(negatives) negatives")
    }
    for (count, what) in [(queries, "the queries"), (documentCount, "the documents")] {
      try MemoryBudget.check([count, width], bytesEach: 24, for: what, at: place)
    }
    try MemoryBudget.check([width, rank], bytesEach: 24, for: "the hidden change", at: place)
    let random = Random(seed: UInt64(seed)).split("generated pairs")
    let centers = random.normal([topics, width], "topics")
    let topicOfDocument = (0..<documentCount).map { $0 / documentsPerTopic }
    let topicOfQuery = (0..<queries).map { $0 % topics }
    let documents =
      centers.rows(at: topicOfDocument)
      + random.normal([documentCount, width], "documents").scaled(by: 0.5)
    let plain =
      centers.rows(at: topicOfQuery)
      + random.normal([queries, width], "queries").scaled(by: noise)
    let (up, down) = (
      random.orthonormalRows(rank, width, "up"), random.orthonormalRows(rank, width, "down")
    )
    let changed = plain + plain.timesTransposed(down).times(up).scaled(by: strength)
    let (asked, searched) = (changed.unitRows, documents.unitRows)
    let positives = topicOfQuery.map {
      Array($0 * documentsPerTopic..<($0 + 1) * documentsPerTopic)
    }
    var order = random.split("test")
    let test = order.permutation(queries).prefix(
      min(queries - 1, max(1, Int((testFraction * Double(queries)).rounded()))))
    return PairedData(
      name: "generated-pairs",
      queries: SideItems(name: "queries", vectors: asked.converted(to: .float32)),
      documents: SideItems(name: "documents", vectors: searched.converted(to: .float32)),
      positives: positives, negatives: nearest(asked, searched, without: positives),
      test: Array(test))
  }

  /// The nearest documents of each query but those that answer it; of equally near ones the first.
  private func nearest(
    _ queries: Tensor, _ documents: Tensor, without positives: [[Int]]
  ) -> [MinedNegatives] {
    guard negatives > 0 else { return [] }
    let width = documents.shape[0]
    var found: [MinedNegatives] = []
    for start in stride(from: 0, to: queries.shape[0], by: 256) {
      let rows = Array(start..<min(queries.shape[0], start + 256))
      let scores = queries.rows(at: rows).timesTransposed(documents).elements(as: Double.self)
      for (place, query) in rows.enumerated() {
        let own = scores[place * width..<(place + 1) * width]
        let order = own.indices.sorted { own[$0] != own[$1] ? own[$0] > own[$1] : $0 < $1 }
        let answers = Set(positives[query])
        let near = order.lazy.map { $0 - own.startIndex }.filter { !answers.contains($0) }
          .prefix(negatives)
        var mined = MinedNegatives(Array(near))
        mined.scores = mined.rows.map { own[own.startIndex + $0] }
        for answer in answers { mined.positiveScores[answer] = own[own.startIndex + answer] }
        found.append(mined)
      }
    }
    return found
  }
}

extension Random {
  /// Normal numbers of deviation 1, float64.
  fileprivate func normal(_ shape: [Int], _ purpose: StaticString) -> Tensor {
    var random = split(purpose)
    return Tensor((0..<shape.reduce(1, *)).map { _ in random.normal() }, shape: shape)
  }

  /// Rows of unit length at right angles to each other, by Gram and Schmidt, twice for precision.
  fileprivate func orthonormalRows(_ count: Int, _ width: Int, _ purpose: StaticString) -> Tensor {
    var random = split(purpose)
    var rows: [[Double]] = []
    while rows.count < count {
      var row = (0..<width).map { _ in random.normal() }
      for _ in 0..<2 {
        for other in rows {
          let share = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
          for j in row.indices { row[j] -= share * other[j] }
        }
      }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 1e-6 else { continue }
      rows.append(row.map { $0 / length })
    }
    return Tensor(rows.flatMap { $0 }, shape: [count, width])
  }
}

extension Tensor {
  /// The rows at unit length.
  fileprivate var unitRows: Tensor {
    let (values, width) = (elements(as: Double.self), shape[1])
    var result = values
    for row in 0..<shape[0] {
      let range = row * width..<(row + 1) * width
      let length = values[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
      for j in range where length > 0 { result[j] /= length }
    }
    return Tensor(result, shape: shape)
  }
}
