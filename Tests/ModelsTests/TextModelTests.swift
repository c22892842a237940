import Autodiff
import Files
import Foundation
import Models
import Settings
import Testing

/// The folders of ../shared/fixtures/text/encoders, as the libraries wrote them.
private enum Encoders {
  static let root: String = {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
      + "/shared/fixtures/text/encoders"
  }()
  static let isThere = FileSystem.isFolder(root)
  static let names = [
    "bert-mean", "bert-cls-f16", "distilbert-dense", "roberta-mean", "xlmr-mean", "mpnet-mean",
    "modernbert-mean", "static", "model2vec-int8", "bert-lora",
  ]

  static func expected(_ name: String) throws -> JSONValue {
    try JSONValue(json5: try FileSystem.readText("\(root)/\(name).json"), at: name)
  }
}

extension JSONValue {
  fileprivate var numbers: [Double] {
    switch self {
    case .number(let number): [number]
    case .array(let items): items.flatMap(\.numbers)
    default: []
    }
  }
  fileprivate var items: [JSONValue] {
    if case .array(let items) = self { items } else { [] }
  }
  fileprivate var text: String? {
    if case .string(let text) = self { text } else { nil }
  }
}

private func largestError(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}

@Suite(
  "Text models",
  .enabled(if: Encoders.isThere, "the folders of ../shared/fixtures/text are not here"))
struct TextModelTests {
  /// A folder written back is the folder: its tensors to the byte, but for what was changed.
  @Test(arguments: Encoders.names) func foldersAreWrittenBack(name: String) throws {
    let path = NSTemporaryDirectory() + "kindred-test-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var model = try TextModel(folder: "\(Encoders.root)/\(name)")
    try FileSystem.writeFolder(try model.folderFiles(), to: path + "/same")
    let texts = ["a text", "another one of more words", "x"]
    #expect(
      try TextModel(folder: path + "/same").embed(texts).embeddings.elements(as: Float.self)
        == model.embed(texts).embeddings.elements(as: Float.self))
    if name != "bert-lora" {
      // An adapter's folder becomes that of its base, with the adapter in the weights.
      let files = try FileSystem.files(below: "\(Encoders.root)/\(name)").filter {
        $0.hasSuffix(".safetensors")
      }
      // Parts of the weights become one file.
      func folder(_ file: String) -> String { (file as NSString).deletingLastPathComponent }
      for (place, parts) in Dictionary(grouping: files, by: folder) {
        let old = try parts.flatMap {
          try SafetensorsFile.read("\(Encoders.root)/\(name)/\($0)").tensors
        }
        let new = try SafetensorsFile.read("\(path)/same/\(place)/model.safetensors").tensors
        #expect(old.sorted { $0.name < $1.name } == new.sorted { $0.name < $1.name })
      }
    }
    model.updateParameters { $1 = $1.scaled(by: 1.125) }
    try FileSystem.writeFolder(try model.folderFiles(), to: path + "/changed")
    #expect(
      try TextModel(folder: path + "/changed").embed(texts).embeddings.elements(as: Float.self)
        == model.embed(texts).embeddings.elements(as: Float.self))
  }

  @Test(arguments: Encoders.names) func embeddings(name: String) throws {
    let expected = try Encoders.expected(name)
    let texts = try #require(expected["texts"]).items.compactMap(\.text)
    let isSingle = expected["source"]?.text?.hasSuffix("float32") ?? false
    for (dtype, tolerance) in [(DType.float64, 1e-8), (.float32, 1e-5)] {
      // The library turns ModernBERT's positions in single precision.
      var bound = name.hasPrefix("modernbert") ? max(tolerance, 1e-5) : tolerance
      // model2vec rounds each mean, its length and their quotient to single precision.
      if isSingle { bound = max(bound, 1e-6) }
      let model = try TextModel(folder: "\(Encoders.root)/\(name)", dtype: dtype)
      for (key, prompt) in [
        ("embeddings", nil), ("queryEmbeddings", "query"), ("documentEmbeddings", "document"),
      ] {
        guard let want = expected[key]?.numbers else { continue }
        let (got, _) = try model.embed(texts, prompt: try model.prompt(prompt))
        let error = largestError(got.elements(as: Double.self), want)
        // Without Normalize values reach 10.
        let size = max(1, want.map(abs).max() ?? 1)
        #expect(error < bound * size, "\(name) \(key) \(dtype): \(error)")
      }
    }
  }

  @Test(
    arguments: Encoders.names.filter { !["static", "model2vec-int8", "bert-lora"].contains($0) })
  func hiddenStates(name: String) throws {
    let expected = try Encoders.expected(name)
    let texts = try #require(expected["texts"]).items.compactMap(\.text)
    for (dtype, tolerance) in [(DType.float64, 1e-8), (.float32, 1e-4)] {
      let bound = name.hasPrefix("modernbert") ? max(tolerance, 1e-5) : tolerance
      let model = try TextModel(folder: "\(Encoders.root)/\(name)", dtype: dtype)
      let (ids, _) = try model.tokens(texts)
      let hidden = try #require(model.hidden(TokenBatch(ids))).elements(as: Double.self)
      let states = try #require(expected["hidden"]).items
      let masks = try #require(expected["mask"]).items
      let padded = try #require(expected["ids"]).items
      let real = zip(masks, zip(padded, states)).map { mask, both in
        let count = mask.numbers.count { $0 == 1 }
        return (
          ids: both.0.numbers.prefix(count).map { Int($0) },
          states: both.1.items.prefix(count).flatMap(\.numbers)
        )
      }
      #expect(ids == real.map(\.ids))
      let error = largestError(hidden, real.flatMap(\.states))
      #expect(error < bound, "\(name) \(dtype): \(error)")
    }
  }

  /// Loss and gradients of one step of multiple-negatives-ranking, as torch has them.
  @Test(arguments: Encoders.names.filter { !["model2vec-int8", "bert-lora"].contains($0) })
  func trainingStep(name: String) throws {
    let step = try #require(try Encoders.expected(name)["step"])
    let model = try TextModel(folder: "\(Encoders.root)/\(name)", dtype: .float64)
    let pairs = try #require(step["pairs"]).items.map { $0.items.compactMap(\.text) }
    let anchors = try model.tokens(pairs.map { $0[0] }).ids
    let positives = try model.tokens(pairs.map { $0[1] }).ids
    let scale = try #require(step["scale"]?.numbers.first)
    let count = pairs.count
    let (value, gradient) = valueWithGradient(at: model) { model in
      let a = model(TokenBatch(anchors)).normalizedRows()
      let p = model(TokenBatch(positives)).normalizedRows()
      let scores = a.timesTransposed(p).scaled(by: scale)
      let logSums = log(exp(scores).sumOverColumns()).sum()
      let diagonal = scores.reshaped(to: [count * count, 1])
        .rows(at: (0..<count).map { $0 * count + $0 }).sum()
      return (logSums - diagonal).scaled(by: 1 / Double(count))
    }
    let bound = name.hasPrefix("modernbert") ? 1e-5 : 1e-8
    #expect(abs(value.item - (step["value"]?.numbers.first ?? 0)) < bound)
    var squares = 0.0
    var named: [String: [Double]] = [:]
    for (parameter, tensor) in gradient.parameters {
      let values = tensor.elements(as: Double.self)
      squares += values.reduce(0) { $0 + $1 * $1 }
      named[model.savedName(of: parameter)] = values
    }
    let norm = try #require(step["gradientNorm"]?.numbers.first)
    #expect(abs(squares.squareRoot() - norm) < bound * max(1, norm), "\(squares.squareRoot())")
    guard case .object(let expected)? = step["gradients"] else { return }
    for (parameter, entry) in expected {
      let values = try #require(named[parameter], "\(parameter)")
      let first = entry["first"]?.numbers ?? []
      let error = largestError(Array(values.prefix(first.count)), first)
      #expect(error < bound * max(1, norm), "\(parameter): \(error)")
      guard case .object(let rows)? = entry["rows"] else { continue }
      for (row, want) in rows {
        let start = (Int(row) ?? 0) * want.numbers.count
        let got = Array(values[start..<start + want.numbers.count])
        let error = largestError(got, want.numbers)
        #expect(error < bound * max(1, norm), "\(parameter)[\(row)]: \(error)")
      }
    }
  }

  @Test func textsDoNotDependOnTheirBatch() throws {
    let model = try TextModel(folder: "\(Encoders.root)/mpnet-mean", dtype: .float64)
    let texts = ["short", "a longer text with more words in it", ""]
    let together = try model.embed(texts).embeddings.elements(as: Double.self)
    let alone = try texts.flatMap { try model.embed([$0]).embeddings.elements(as: Double.self) }
    #expect(largestError(together, alone) < 1e-12)
  }
}
