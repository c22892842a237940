import Autodiff
import CorpusMining
import Files
import Foundation
import Models
import Settings
import Training

private let recipe = """
  {data: {name: "digits"}, model: {name: "mlp", hidden: [3], embedding: 2},
   losses: [{name: "soft-triple", centersPerClass: 2}], training: {steps: 1, report: false}}
  """

private func encoder() throws -> Encoder {
  try MLP().setting(["hidden": [3], "embedding": 2], at: "seed").makeEncoder(
    inputShape: [4], random: Random(seed: 1), at: "seed")
}

/// A model file of the recipe, without a run around it.
private func model() throws -> [UInt8] {
  var entries: [SafetensorsEntry] = []
  var encoder = try encoder()
  encoder.updateParameters { entries.append(SafetensorsEntry("encoder.\($0)", $1)) }
  entries.append(
    SafetensorsEntry("loss.soft-triple.proxies", Tensor(zeros: [4, 2], dtype: .float32)))
  let metadata = ["inputShape": "[4]", "classes": "[\"a\", \"b\"]", "kind": "kindred-model"]
  return try SafetensorsFile(metadata: metadata, tensors: entries).bytes()
}

let modelReaders: [FuzzedReader] = [
  FuzzedReader("onnx", words: ["input", "embedding", "Gemm", "Relu"]) {
    [try encoder().onnxModel(metadata: ["a": "b"]).bytes()]
  } read: { bytes in
    let model = try ONNXModel(bytes, at: "input")
    _ = try model.bytes()
  },
  FuzzedReader(
    "model", words: ["inputShape", "[65536,65536]", "classes", "encoder.", "F64"],
    refit: { Refitting.checksum(&$0) }
  ) {
    [try model()]
  } read: { bytes in
    let folder = RunFolder(Scratch.path + "/run")
    if !FileManager.default.fileExists(atPath: folder.recipe) {
      try FileManager.default.createDirectory(
        atPath: folder.path, withIntermediateDirectories: true)
      try Scratch.write(Array(recipe.utf8), to: folder.recipe)
    }
    try Scratch.write(bytes, to: folder.model)
    let model = try TrainedModel(run: folder.path)
    guard model.encoder.inputShape == [4] else { return }
    _ = model.encoder.embed(Tensor(zeros: [2, 4], dtype: .float32))
  },
  .file(
    "adapter", "safetensors", words: ["move.weight"], refit: { Refitting.safetensors(&$0) }
  ) {
    var random = Random(seed: 1)
    let path = Scratch.path + "/seed.safetensors"
    try FalseNegativeAdapter(width: 3, random: &random).write(to: path)
    return [try Scratch.read(path)]
  } read: {
    _ = try FalseNegativeAdapter($0)
  },
]
