import Files
import Settings
import Testing

/// Files of torch.save as Fixtures/generate_checkpoints.py made them.
@Suite struct TorchCheckpointTests {
  private static func read(_ name: String) throws -> TorchCheckpoint {
    try TorchCheckpoint(try fixture("checkpoints/\(name)"), at: name)
  }

  private static func expected() throws -> SafetensorsFile {
    try SafetensorsFile(try fixture("checkpoints/expected.safetensors"), at: "expected")
  }

  @Test(arguments: ["zip.pth", "legacy.pth", "training.pth", "data-parallel.pth"])
  func tensorsAreThoseOfTheLibrary(name: String) throws {
    let (found, expected) = (
      try TorchCheckpointTests.read(name), try TorchCheckpointTests.expected()
    )
    let prefix = name == "data-parallel.pth" ? "module." : ""
    #expect(found.path == (name == "training.pth" ? "state_dict" : ""))
    #expect(found.tensors.count == expected.tensors.count)
    for entry in found.tensors {
      var own = try #require(expected[String(entry.name.dropFirst(prefix.count))])
      own.name = entry.name
      #expect(entry == own, "\(entry.name)")
    }
  }

  @Test func parametersAreTensors() throws {
    let found = try TorchCheckpointTests.read("parameters.pth")
    #expect(found.path == "model")
    #expect(found.tensors.map(\.name) == ["weight", "bias"])
    #expect(found.tensors.map(\.shape) == [[2, 3], [2]])
  }

  @Test(arguments: [
    ("hostile-zip.pth", "run posix.system"), ("hostile-legacy.pth", "run posix.system"),
    ("hostile-truncated.pth", "cut short"), ("hostile-out-of-bounds.pth", "outside of its storage"),
    ("whole-module.pth", "a state dictionary"), ("zip-protocol-4.pth", "protocol 4"),
  ])
  func refusals(name: String, word: String) throws {
    let text = message { try TorchCheckpointTests.read(name) }
    #expect(text.contains(word) && text.hasPrefix(name) && !text.contains("\n"), "\(text)")
  }

  @Test(arguments: ["zip.pth", "legacy.pth", "whole-module.pth"])
  func damageIsRefusedOrReadButNeverFatal(name: String) throws {
    let bytes = try fixture("checkpoints/\(name)")
    for (i, copy) in damaged(bytes).enumerated() where i % 31 == 0 {
      _ = message { try TorchCheckpoint(copy, at: name) }
    }
  }

  // MARK: Pickles made by hand

  /// A legacy file of one object, with a storage "0" of four floats.
  private static func legacy(
    _ object: [UInt8], keys: String? = "0", count: UInt64 = 4
  ) -> [UInt8] {
    let magic: [UInt8] = [
      0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
    let system = [0x80, 2, 0x7D] + text("little_endian") + [0x88, 0x73, 0x2E]
    let list = [0x80, 2, 0x5D] + (keys.map { text($0) + [0x61] } ?? []) + [0x2E]
    guard keys != nil else { return magic + version + system + [0x80, 2] + object + [0x2E] + list }
    let length = withUnsafeBytes(of: count.littleEndian) { Array($0) }
    let elements = [Float]([1, 2, 3, 4]).flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    return magic + version + system + [0x80, 2] + object + [0x2E] + list + length + elements
  }

  private static func text(_ word: String) -> [UInt8] {
    [0x58, UInt8(word.utf8.count), 0, 0, 0] + Array(word.utf8)
  }

  private static func name(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  private static func number(_ value: Int32) -> [UInt8] {
    [0x4A] + withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// {"w": a tensor of storage "0"}.
  private static func tensor(
    offset: Int32, shape: [Int32], strides: [Int32], count: Int32 = 4
  ) -> [UInt8] {
    let storage =
      [0x28] + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu")
      + number(count) + [0x4E, 0x74, 0x51]
    func tuple(_ values: [Int32]) -> [UInt8] { [0x28] + values.flatMap(number) + [0x74] }
    return [0x7D] + text("w") + name("torch._utils", "_rebuild_tensor_v2") + [0x28] + storage
      + number(offset) + tuple(shape) + tuple(strides) + [0x89, 0x7D, 0x74, 0x52, 0x73]
  }

  @Test func stridesOfAnyKindWithinTheStorage() throws {
    func values(_ offset: Int32, _ shape: [Int32], _ strides: [Int32]) throws -> [Float] {
      let bytes = TorchCheckpointTests.legacy(
        TorchCheckpointTests.tensor(offset: offset, shape: shape, strides: strides))
      let found = try TorchCheckpoint(bytes, at: "x")
      return try #require(found.tensors.first).bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map {
          bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        }
      }
    }
    #expect(try values(0, [2, 2], [1, 2]) == [1, 3, 2, 4])
    #expect(try values(3, [4], [-1]) == [4, 3, 2, 1])
    #expect(try values(1, [2, 3], [1, 0]) == [2, 2, 2, 3, 3, 3])
    #expect(try values(1, [], []) == [2])
    #expect(try values(9, [0, 5], [5, 1]) == [])
  }

  @Test func tensorsThatReachTooFar() {
    for (offset, shape, strides) in [
      (0, [5], [1]), (-1, [1], [1]), (1, [2, 2], [2, 1]), (0, [2], [-1]), (4, [1], [1]),
      (0, [2_147_483_647, 2_147_483_647, 2_147_483_647], [0, 0, 0]),
      (0, [-1], [1]), (0, [2], [2_147_483_647]),
    ] as [(Int32, [Int32], [Int32])] {
      let bytes = TorchCheckpointTests.legacy(
        TorchCheckpointTests.tensor(offset: offset, shape: shape, strides: strides))
      let text = message { try TorchCheckpoint(bytes, at: "x") }
      #expect(text.hasPrefix("x: "), "\(offset) \(shape) \(strides): \(text)")
    }
  }

  @Test func oneElementIsNotRepeatedWithoutEnd() {
    let bytes = TorchCheckpointTests.legacy(
      TorchCheckpointTests.tensor(offset: 0, shape: [100_000, 100_000], strides: [0, 0]))
    #expect(message { try TorchCheckpoint(bytes, at: "x") }.contains("the tensors would take"))
  }

  @Test func storagesThatAreNotThere() {
    let object = TorchCheckpointTests.tensor(offset: 0, shape: [4], strides: [1])
    for bytes in [
      TorchCheckpointTests.legacy(object, keys: "1"),
      TorchCheckpointTests.legacy(object, count: 5),
      TorchCheckpointTests.legacy(object, count: 2),
      TorchCheckpointTests.legacy(object, count: .max),
      TorchCheckpointTests.legacy(
        TorchCheckpointTests.tensor(offset: 4, shape: [4], strides: [1], count: 8)),
    ] {
      #expect(message { try TorchCheckpoint(bytes, at: "x") }.hasPrefix("x"))
    }
  }

  @Test func circlesAndDepthsAreHarmless() {
    // A dictionary that holds itself, and tuples within tuples.
    let circle: [UInt8] =
      [0x7D, 0x71, 0] + TorchCheckpointTests.text("model") + [0x68, 0, 0x73]
    let deep = [UInt8](repeating: 0x29, count: 1) + [UInt8](repeating: 0x85, count: 1_000_000)
    for object in [circle, deep] {
      let bytes = TorchCheckpointTests.legacy(object, keys: nil)
      let text = message { try TorchCheckpoint(bytes, at: "x") }
      #expect(text.contains("no dictionary of tensors"), "\(text)")
    }
    let many = [UInt8](repeating: 0x5D, count: 3_000_000)
    let text = message { try TorchCheckpoint(TorchCheckpointTests.legacy(many), at: "x") }
    #expect(text.contains("longer than any checkpoint"), "\(text)")
  }

  @Test func whatOnlyPythonCouldMakeIsPassedOver() throws {
    // {"args": argparse.Namespace(), "state_dict": {"w": ...}}
    let tensor = TorchCheckpointTests.tensor(offset: 0, shape: [4], strides: [1])
    let object =
      [0x7D] + TorchCheckpointTests.text("args")
      + TorchCheckpointTests.name("argparse", "Namespace") + [0x29, 0x81, 0x7D, 0x62, 0x73]
      + TorchCheckpointTests.text("state_dict") + tensor + [0x73]
    let found = try TorchCheckpoint(TorchCheckpointTests.legacy(object), at: "x")
    #expect(found.tensors.map(\.name) == ["w"])
    for program in [("builtins", "eval"), ("os", "system"), ("subprocess", "Popen")] {
      let hostile =
        [0x7D] + TorchCheckpointTests.text("a")
        + TorchCheckpointTests.name(program.0, program.1) + [0x29, 0x52, 0x73]
        + TorchCheckpointTests.text("state_dict") + tensor + [0x73]
      let text = message { try TorchCheckpoint(TorchCheckpointTests.legacy(hostile), at: "x") }
      #expect(text.contains("run \(program.0).\(program.1)"), "\(text)")
    }
    let unknown =
      [0x7D] + TorchCheckpointTests.text("state_dict") + [0x7D]
      + TorchCheckpointTests.text("v") + TorchCheckpointTests.name("mine", "Tensor")
      + [0x29, 0x52, 0x73] + Array(tensor.dropFirst()) + [0x73]
    let text = message { try TorchCheckpoint(TorchCheckpointTests.legacy(unknown), at: "x") }
    #expect(text.contains("mine.Tensor"), "\(text)")
  }
}
