import Files
import Foundation

/// A state dictionary of one tensor, {"w": [2, 3] of float32}, as torch.save pickles it.
private enum Pickles {
  static func text(_ word: String) -> [UInt8] {
    [0x58, UInt8(word.utf8.count), 0, 0, 0] + Array(word.utf8)
  }

  static func name(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  static let state: [UInt8] = {
    let storage =
      [0x28] + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu")
      + [0x4B, 6, 0x74, 0x51]
    let shape: [UInt8] = [
      0x4B, 2, 0x4B, 3, 0x86, 0x71, 1, 0x4B, 3, 0x4B, 1, 0x86, 0x72, 2, 0, 0, 0,
    ]
    return [0x80, 2] + name("collections", "OrderedDict") + [0x29, 0x52, 0x71, 0] + text("w")
      + name("torch._utils", "_rebuild_tensor_v2") + [0x28] + storage + [0x4B, 0] + shape
      + [0x89, 0x7D, 0x74, 0x52, 0x73, 0x2E]
  }()

  static let elements = [UInt8](repeating: 0x3F, count: 24)

  static let older: [UInt8] = {
    let magic: [UInt8] = [
      0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
    let system = [0x80, 2, 0x7D] + text("little_endian") + [0x88, 0x73, 0x2E]
    return magic + version + system + state + [0x80, 2, 0x5D] + text("0") + [0x61, 0x2E]
      + [6, 0, 0, 0, 0, 0, 0, 0] + elements
  }()
}

private let words = [
  "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nBFloat16Storage\n", "ccollections\nOrderedDict\n",
  "cposix\nsystem\n", "state_dict", "storage",
]

let checkpointReaders: [FuzzedReader] = [
  FuzzedReader("torch", words: words, refit: { Refitting.zip(&$0) }) {
    [
      try ZipArchive(members: [
        ("a/data.pkl", Pickles.state), ("a/byteorder", Array("little".utf8)),
        ("a/data/0", Pickles.elements),
      ]).bytes()
    ]
  } read: {
    _ = try TorchCheckpoint($0, at: "input")
  },
  FuzzedReader("torch-older", words: words) {
    [Pickles.older]
  } read: {
    _ = try TorchCheckpoint($0, at: "input")
  },
]
