import Autodiff
import Files
import Settings
import Texts

/// A table of token vectors; a text is the mean of its tokens' rows.
///
/// - Reference: *model2vec* (Tulkens and van Dongen, 2024); sentence-transformers' StaticEmbedding.
struct StaticEmbedding: Parameterized {
  /// [vocabulary, width].
  var table: Tensor
  /// The rules of model2vec itself; nil for those of sentence-transformers.
  var rules: Model2Vec?

  struct Model2Vec: Sendable {
    var normalizes = false
    /// How many tokens, and how many characters, a text is cut to.
    var longest = 512
    var characters = 512
    var unknown: Int?
  }

  /// Whether a folder's weights are such a table.
  static func isIn(_ weights: WeightFile) -> Bool {
    let name = weights.has("embeddings") ? "embeddings" : "embedding.weight"
    return weights.shape(of: name)?.count == 2
  }

  init(_ weights: WeightFile, folder: String, _ tokenizer: Tokenizer, dtype: DType) throws(Failure)
  {
    guard weights.has("embeddings") else {
      table = try weights.tensor("embedding.weight", dtype: dtype)
      try check(table.shape[0], tokenizer, weights)
      return
    }
    let rows = try weights.tensor("embeddings", dtype: dtype)
    guard rows.shape.count == 2 else {
      throw Failure(
        .badData, at: weights.place, "'embeddings' has shape \(rows.shape)", expected: "a matrix")
    }
    var mapping = Array(0..<rows.shape[0])
    if weights.has("mapping") { mapping = try weights.integers("mapping") }
    guard mapping.allSatisfy({ $0 >= 0 && $0 < rows.shape[0] }) else {
      throw Failure(
        .badData, at: weights.place, "'mapping' points outside the \(rows.shape[0]) rows")
    }
    var factors = [Double](repeating: 1, count: mapping.count)
    if weights.has("weights") {
      factors = try weights.tensor("weights", dtype: .float64).elements(as: Double.self)
    }
    guard factors.count == mapping.count else {
      throw Failure(
        .badData, at: weights.place, "there are \(factors.count) weights",
        expected: "\(mapping.count), one a token")
    }
    table = rows.weightedRowSums(
      at: mapping, weights: factors, lengths: Array(repeating: 1, count: mapping.count))
    let path = "\(folder)/config.json"
    let config =
      FileSystem.exists(path) ? try JSONNode(try FileSystem.read(path), at: path) : .null
    var rules = Model2Vec()
    rules.normalizes = config["normalize"]?.flag ?? false
    rules.longest = max(1, config["max_length"]?.id ?? 512)
    rules.characters = rules.longest * max(1, tokenizer.medianTokenLength)
    rules.unknown = tokenizer.unknownID
    self.rules = rules
    try check(mapping.count, tokenizer, weights)
  }

  private func check(
    _ rows: Int, _ tokenizer: Tokenizer, _ weights: WeightFile
  ) throws(Failure) {
    guard tokenizer.largestId < rows else {
      throw tooLarge(tokenizer.largestId, rows, weights.place)
    }
  }

  /// The ids of a text.
  func ids(
    _ text: String, _ tokenizer: Tokenizer, in session: inout Tokenizer.Session
  ) throws(Failure) -> [Int] {
    guard let rules else {
      return try tokenizer.encode(text, in: &session, special: false).ids.map { Int($0) }
    }
    var text = text
    if text.utf8.count > rules.characters {
      text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(rules.characters)))
    }
    var ids = try tokenizer.encode(text, in: &session, special: false).ids.map { Int($0) }
    if let unknown = rules.unknown { ids.removeAll { $0 == unknown } }
    return Array(ids.prefix(rules.longest))
  }

  func callAsFunction(_ batch: TokenBatch) -> Tensor {
    let weights = batch.lengths.flatMap { Array(repeating: 1 / Double($0), count: $0) }
    let means = table.weightedRowSums(at: batch.ids, weights: weights, lengths: batch.lengths)
    return rules?.normalizes == true ? means.normalizedRows() : means
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("embedding.weight", &table)
  }
}

/// Says that a tokeniser gives ids that a table of embeddings does not have.
func tooLarge(_ id: Int, _ rows: Int, _ place: String) -> Failure {
  Failure(
    .badData, at: place, "the tokenizer gives ids up to \(id), the table has \(rows) rows",
    expected: "a row for every id",
    remedy: "the tokenizer and the weights are not of one model")
}
