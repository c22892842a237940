import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Losses
import Miners
import Models
import Testing

/// The README's training loop, kept here so that it compiles and trains.
@Suite struct Readme {
  @Test func itsTrainingLoopTrains() throws {
    // README
    let data = try Glyphs().load(root: "data")
    var encoder = try MLP().makeEncoder(
      inputShape: data.train.itemShape, random: Random(seed: 0), at: "model")
    var optimizer = Optimizer(AdamW(), for: encoder)
    let (loss, sampler) = (MultiSimilarityLoss(), MPerClassSampler(classes: 16, perClass: 4))
    for step in 0..<100 {
      let items = sampler.batch(step, of: data.train.labels, random: Random(seed: 1))
      let labels = items.map { data.train.labels[$0] }
      let (value, gradient) = valueWithGradient(at: encoder) { encoder in
        var pass = Pass(isTraining: true)
        let embeddings = encoder(data.train.batch(items), in: &pass)
        return loss(LossInput(embeddings: embeddings, labels: labels)).value
      }
      optimizer.update(&encoder, along: gradient)
      if step % 20 == 0 { print("step \(step): loss \(value.item)") }
    }
    let test = data.test.batch(Array(0..<data.test.count))
    let judged = EmbeddingSet(embeddings: encoder.embed(test), labels: data.test.labels)
    print("MAP@R on classes never seen: \(try evaluate(query: judged)["map@r"] ?? 0)")
    // END
    let raw = EmbeddingSet(embeddings: data.test.flattened, labels: data.test.labels)
    let before = try #require(try evaluate(query: raw)["map@r"])
    #expect(try #require(try evaluate(query: judged)["map@r"]) > before)
  }

  @Test func itShowsThatLoop() throws {
    let lines = try FileSystem.readText(#filePath).split(
      separator: "\n", omittingEmptySubsequences: false)
    let first = try #require(lines.firstIndex { $0.hasSuffix("// README") })
    let last = try #require(lines.firstIndex { $0.hasSuffix("// END") })
    let loop = lines[first + 1..<last].map { $0.dropFirst(4) }.joined(separator: "\n")
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    #expect(try FileSystem.readText(root.path + "/README.md").contains(loop))
  }
}
