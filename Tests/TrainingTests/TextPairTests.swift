import Autodiff
import Data
import Files
import Foundation
import Models
import Settings
import Testing
import Training

/// The folders of ../shared/fixtures/text/encoders, as the libraries wrote them.
private let encoders =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path + "/shared/fixtures/text/encoders"

/// Texts that train the models of folders.
@Suite(
  .enabled(if: FileSystem.isFolder(encoders), "the folders of ../shared/fixtures/text are not here")
)
struct TextPairTests {
  private static func write(to folder: String) throws -> String {
    let words = ["red", "green", "blue", "tall", "small", "old", "new", "wet", "dry", "loud"]
    let lines = words.enumerated().flatMap { i, first in
      words.dropFirst(i + 1).map { second in
        "{\"anchor\": \"which is \(first) and \(second)\", \"positive\": \"\(second) \(first) thing\", "
          + "\"negative\": \"\(first) other\"}\n"
      }
    }
    let path = folder + "/pairs.jsonl"
    try FileSystem.write(lines.joined(), to: path)
    return path
  }

  private static func recipe(
    _ pairs: String, _ folder: String, _ overrides: [String]
  ) throws -> PairRecipe {
    var value: JSONValue = [
      "data": ["name": "texts", "pairs": .string(pairs)],
      "model": ["folder": .string("\(encoders)/\(folder)")],
      "losses": [["name": "multiple-negatives-ranking"]],
      "sampler": ["batch": 8, "negatives": 1],
      "optimizer": ["name": "adamw", "learningRate": 0.01],
      "training": ["steps": 4, "evaluateEvery": 2, "keep": "last"],
    ]
    for override in overrides { try value.set(override) }
    return try PairRecipe(value, at: "test")
  }

  @Test(arguments: ["static", "model2vec-int8", "bert-mean", "distilbert-dense", "bert-cls-f16"])
  func aFolderTrainsIntoAFolder(folder: String) throws {
    let scratch = try Scratch()
    let pairs = try Self.write(to: scratch.path)
    let run = scratch.path + "/run"
    let recipe = try Self.recipe(pairs, folder, [])
    let result = try #require(
      try Training.train(recipe, into: RunFolder(run), dataRoot: "data", resuming: false) { _ in
        false
      })
    #expect(result.baseline != nil)
    let model = try PairModel(run: run)
    let data = try recipe.data.value.loadPairs(root: "data")
    #expect(try model.judge(data) == result.trained)
    // The folder is a model like the one that it came from, with other weights.
    guard case .texts(let texts) = data.documents.content else { return }
    func embedded(_ folder: String) throws -> Tensor {
      let model = try TextModel(folder: folder)
      return try model.embed(texts, prompt: model.prompt("document")).embeddings
    }
    let own = try embedded(run + "/encoder")
    let start = try embedded("\(encoders)/\(folder)")
    #expect(
      own.elements(as: Float.self)
        == (try model.embed(data, as: .document)).embeddings.elements(as: Float.self))
    #expect(own.elements(as: Float.self) != start.elements(as: Float.self))
  }

  @Test func stoppedAndResumed() throws {
    let scratch = try Scratch()
    let recipe = try Self.recipe(try Self.write(to: scratch.path), "static", [])
    func train(_ path: String, resuming: Bool = false, stopAfter stop: Int? = nil) throws {
      _ = try Training.train(
        recipe, into: RunFolder(path), dataRoot: "data", resuming: resuming
      ) { event in
        if case .stepped(let report, _) = event, report.step == stop { return true }
        return false
      }
    }
    let (whole, parts) = (scratch.path + "/whole", scratch.path + "/parts")
    try train(whole)
    try train(parts, stopAfter: 3)
    try train(parts, resuming: true)
    for name in ["model.safetensors", "encoder/model.safetensors", "evaluation.json"] {
      #expect(try FileSystem.read("\(whole)/\(name)") == FileSystem.read("\(parts)/\(name)"))
    }
  }

  @Test func eachSideOfItsOwn() throws {
    let scratch = try Scratch()
    let pairs = try Self.write(to: scratch.path)
    let run = scratch.path + "/run"
    let side = "{folder:'\(encoders)/static'}"
    let recipe = try Self.recipe(
      pairs, "static",
      [
        "model={query:\(side),document:\(side)}",
        "optimizer={groups:[{match:'document.*',frozen:true}]}",
      ])
    _ = try Training.train(recipe, into: RunFolder(run), dataRoot: "data", resuming: false) { _ in
      false
    }
    // What is frozen is written as it was read, byte for byte.
    func weights(_ folder: String) throws -> [String: [UInt8]] {
      let file = try SafetensorsFile.read(folder + "/model.safetensors")
      return Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.bytes) })
    }
    let table = try #require(
      ["", "/0_StaticEmbedding"].map { "\(encoders)/static" + $0 }
        .first { FileSystem.exists($0 + "/model.safetensors") })
    let inside = String(table.dropFirst("\(encoders)/static".count))
    #expect(try weights(run + "/document" + inside) == weights(table))
    #expect(try weights(run + "/query" + inside) != weights(table))
  }

  @Test(arguments: [
    (["model={name:'adapter'}"], "the data are texts"),
    (["model={folder:'/none'}"], "there is no such folder"),
    (["losses=[{name:'guided-ranking'}]"], "its guide"),
    (["data.pairs='/none.jsonl'"], "/none.jsonl"),
  ])
  func whatDoesNotFitIsRefused(overrides: [String], message: String) throws {
    let scratch = try Scratch()
    let recipe = try Self.recipe(try Self.write(to: scratch.path), "static", overrides)
    let run = scratch.path + "/run"
    let refused = #expect(throws: Failure.self) {
      try Training.train(recipe, into: RunFolder(run), dataRoot: "data", resuming: false) { _ in
        false
      }
    }
    #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    #expect(!FileSystem.exists(run))
  }
}
