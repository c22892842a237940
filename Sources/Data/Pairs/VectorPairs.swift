import Autodiff
import Files
import Settings

/// Vectors of queries and of documents in `.npy` files, and which belong together.
public struct VectorPairs: PairSource {
  public var queries = "pairs/queries.npy"
  public var documents = "pairs/documents.npy"
  public var positives = "pairs/positives.jsonl"
  public var negatives = ""
  public var queryIDs = ""
  public var documentIDs = ""
  public var testQueries = ""
  public var testPositives = ""
  public var testFraction = 0.2
  public var seed = 0

  public init() {}

  public static let summary =
    "vectors of queries and of documents in .npy files, and which documents answer which query"
  public static let settings = [
    Setting(
      "queries", \Self.queries,
      "the vectors of the queries, [queries, width], a path from where you stand"
    ),
    Setting("documents", \Self.documents, "the vectors of the documents, [documents, width]"),
    Setting(
      "positives", \Self.positives,
      "lines such as {\"query\": 0, \"positives\": [12, 40]}, as kindred mine corpus reads them"),
    Setting(
      "negatives", \Self.negatives,
      "what kindred mine corpus found: negatives.jsonl, or its folder; empty: none"),
    Setting(
      "queryIDs", \Self.queryIDs,
      "texts that the positives call queries by, in lines; empty: they are rows"),
    Setting("documentIDs", \Self.documentIDs, "the same of documents"),
    Setting("testQueries", \Self.testQueries, "queries to judge on; empty: some of the others"),
    Setting("testPositives", \Self.testPositives, "which documents answer them, by their rows"),
    Setting(
      "testFraction", \Self.testFraction, "the share of queries to judge on, if none are given",
      in: 0...1),
    Setting("seed", \Self.seed, "what these are drawn from"),
  ]

  public func loadPairs(root: String) throws(Failure) -> PairedData {
    let (asked, vectors) = try side(queries, "queries", root: root)
    let (searched, _) = try side(documents, "documents", root: root)
    var found = try answers(
      positives, of: asked, among: searched, queryIDs: queryIDs, documentIDs: documentIDs,
      root: root
    )
    var mined: [MinedNegatives] = []
    if !negatives.isEmpty {
      var path = try resolved(negatives, below: root)
      if FileSystem.isFolder(path) { path += "/negatives.jsonl" }
      mined = try MinedNegatives.read(path, queries: asked.count, documents: searched.count)
    }
    let known = found.indices.filter { !found[$0].isEmpty }
    var notes: [String] = []
    if known.count < found.count {
      notes.append(
        "\(found.count - known.count) of \(found.count) queries of \(asked.name) have no positives "
          + "and are left out")
    }
    guard !testQueries.isEmpty else {
      guard testPositives.isEmpty else {
        throw Failure(
          .badData, at: "data: testPositives", "there are no testQueries", expected: "both, or none"
        )
      }
      let test = try heldOut(of: known.count, share: testFraction, seed: seed).map { known[$0] }
      return PairedData(
        name: asked.name, queries: asked, documents: searched, positives: found, negatives: mined,
        test: test, notes: notes)
    }
    guard !testPositives.isEmpty else {
      throw Failure(
        .badData, at: "data: testPositives", "it is missing",
        expected: "a file, since there are testQueries")
    }
    let (judged, others) = try side(testQueries, "queries", root: root)
    guard others.shape[1] == vectors.shape[1] else {
      throw Failure(
        .badData, at: judged.name, "the vectors have \(others.shape[1]) numbers",
        expected: "\(vectors.shape[1]), as those of \(asked.name)")
    }
    found += try answers(
      testPositives, of: judged, among: searched, queryIDs: "", documentIDs: documentIDs, root: root
    )
    if !mined.isEmpty { mined += (0..<judged.count).map { _ in MinedNegatives() } }
    return PairedData(
      name: asked.name,
      queries: SideItems(
        name: asked.name, vectors: Tensor.concatenated([vectors, others])),
      documents: searched, positives: found, negatives: mined,
      test: Array(asked.count..<asked.count + judged.count), notes: notes)
  }

  private func side(
    _ path: String, _ what: String, root: String
  ) throws(Failure) -> (SideItems, Tensor) {
    let place = try resolved(path, below: root)
    let (rows, columns, values) = try NumPyArray.read(place).matrix(at: place, as: Float.self)
    guard rows > 0 else { throw Failure(.badData, at: place, "there are no \(what)") }
    let vectors = Tensor(values, shape: [rows, columns])
    return (SideItems(name: place, vectors: vectors), vectors)
  }

  private func answers(
    _ path: String, of queries: SideItems, among documents: SideItems, queryIDs: String,
    documentIDs: String, root: String
  ) throws(Failure) -> [[Int]] {
    let place = try resolved(path, below: root)
    func ids(_ path: String, _ rows: Int) throws(Failure) -> RowIdentities {
      path.isEmpty
        ? RowIdentities() : try RowIdentities(try resolved(path, below: root), rows: rows)
    }
    let found = try PositiveRows(
      place, queries: queries.count, corpus: documents.count,
      queryIDs: try ids(queryIDs, queries.count),
      corpusIDs: try ids(documentIDs, documents.count), idNames: ("queryIDs", "documentIDs"))
    let lists = (0..<found.count).map { found[$0] }
    guard lists.contains(where: { !$0.isEmpty }) else {
      throw Failure(
        .badData, at: place, "there are no positives",
        expected: "lines such as {\"query\": 0, \"positives\": [12, 40]}")
    }
    return lists
  }
}
