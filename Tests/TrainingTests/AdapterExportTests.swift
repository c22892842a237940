import Autodiff
import Index
import Models
import Settings
import Testing

import Training

/// Linear encoders that travel inside an index.
@Suite struct AdapterExportTests {
  @Test(arguments: [("linear", [12]), ("linear", [3, 4, 1]), ("adapter", [80])])
  func transformsComputeWhatTheEncoderComputes(name: String, shape: [Int]) throws {
    let architecture: any Architecture = try allArchitectures.named(name, kind: "", at: "")
    let encoder = try ONNXTests.encoder(architecture, shape)
    let transforms = try encoder.vectorTransforms()
    var random = Random(seed: 5)
    let width = shape.reduce(1, *)
    let flat = Tensor(uniform: [9, width], bound: 1, dtype: .float32, random: &random)
    let embeddings = encoder.embed(flat.reshaped(to: [9] + shape))
    let made = transforms.applied(to: flat)
    for (a, b) in zip(embeddings.elements(as: Float.self), made.elements(as: Float.self)) {
      #expect(abs(a - b) < 1e-5)
    }
    // An index of embeddings finds raw items by themselves, also once it was written and read.
    let index = TransformedIndex(transforms, try ExactIndex(embeddings, metric: .l2))
    let read = try FaissFile.index(try FaissFile.bytes(index), at: "test")
    #expect(try read.search(flat, count: 1).ids == Array(0..<9))
  }

  @Test(arguments: [("mlp", [9]), ("conv4", [17, 16, 3])])
  func otherLayersAreRefused(name: String, shape: [Int]) throws {
    let architecture: any Architecture = try allArchitectures.named(name, kind: "", at: "")
    let encoder = try ONNXTests.encoder(architecture, shape)
    #expect(throws: Failure.self) { try encoder.vectorTransforms() }
  }
}
