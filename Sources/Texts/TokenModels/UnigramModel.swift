import Settings

/// The likeliest way to cut a word, each token having a logarithmic probability of its own.
///
/// - Reference: Kudo, *Subword Regularization* (2018).
struct UnigramModel: TokenModel {
  let vocabulary: Vocabulary
  private let scores: [Double]
  private var trie: ScalarTrie
  let unknown: Int?
  private let unknownScore: Double
  private let byteTokens: [Int?]?
  private let place: String
  /// How much less likely than the least likely token an unknown scalar is.
  private static let unknownPenalty = 10.0

  init(_ reader: ComponentReader) throws(Failure) {
    place = reader.place
    var vocabulary = Vocabulary()
    var scores: [Double] = []
    for (id, item) in try reader.list("vocab").enumerated() {
      guard let pair = item.list, pair.count == 2, let token = pair[0].scalars,
        let score = pair[1].number
      else {
        throw Failure(
          .badData, at: "\(reader.place): vocab[\(id)]", "this is no token with its score",
          expected: "[\"token\", number]")
      }
      vocabulary.insert(token, id: id)
      scores.append(score)
    }
    guard !scores.isEmpty else {
      throw Failure(.badData, at: reader.place, "the vocabulary is empty", expected: "tokens")
    }
    unknown = reader.node["unk_id"] == nil ? nil : try reader.id("unk_id")
    if let unknown, unknown >= scores.count {
      throw Failure(
        .badData, at: reader.place, "unk_id is \(unknown)",
        expected: "an id below \(scores.count), the number of tokens")
    }
    byteTokens = try reader.flag("byte_fallback", default: false) ? vocabulary.byteTokens : nil
    trie = ScalarTrie(capacity: vocabulary.scalarCount / 2)
    for (id, token) in vocabulary.tokens.enumerated() where !token.isEmpty {
      trie.insert(token, token: id)
    }
    (self.vocabulary, self.scores) = (vocabulary, scores)
    unknownScore = (scores.min() ?? 0) - UnigramModel.unknownPenalty
  }

  private struct Step {
    var score = 0.0
    var start: Int32 = -1
    var id: Int32 = 0
  }

  func tokenize(
    _ text: [UInt32], _ range: Range<Int>, into tokens: inout [WordToken]
  ) throws(Failure) {
    let best = try steps(text, range)
    var spans: [(start: Int, end: Int, id: Int)] = []
    var end = range.count
    while end > 0 {
      let (start, id) = (Int(best[end].start), Int(best[end].id))
      if let unknown, id == unknown, let last = spans.last, last.id == unknown {
        spans[spans.count - 1].start = start
      } else {
        spans.append((start, end, id))
      }
      end = start
    }
    for span in spans.reversed() { try append(span, text, range, to: &tokens) }
  }

  /// The best way to each boundary: shorter tokens first, and a later one must be better.
  private func steps(_ text: [UInt32], _ range: Range<Int>) throws(Failure) -> [Step] {
    let first = range.lowerBound
    var best = [Step](repeating: Step(), count: range.count + 1)
    for start in 0..<range.count {
      let here = best[start].score
      var (node, hasSingle) = (ScalarTrie.root, false)
      func offer(_ score: Double, _ id: Int, at end: Int) {
        if best[end].start < 0 || score + here > best[end].score {
          best[end] = Step(score: score + here, start: Int32(start), id: Int32(id))
        }
      }
      for end in start + 1...range.count {
        guard let next = trie.next(node, text[first + end - 1]) else { break }
        node = next
        let id = trie.token(at: node)
        guard id >= 0 else { continue }
        offer(scores[id], id, at: end)
        if end == start + 1 { hasSingle = true }
      }
      guard !hasSingle else { continue }
      guard let unknown else { throw missingUnknown }
      offer(unknownScore, unknown, at: start + 1)
    }
    return best
  }

  private var missingUnknown: Failure {
    Failure(
      .badData, at: place, "a character is not in the vocabulary and there is no unknown token",
      expected: "unk_id")
  }

  private func append(
    _ span: (start: Int, end: Int, id: Int), _ text: [UInt32], _ range: Range<Int>,
    to tokens: inout [WordToken]
  ) throws(Failure) {
    let part = range.lowerBound + span.start..<range.lowerBound + span.end
    if span.id != unknown {
      tokens.append(WordToken(span.id, span.start, span.end))
    } else if let id = vocabulary.ids.find(text, part) {
      tokens.append(WordToken(id, span.start, span.end))
    } else {
      if let byteTokens {
        let all = part.flatMap { i in
          (0..<text[i].utf8Count).map { byteTokens[Int(text[i].utf8Byte($0))] }
        }
        let known = all.compactMap(\.self)
        if known.count == all.count {
          for id in known { tokens.append(WordToken(id, span.start, span.end)) }
          return
        }
      }
      guard let unknown else { throw missingUnknown }
      tokens.append(WordToken(unknown, span.start, span.end))
    }
  }
}
