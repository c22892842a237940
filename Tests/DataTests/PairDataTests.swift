import Autodiff
import Data
import Files
import Settings
import Testing

@Suite struct PairDataTests {
  private func write(
    to scratch: ScratchFolder, queries: Int = 6, documents: Int = 5, width: Int = 3,
    positives: String, negatives: String? = nil
  ) throws -> VectorPairs {
    func matrix(_ rows: Int, _ width: Int) -> [UInt8] {
      NumPyArray(
        shape: [rows, width], elements: .float32((0..<rows * width).map { Float($0 % 7) })
      ).bytes()
    }
    try scratch.write(matrix(queries, 3), to: "q.npy")
    try scratch.write(matrix(documents, width), to: "d.npy")
    try scratch.write(Array(positives.utf8), to: "p.jsonl")
    var files = VectorPairs()
    files.queries = scratch.path + "/q.npy"
    files.documents = scratch.path + "/d.npy"
    files.positives = scratch.path + "/p.jsonl"
    files.testFraction = 0.4
    if let negatives {
      try scratch.write(Array(negatives.utf8), to: "mined/negatives.jsonl")
      files.negatives = scratch.path + "/mined"
    }
    return files
  }

  private static let positives = """
    {"query": 0, "positives": [1, 0]}
    {"query": 1, "positives": [2]}
    {"query": 2, "positives": []}

    {"query": 3, "positives": [4]}
    {"query": 4, "positives": [3]}
    {"query": 5, "positives": [3]}
    {"query": 1, "positives": [2, 1]}
    """

  @Test func filesOfBothSides() throws {
    let scratch = try ScratchFolder()
    // As kindred mine corpus writes them, and as plain rows.
    let files = try write(
      to: scratch, positives: Self.positives,
      negatives: """
        {"query": 0, "positives": [{"row": 1, "score": 0.9}], "negatives": [{"row": 4, "score": 0.5, "rank": 2}, {"row": 1, "score": 0.9, "rank": 0}], "dropped": []}
        {"query": 3, "negatives": [0, 2, 0]}
        """)
    let data = try files.loadPairs(root: "none")
    #expect(data.queries.count == 6 && data.documents.count == 5)
    #expect(data.positives == [[0, 1], [1, 2], [], [4], [3], [3]])
    #expect(data.test.count == 2 && data.train.count == 3)
    #expect(Set(data.test + data.train) == [0, 1, 3, 4, 5])
    // What answers the query is no negative.
    #expect(data.negatives[0].rows == [4] && data.negatives[0].scores == [0.5])
    #expect(data.negatives[0].positiveScores == [1: 0.9])
    #expect(data.negatives[3].rows == [0, 2] && data.negatives[3].scores == [nil, nil])
    #expect(data.notes.count == 2 && data.notes[0].hasPrefix("1 of 6 queries"))
    #expect(try files.loadPairs(root: "none").identity == data.identity)
    var other = files
    other.seed = 1
    while try other.loadPairs(root: "none").test == data.test { other.seed += 1 }
    #expect(try other.loadPairs(root: "none").identity != data.identity)
  }

  @Test func queriesToJudgeOnOfTheirOwn() throws {
    let scratch = try ScratchFolder()
    var files = try write(
      to: scratch, positives: Self.positives, negatives: "{\"query\": 1, \"negatives\": [0]}")
    files.testQueries = files.queries
    files.testPositives = scratch.path + "/t.jsonl"
    try scratch.write(Array("{\"query\": 5, \"positives\": [0]}".utf8), to: "t.jsonl")
    let data = try files.loadPairs(root: "none")
    #expect(data.train == [0, 1, 3, 4, 5] && data.test == [11] && data.positives[11] == [0])
    #expect(data.negatives.count == 12 && data.negatives[1].rows == [0])
    files.testPositives = ""
    #expect(failure { _ = try files.loadPairs(root: "none") }.kind == .badData)
  }

  @Test func textsNameRows() throws {
    let scratch = try ScratchFolder()
    var files = try write(
      to: scratch,
      positives: "{\"query\": \"b\", \"positives\": [\"z\"]}\n{\"query\": 0, \"positives\": [0]}")
    try scratch.write(Array("a\nb\nc\nd\ne\nf\n".utf8), to: "q.txt")
    try scratch.write(Array("v\nw\nz\ny\nz\n".utf8), to: "d.txt")
    (files.queryIDs, files.documentIDs) = (scratch.path + "/q.txt", scratch.path + "/d.txt")
    let data = try files.loadPairs(root: "none")
    #expect(data.positives[1] == [2, 4] && data.positives[0] == [0])
  }

  /// Each mistake is told with its line, or its file.
  @Test(arguments: [
    ("{\"query\": 6, \"positives\": [0]}", nil, "6 is no row of the queries"),
    ("{\"query\": 0, \"positives\": [5]}", nil, "5 is no row of the corpus"),
    ("{\"query\": 0, \"positives\": [-1]}", nil, "-1 is no row"),
    ("{\"query\": 0, \"positives\": [0.5]}", nil, "0.5 is no row"),
    ("{\"query\": \"x\", \"positives\": [0]}", nil, "or a text of queryIDs"),
    ("{\"query\": 0}", nil, "'query' or 'positives' is missing"),
    ("{\"query\": 0, \"positives\": []}", nil, "there are no positives"),
    ("", nil, "there are no positives"),
    ("{\"query\": 0, \"positives\": [0]}", nil, "leaves none to judge on"),
    (positives, "{\"query\": 9, \"negatives\": [0]}", "9 is no row of the queries"),
    (positives, "{\"query\": 0, \"negatives\": [{\"row\": 7}]}", "7 is no row of the documents"),
    (positives, "{\"query\": 0, \"negatives\": [{\"row\": 4, \"score\": \"x\"}]}", "the score is"),
    (positives, "{\"query\": 0}", "'query' or 'negatives' is missing"),
    (positives, "{\"query\": 0, \"negatives\": []}", "there are no negatives"),
    (positives, "[", "line 1"),
  ])
  func mistakesAreTold(positives: String, negatives: String?, message: String) throws {
    let scratch = try ScratchFolder()
    let files = try write(to: scratch, positives: positives, negatives: negatives)
    let found = failure { _ = try files.loadPairs(root: "none") }
    #expect(found.kind == .badData && found.description.contains(message), "\(found)")
    #expect(!found.description.contains("\n"))
  }

  @Test func emptyFilesAreRefused() throws {
    let scratch = try ScratchFolder()
    for (queries, documents) in [(0, 5), (6, 0)] {
      let files = try write(
        to: scratch, queries: queries, documents: documents, positives: Self.positives)
      let found = failure { _ = try files.loadPairs(root: "none") }
      #expect(found.description.contains("there are no \(queries == 0 ? "queries" : "documents")"))
    }
    var files = try write(to: scratch, positives: Self.positives)
    files.testFraction = 1
    #expect(failure { _ = try files.loadPairs(root: "none") }.found.contains("none to train on"))
    files.queries = "nowhere.npy"
    #expect(failure { _ = try files.loadPairs(root: "none") }.kind == .noInput)
  }

  @Test func generatedPairs() throws {
    var source = GeneratedPairs()
    (source.queries, source.topics, source.documentsPerTopic) = (30, 12, 3)
    (source.width, source.rank, source.negatives) = (16, 4, 5)
    let data = try source.loadPairs(root: "none")
    #expect(
      data.queries.count == 30 && data.documents.count == 36
        && data.queries.kind == .vectors(width: 16))
    #expect(data.test.count == 9 && data.train.count == 21)
    #expect(data.positives[13] == [3, 4, 5])
    #expect(try source.loadPairs(root: "none").identity == data.identity)
    // The negatives are the nearest others.
    let scores = try #require(data.queries.vectors)
      .timesTransposed(#require(data.documents.vectors)).elements(as: Float.self)
    for query in 0..<30 {
      let own = (0..<36).filter { !data.positives[query].contains($0) }
        .sorted { scores[query * 36 + $0] > scores[query * 36 + $1] }
      #expect(data.negatives[query].rows == Array(own.prefix(5)))
    }
    source.seed = 1
    #expect(try source.loadPairs(root: "none").identity != data.identity)
    source.rank = 17
    #expect(failure { _ = try source.loadPairs(root: "none") }.kind == .badData)
    (source.rank, source.negatives) = (4, 34)
    #expect(failure { _ = try source.loadPairs(root: "none") }.kind == .badData)
  }

  private func texts(_ content: String, _ name: String = "pairs.jsonl") throws -> PairedData {
    let scratch = try ScratchFolder()
    try scratch.write(Array(content.utf8), to: name)
    var source = TextPairs()
    source.pairs = scratch.path + "/" + name
    source.testFraction = 0.5
    return try source.loadPairs(root: "none")
  }

  @Test func textsInLines() throws {
    let data = try texts(
      """
      {"anchor": "a", "positive": "x", "negative": "y"}
      {"anchor": "b", "positive": ["y", "z"], "negative_2": "x", "negative_1": ["w", "y"]}

      {"anchor": "a", "positive": "w", "negative": null}
      """)
    guard case .texts(let queries) = data.queries.content,
      case .texts(let documents) = data.documents.content
    else {
      Issue.record("these are no texts")
      return
    }
    #expect(queries == ["a", "b"] && documents == ["x", "y", "z", "w"])
    #expect(data.positives == [[0, 3], [1, 2]])
    // y answers b, and is no negative of it.
    #expect(data.negatives.map(\.rows) == [[1], [3, 0]])
    #expect(data.train.count == 1 && data.test.count == 1 && data.queries.kind == .texts)
  }

  @Test func textsInTables() throws {
    let data = try texts(
      "positive,anchor,negative\n\"x, y\",a,z\nw,b,\n", "pairs.csv")
    #expect(data.positives == [[0], [2]] && data.negatives.map(\.rows) == [[1], []])
    let tabs = try texts("anchor\tpositive\na\tx\nb\ty\n", "pairs.tsv")
    #expect(tabs.positives == [[0], [1]])
  }

  @Test(arguments: [
    ("", "pairs.jsonl", "there are no pairs"),
    ("{\"anchor\": \"a\"}", "pairs.jsonl", "no 'positive'"),
    ("{\"anchor\": 3, \"positive\": \"x\"}", "pairs.jsonl", "line 1"),
    ("{\"anchor\": \"a\", \"positive\": 3}", "pairs.jsonl", "a text, or texts"),
    ("{\"anchor\": \"a\", \"positive\": [3]}", "pairs.jsonl", "3 is no text"),
    ("{\"anchor\": \"a\", \"positive\": []}", "pairs.jsonl", "pair 1: its 'positive' is empty"),
    ("{\"anchor\": \"\", \"positive\": \"x\"}", "pairs.jsonl", "its 'anchor' is empty"),
    ("{\"anchor\": \"a\", \"positive\": \"x\"}", "pairs.jsonl", "none to train on"),
    ("anchor,text\na,b\n", "pairs.csv", "there is no column 'positive'"),
    ("a", "pairs.txt", "no file of pairs"),
  ])
  func textsThatAreNoPairs(content: String, name: String, message: String) {
    let found = failure { _ = try texts(content, name) }
    #expect(found.description.contains(message), "\(found)")
    #expect(!found.description.contains("\n"))
  }
}
