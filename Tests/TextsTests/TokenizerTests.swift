import Files
import Foundation
import Settings
import Testing
import Texts

private let fixtures =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures"
private let shared =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path
  + "/shared/fixtures/text/tokenizers"

/// A text with the ids and offsets that the tokenizers library gives it.
private struct Case {
  let text: String
  let ids: [Int32]
  let offsets: [[Int32]]
  let most: Int?
  let side: String

  init(_ node: JSONNode) throws {
    text = try #require(node["text"]?.string)
    ids = try #require(node["ids"]?.list).compactMap { $0.id.map { Int32($0) } }
    offsets = (node["offsets"]?.list ?? []).map { pair in
      (pair.list ?? []).compactMap { $0.id.map { Int32($0) } }
    }
    most = node["most"]?.id
    side = node["side"]?.string ?? "right"
  }
}

private func check(_ folder: String) throws {
  let tokenizer = try Tokenizer(
    json: try FileSystem.read("\(folder)/tokenizer.json"), at: folder)
  let cases = try JSONNode(try FileSystem.read("\(folder)/cases.json"), at: folder)
  var session = Tokenizer.Session()
  for node in try #require(cases["cases"]?.list) {
    let one = try Case(node)
    let got = try tokenizer.encode(one.text, in: &session)
    #expect(got.ids == one.ids, "\(folder): \(one.text.debugDescription)")
    let offsets = zip(got.starts, got.ends).map { [$0, $1] }
    #expect(offsets == one.offsets, "\(folder): \(one.text.debugDescription)")
  }
  for node in cases["truncated"]?.list ?? [] {
    let one = try Case(node)
    guard one.side == "right" else { continue }
    let got = try tokenizer.encode(one.text, in: &session, most: one.most)
    #expect(got.ids == one.ids)
  }
  for node in cases["bare"]?.list ?? [] {
    let one = try Case(node)
    let got = try tokenizer.encode(one.text, in: &session, special: false)
    #expect(got.ids == one.ids)
  }
}

@Suite("Tokenizers") struct TokenizerTests {
  @Test(arguments: ["wordpiece-uncased", "unigram-byte-fallback", "bpe-split"])
  func fixture(name: String) throws { try check("\(fixtures)/\(name)") }

  @Test(
    "All nine tokenizers, 99 strings each",
    .enabled(if: FileSystem.isFolder(shared), "../shared/fixtures/text is not here"),
    arguments: [
      "bpe-byte-fallback", "bpe-prefix-space", "bpe-roberta", "bpe-split", "bpe-unknown",
      "unigram-byte-fallback", "unigram-xlmr", "wordpiece-cased", "wordpiece-uncased",
    ])
  func all(name: String) throws { try check("\(shared)/\(name)") }

  /// Patterns and behaviours, with the pieces that the library makes of "aé 1b  c\nd".
  @Test func patterns() throws {
    #expect(try words("\\s+", "Removed") == ["aé", "1b", "c", "d"])
    #expect(try words("\\d|[^\\S\\n]", "Isolated") == ["aé", " ", "1", "b", " ", " ", "c\nd"])
    #expect(try words("(?<=1)b+?|\\p{Ll}(?=\\n)", "MergedWithNext") == ["aé 1", "b  ", "c\nd"])
    #expect(try words("(?i:A)É?", "MergedWithPrevious") == ["a", "é 1b  c\nd"])
    #expect(try words(" {2,}", "Contiguous") == ["aé 1b", "  ", "c\nd"])
  }

  private func words(_ pattern: String, _ behavior: String) throws -> [String] {
    let json = """
      {"model": {"type": "WordLevel", "vocab": {"x": 0}, "unk_token": "x"},
       "pre_tokenizer": {"type": "Split", "pattern": {"Regex": \(JSONValue.string(pattern))},
       "behavior": "\(behavior)", "invert": false}}
      """
    let text = "aé 1b  c\nd"
    let encoding = try Tokenizer(json: Array(json.utf8), at: "test").encode(text)
    let scalars = Array(text.unicodeScalars)
    return zip(encoding.starts, encoding.ends).map { from, to in
      String(String.UnicodeScalarView(scalars[Int(from)..<Int(to)]))
    }
  }

  @Test func tokensOfTheSameLookAreApart() throws {
    let json = """
      {"model": {"type": "WordLevel", "vocab": {"x": 0, "\u{E9}": 1, "e\u{301}": 2},
       "unk_token": "x"}}
      """
    let tokenizer = try Tokenizer(json: Array(json.utf8), at: "test")
    #expect(try tokenizer.encode("\u{E9}").ids == [1])
    #expect(try tokenizer.encode("e\u{301}").ids == [2])
  }

  @Test(arguments: [
    "{", "[]", "{}", #"{"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "b"}}"#,
    #"{"model": {"type": "Bytes"}}"#, #"{"model": {"vocab": {"a": -1}, "unk_token": "a"}}"#,
    #"{"model": {"type": "Unigram", "vocab": []}}"#,
    #"{"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 7}}"#,
    #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}"#,
    #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}}"#,
    #"{"model": {"vocab": {"a": 0}, "unk_token": "a"}, "normalizer": {"type": "Odd"}}"#,
    #"{"model": {"vocab": {"a": 0}, "unk_token": "a"}, "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}"#,
    #"{"model": {"vocab": {"a": 0}, "unk_token": "a"}, "pre_tokenizer": {"type": "UnicodeScripts"}}"#,
    #"{"model": {"vocab": {"a": 0}, "unk_token": "a"}, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?<x>a"}, "behavior": "Removed"}}"#,
    #"{"model": {"vocab": {"a": 0}, "unk_token": "a"}, "post_processor": {"type": "TemplateProcessing", "single": []}}"#,
  ])
  func badFiles(json: String) {
    #expect(throws: Failure.self) { try Tokenizer(json: Array(json.utf8), at: "test") }
  }

  /// A text of a million characters without a blank is one word for most of the models.
  @Test func aLongWord() throws {
    let tokenizer = try Tokenizer(folder: "\(fixtures)/bpe-split")
    let text = String(repeating: "abcabd", count: 20_000)
    #expect(try tokenizer.encode(text).count > 2)
  }
}
