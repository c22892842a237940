import Autodiff
import Files
import Foundation
import Models
import Settings
import Testing

/// Tiny encoders with features and gradients, as Fixtures/generate_encoders.py made them: all of
/// ../shared/fixtures/images/encoders where that is, else those that are copied here.
private enum Encoders {
  static let root: String = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let shared =
      tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .path + "/shared/fixtures/images/encoders"
    return FileSystem.isFolder(shared) ? shared : tests.path + "/Fixtures/encoders"
  }()
  static let names = [
    "resnet-basic", "resnet-bottleneck", "mobilenet-v2", "efficientnet-lite", "convnext", "vit",
    "dinov2-timm", "vit-hf", "dinov2-hf", "dinov2-registers-hf", "clip-vision",
  ].filter { FileSystem.exists("\(root)/\($0).safetensors") }

  static func expected(_ name: String) throws -> WeightFile {
    try WeightFile("\(root)/\(name).expected.safetensors")
  }

  static func model(_ name: String, _ dtype: DType) throws -> ImageModel {
    try ImageModel("\(root)/\(name).safetensors", dtype: dtype)
  }
}

/// [items, channels, rows, columns] with the channels last.
private func channelsLast(_ x: Tensor) throws -> Tensor {
  try #require(
    WeightLayout.own(x, as: [x.shape[0], x.shape[2], x.shape[3], x.shape[1]]))
}

/// The largest difference, relative to the largest number expected if that is above 1.
private func error(_ found: Tensor, _ expected: Tensor) -> Double {
  let (a, b) = (found.elements(as: Double.self), expected.elements(as: Double.self))
  guard a.count == b.count, a.allSatisfy(\.isFinite) else { return .infinity }
  let size = max(1, b.map { abs($0) }.max() ?? 1)
  return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / size
}

@Suite struct ImageModelTests {
  @Test(arguments: Encoders.names) func features(name: String) throws {
    let expected = try Encoders.expected(name)
    for (dtype, bound) in [(DType.float64, 1e-9), (.float32, 1e-4)] {
      let model = try Encoders.model(name, dtype)
      for (input, output) in [("input", "features.eval"), ("input.other", "features.other")]
      where expected.has(input) {
        let x = try channelsLast(try expected.tensor(input, dtype: dtype))
        let found = try model.features(x, names: [])
        let want = try expected.tensor(output, dtype: .float64)
        #expect(found.shape == want.shape)
        // The libraries resample positions in single precision.
        let bound = input == "input" ? bound : max(bound, 1e-7)
        #expect(error(found, want) < bound, "\(name) \(output) \(dtype): \(error(found, want))")
      }
    }
  }

  @Test(arguments: Encoders.names) func tokens(name: String) throws {
    let expected = try Encoders.expected(name)
    guard expected.has("tokens.eval") else { return }
    let model = try Encoders.model(name, .float64)
    let transformer = try #require(model.encoder as? VisionTransformer)
    let x = try channelsLast(try expected.tensor("input", dtype: .float64))
    let want = try expected.tensor("tokens.eval", dtype: .float64)
    let found = transformer.tokens(x)
    #expect(found.shape == want.shape)
    // The file has them in single precision.
    #expect(error(found, want) < 1e-6)
  }

  @Test(arguments: Encoders.names) func gradients(name: String) throws {
    for (dtype, bound) in [(DType.float64, 1e-9), (.float32, 1e-4)] {
      let model = try Encoders.model(name, dtype)
      try gradients(model, of: model.encoder, name, bound: bound)
    }
  }

  private func gradients<E: ImageEncoder>(
    _ model: ImageModel, of encoder: E, _ name: String, bound: Double
  ) throws {
    let expected = try Encoders.expected(name)
    let x = try channelsLast(try expected.tensor("input", dtype: model.dtype))
    let direction = try expected.tensor("direction", dtype: model.dtype)
    for mode in ["eval", "train"] where expected.has("features.\(mode)") {
      var observed: Pass?
      let (loss, gradient) = valueWithGradient(at: encoder) { encoder in
        var pass = Pass(isTraining: mode == "train")
        let loss = (encoder(x, in: &pass).normalizedRows() * direction).sum()
        observed = pass
        return loss
      }
      let want = try expected.tensor("loss.\(mode)", dtype: .float64)
      #expect(error(loss, want) < bound, "\(name) \(mode) \(model.dtype): loss")
      let start = "gradient.\(mode)."
      var count = 0
      let found = Dictionary(
        uniqueKeysWithValues: model.entries(of: gradient).map { ($0.name, $0) })
      for key in expected.names where key.hasPrefix(start) {
        let entry = try #require(found[String(key.dropFirst(start.count))], "\(key)")
        let want = try expected.tensor(key, dtype: .float64)
        #expect(entry.shape == want.shape)
        // The file has them in single precision.
        let difference = error(tensor(entry), want)
        #expect(difference < max(bound, 1e-6), "\(name) \(key) \(model.dtype): \(difference)")
        count += 1
      }
      #expect(count > 10)
      guard mode == "train", let observed else { continue }
      var after = encoder
      after.absorb(observed)
      let statistics = Dictionary(
        uniqueKeysWithValues: model.entries(of: after).map { ($0.name, $0) })
      for key in expected.names where key.hasPrefix("running.") {
        let entry = try #require(statistics[String(key.dropFirst("running.".count))])
        let want = try expected.tensor(key, dtype: .float64)
        #expect(error(tensor(entry), want) < bound, "\(name) \(key)")
      }
    }
  }

  private func tensor(_ entry: SafetensorsEntry) -> Tensor {
    func numbers<S: Scalar>(_: S.Type) -> Tensor {
      let values = entry.bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / MemoryLayout<S>.size).map {
          bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<S>.size, as: S.self)
        }
      }
      return Tensor(values, shape: entry.shape)
    }
    return entry.element == .float32 ? numbers(Float.self) : numbers(Double.self)
  }

  /// What is written back has the names, shapes and numbers of what was read.
  @Test(arguments: Encoders.names) func writtenBack(name: String) throws {
    let file = try SafetensorsFile.read("\(Encoders.root)/\(name).safetensors")
    let entries = try Encoders.model(name, .float32).entries()
    for entry in entries { #expect(file[entry.name] == entry, "\(entry.name)") }
    // All but classifiers, and what the features do not need.
    let names = Set(entries.map(\.name))
    let left = file.tensors.map(\.name).filter { !names.contains($0) }
    #expect(
      left.allSatisfy {
        $0.hasPrefix("fc.") || $0.hasPrefix("classifier.") || $0.hasSuffix("mask_token")
      }, "\(left)")
  }

  @Test func weightsInPartsAndOtherNames() throws {
    let (folder, whole) = (try Folder(), try Encoders.model("vit", .float64))
    let file = try SafetensorsFile.read("\(Encoders.root)/vit.safetensors")
    // Two parts with an index, as transformers writes them, the heads told by config.json.
    var places: [String: JSONValue] = [:]
    for part in 1...2 {
      let name = "model-0000\(part)-of-00002.safetensors"
      let half = file.tensors.count / 2
      let tensors = part == 1 ? file.tensors[..<half] : file.tensors[half...]
      for tensor in tensors { places[tensor.name] = .string(name) }
      try SafetensorsFile(tensors: Array(tensors)).write(to: "\(folder.path)/\(name)")
    }
    let index: JSONValue = ["metadata": [:], "weight_map": .object(places)]
    try FileSystem.write(index.indented, to: "\(folder.path)/model.safetensors.index.json")
    #expect(message { try ImageModel(folder.path) }.contains("heads: N"))
    try FileSystem.write("{\"num_attention_heads\": 3}", to: "\(folder.path)/config.json")
    #expect(ImageModel.isModel(folder.path))
    let parts = try ImageModel(folder.path, dtype: .float64)
    let x = try channelsLast(
      try Encoders.expected("vit").tensor("input", dtype: .float64))
    let want = try whole.features(x, names: []).elements(as: Double.self)
    #expect(try parts.features(x, names: []).elements(as: Double.self) == want)
  }

  /// Older spellings of the same tensors give the same features.
  @Test func otherSpellings() throws {
    let folder = try Folder()
    for (name, renames) in [
      ("mobilenet-v2", ImageModelTests.olderMobileNames), ("vit-hf", ImageModelTests.newerNames),
    ] where Encoders.names.contains(name) {
      var file = try SafetensorsFile.read("\(Encoders.root)/\(name).safetensors")
      file.metadata["heads"] = "3"
      for i in file.tensors.indices { file.tensors[i].name = renames(file.tensors[i].name) }
      let path = "\(folder.path)/\(name).safetensors"
      try file.write(to: path)
      let x = try channelsLast(try Encoders.expected(name).tensor("input", dtype: .float64))
      let want = try Encoders.model(name, .float64).features(x, names: [])
      let model = try ImageModel(path, dtype: .float64)
      #expect(error(try model.features(x, names: []), want) < 1e-9, "\(name)")
      for entry in model.entries() { #expect(file[entry.name] != nil, "\(entry.name)") }
    }
  }

  /// features.2.conv.1.0.weight as features.2.conv.3.weight: activations counted.
  private static func olderMobileNames(_ name: String) -> String {
    var parts = name.split(separator: ".").map(String.init)
    guard parts.count > 4, parts[0] == "features", parts[2] == "conv" else { return name }
    if parts.count == 6, let block = Int(parts[3]), let part = Int(parts[4]) {
      parts.replaceSubrange(3...4, with: ["\(3 * block + part)"])
    } else if let last = Int(parts[3]) {
      // The projection and its norm: 2 and 3, or 1 and 2 where nothing expands.
      parts[3] = parts[1] == "1" ? "\(last + 2)" : "\(last + 4)"
    }
    return parts.joined(separator: ".")
  }

  /// The names that transformers 5 has in memory.
  private static func newerNames(_ name: String) -> String {
    var name = name
    for (old, new) in [
      ("encoder.layer.", "layers."), ("attention.attention.query", "attention.q_proj"),
      ("attention.attention.key", "attention.k_proj"),
      ("attention.attention.value", "attention.v_proj"),
      ("attention.output.dense", "attention.o_proj"), ("intermediate.dense", "mlp.fc1"),
      ("output.dense", "mlp.fc2"),
    ] {
      if let range = name.firstRange(of: old) { name.replaceSubrange(range, with: new) }
    }
    return name
  }

  @Test func whatTensorsDoNotTellIsAskedFor() throws {
    let folder = try Folder()
    for (name, word, options) in [
      ("vit", "--model '{heads: N}'", ["heads": 3] as [String: JSONValue]),
      ("mobilenet-v2", "--model '{strides:", ["strides": [1, 2, 1, 2, 1, 1]]),
    ] where Encoders.names.contains(name) {
      var file = try SafetensorsFile.read("\(Encoders.root)/\(name).safetensors")
      file.metadata = [:]
      let path = "\(folder.path)/\(name).safetensors"
      try file.write(to: path)
      #expect(message { try ImageModel(path) }.contains(word))
      _ = try ImageModel(
        path, options: try ImageModelOptions().setting(options, at: "--model"))
    }
  }

  @Test func missingAndStrangeTensorsAreNamed() throws {
    let folder = try Folder()
    let name = "mobilenet-v2"
    let file = try SafetensorsFile.read("\(Encoders.root)/\(name).safetensors")
    func failure(_ change: (inout SafetensorsFile) -> Void) throws -> String {
      var changed = file
      change(&changed)
      let path = "\(folder.path)/changed.safetensors"
      try changed.write(to: path)
      return message { try ImageModel(path) }
    }
    let missing = try failure { $0.tensors.removeAll { $0.name == "features.2.conv.1.1.bias" } }
    #expect(missing.contains("'features.2.conv.1.1.bias' is missing"), "\(missing)")
    let strange = try failure {
      $0.tensors.append(
        SafetensorsEntry(name: "features.2.se.weight", element: .float32, shape: [0], bytes: []))
    }
    #expect(strange.contains("'features.2.se.weight' is left over"), "\(strange)")
    let misshapen = try failure { file in
      for i in file.tensors.indices where file.tensors[i].name == "features.0.1.bias" {
        file.tensors[i].shape = [1, file.tensors[i].shape[0] / 2, 2]
      }
    }
    #expect(misshapen.contains("features.0.1.bias"), "\(misshapen)")
    let huge = try failure { file in
      for i in file.tensors.indices where file.tensors[i].name == "features.1.conv.0.0.weight" {
        file.tensors[i].shape = [16_000_000, 1, 3, 3]
        file.tensors[i].bytes = []
        file.tensors[i].shape[1] = 0
      }
    }
    #expect(huge.contains("features.1.conv.0.0.weight"), "\(huge)")
    // A classifier may be of any shape, and what stands in front of names is seen through.
    var other = file
    for i in other.tensors.indices { other.tensors[i].name = "module." + other.tensors[i].name }
    other.tensors.append(
      SafetensorsEntry(name: "queue", element: .float32, shape: [0], bytes: []))
    let path = "\(folder.path)/prefixed.safetensors"
    try other.write(to: path)
    var lines: [String] = []
    _ = try ImageModel(path) { lines.append($0) }
    #expect(lines.contains { $0.contains("'module.'; 1 other") }, "\(lines)")
  }
}

/// A folder for a test, removed with it.
private final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "kindred-images-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

private func message(_ body: () throws -> some Any) -> String {
  do {
    _ = try body()
    return "no failure"
  } catch {
    return String(describing: error)
  }
}
