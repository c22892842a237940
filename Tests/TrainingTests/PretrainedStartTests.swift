import Autodiff
import Foundation
import Models
import Settings
import Testing
import Training

/// Encoders that start from a library's weights.
@Suite struct PretrainedStartTests {
  private static let weights =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/ModelsTests/Fixtures/encoders/vit.safetensors"

  private func encoder(layers: Int) throws -> Encoder {
    try VisionTransformerArchitecture().setting(
      ["patch": 8, "width": 24, "layers": JSONValue(layers), "heads": 3, "embedding": 5], at: ""
    )
    .makeEncoder(inputShape: [32, 32, 3], random: Random(seed: 1), at: "test")
  }

  @Test func theFeaturesAreTheLibrarys() throws {
    let start = WarmStart(.file(PretrainedStartTests.weights))
    let (found, report) = try start.applied(to: try encoder(layers: 2))
    #expect(report.new == ["encoder.embedding.weight", "encoder.embedding.bias"])
    #expect(report.leftOver.isEmpty)
    let model = try ImageModel(PretrainedStartTests.weights)
    var random = Random(seed: 2)
    let x = Tensor(normal: [2, 32, 32, 3], deviation: 1, dtype: .float32, random: &random)
    var pass = Pass(isTraining: false)
    let features = found.layers[0].value(x, in: &pass)
    #expect(
      features.elements(as: Float.self)
        == (try model.features(x, names: [])).elements(as: Float.self))
  }

  @Test func anotherNetworkIsRefused() throws {
    let start = WarmStart(.file(PretrainedStartTests.weights))
    let failure = #expect(throws: Failure.self) {
      try start.applied(to: try encoder(layers: 3))
    }
    #expect(failure?.description.contains("encoder.features.layers.2") == true)
  }
}
