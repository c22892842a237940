import Autodiff
import Foundation
import Geometry
import Settings

/// Each query's own document against the documents of all other queries, and hard negatives of all.
///
/// With a the queries, p their documents, n the hard negatives, D all of p and n, B rows and
/// s = scale × similarity:
///
///     1/B Σ_i (log Σ_{c ∈ C_i} exp c - s(a_i, p_i)),    C_i ⊇ { s(a_i, d) : d ∈ D }
///
/// `directions` add candidates to C_i: query-to-query s(a_i, a_j) for j ≠ i, doc-to-query s(a_j, p_i)
/// for all j, doc-to-doc s(d, p_i) of all documents but query i's own. By `partition` they are in
/// one softmax (joint), or the log-sums of each direction are averaged (per-direction), which with
/// query-to-doc and doc-to-query alone is the symmetric loss. `hardness` adds hardnessStrength ×
/// similarity, as a constant without gradient, to the candidates of query-to-doc that it names.
///
/// Defaults: scale 20, cosine, query-to-doc alone. One pair gives 0. A text that is there twice is a
/// negative of itself: use a sampler without duplicates. O(batch² × documents per query) memory.
/// - Reference: Henderson et al., *Efficient Natural Language Response Suggestion for Smart Reply*
///   (2017); van den Oord et al., *Representation Learning with Contrastive Predictive Coding* (2018).
public struct MultipleNegativesRankingLoss: ColumnLoss {
  public enum Partition: String, Sendable, CaseIterable {
    case joint
    case perDirection = "per-direction"
  }

  public enum Hardness: String, Sendable, CaseIterable {
    case none
    case allNegatives = "all-negatives"
    case inBatchNegatives = "in-batch-negatives"
    case hardNegatives = "hard-negatives"
  }

  private enum Direction: String, CaseIterable {
    case queryToDoc = "query-to-doc"
    case queryToQuery = "query-to-query"
    case docToQuery = "doc-to-query"
    case docToDoc = "doc-to-doc"
  }

  public var scale = 20.0
  public var similarity = ColumnSimilarity.cosine
  public var directions = ["query-to-doc"]
  public var partition = Partition.joint
  public var hardness = Hardness.none
  public var hardnessStrength = 0.0

  public init() {}

  public static let summary = "each query's document against all other documents of the batch"
  public static let source =
    "Henderson et al., Efficient Natural Language Response Suggestion for Smart Reply, 2017"
  public static let settings = [
    Setting("scale", \Self.scale, "what similarities are multiplied with", in: 1e-6...1e6),
    Setting("similarity", \Self.similarity, "how a query and a document are compared"),
    Setting(
      "directions", \Self.directions,
      "which candidates there are: query-to-doc, query-to-query, doc-to-query, doc-to-doc"),
    Setting("partition", \Self.partition, "whether directions share a softmax"),
    Setting("hardness", \Self.hardness, "which negatives count more the more alike they are"),
    Setting("hardnessStrength", \Self.hardnessStrength, "how much more they count", in: 0...1e6),
  ]
  public static let columnCounts = 2...Int.max

  public func check(_ input: ColumnInput, at place: String) throws(Failure) {
    for name in directions where Direction(rawValue: name) == nil {
      throw Failure(
        .badData, at: "\(place): directions", "there is no direction '\(name)'",
        remedy: suggestion(for: name, among: Direction.allCases.map(\.rawValue)))
    }
    guard directions.contains(Direction.queryToDoc.rawValue) else {
      throw Failure(
        .badData, at: "\(place): directions", "'query-to-doc' is missing", expected: "it among them"
      )
    }
    let own = [Direction.queryToQuery, .docToDoc].map(\.rawValue)
    guard partition == .joint || !directions.contains(where: own.contains) else {
      throw Failure(
        .badData, at: "\(place): partition",
        "there is no softmax of \(own.joined(separator: " or "))",
        expected: "\"joint\", or the directions query-to-doc and doc-to-query alone")
    }
  }

  public func value(_ input: ColumnInput) -> Tensor {
    let queries = input.columns[0]
    let documents = Tensor.concatenated(Array(input.columns.dropFirst()))
    let (rows, width) = (queries.shape[0], documents.shape[0])
    let alike = similarity.matrix(queries, documents)
    var toDocuments = alike.scaled(by: scale)
    if hardness != .none {
      let extra = alike.detached.elements(as: Double.self).enumerated().map { i, value in
        isHard(row: i / width, document: i % width, rows: rows) ? hardnessStrength * value : 0
      }
      toDocuments = toDocuments + toDocuments.constant(extra)
    }
    var candidates = [toDocuments]
    var counts = [[Bool](repeating: true, count: toDocuments.count)]
    for direction in Direction.allCases where directions.contains(direction.rawValue) {
      switch direction {
      case .queryToDoc: continue
      case .queryToQuery:
        candidates.append(similarity.matrix(queries, queries).scaled(by: scale))
        counts.append(isDiagonal(rows, rows).map { !$0 })
      case .docToQuery:
        candidates.append(similarity.matrix(input.columns[1], queries).scaled(by: scale))
        counts.append([Bool](repeating: true, count: rows * rows))
      case .docToDoc:
        candidates.append(similarity.matrix(input.columns[1], documents).scaled(by: scale))
        counts.append(isDiagonal(rows, width).map { !$0 })
      }
    }
    let own = toDocuments.picked(Array(0..<rows))
    guard partition == .joint else {
      let sums = zip(candidates, counts).map { $0.logSumExp(where: $1) }
      let mean = sums.dropFirst().reduce(sums[0], +).scaled(by: 1 / Double(sums.count))
      return (mean - own).mean()
    }
    let isCandidate = (0..<rows).flatMap { row in
      zip(candidates, counts).flatMap { matrix, counts in
        counts[row * matrix.shape[1]..<(row + 1) * matrix.shape[1]]
      }
    }
    return (Tensor.beside(candidates).logSumExp(where: isCandidate) - own).mean()
  }

  private func isHard(row: Int, document: Int, rows: Int) -> Bool {
    let isOwn = document % rows == row
    return switch hardness {
    case .none: false
    case .allNegatives: document != row
    case .inBatchNegatives: !isOwn
    case .hardNegatives: isOwn && document >= rows
    }
  }
}
