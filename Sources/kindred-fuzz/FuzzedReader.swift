import Settings

/// A reader that is fed with damaged inputs.
struct FuzzedReader: Sendable {
  let name: String
  /// Small valid inputs, which the reader takes.
  let seeds: @Sendable () throws -> [[UInt8]]
  /// What the format is made of, to be put anywhere.
  let words: [String]
  /// Makes lengths and checksums fit again, so that damage gets past them.
  let refit: @Sendable (inout [UInt8]) -> Void
  /// Reads an input and uses what was read. What it throws must be a `Failure`.
  let read: @Sendable ([UInt8]) throws -> Void

  init(
    _ name: String, words: [String] = [],
    refit: @escaping @Sendable (inout [UInt8]) -> Void = { _ in },
    seeds: @escaping @Sendable () throws -> [[UInt8]],
    read: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    (self.name, self.words, self.refit) = (name, words, refit)
    (self.seeds, self.read) = (seeds, read)
  }

  /// The same from a text.
  static func text(
    _ name: String, words: [String] = [], _ seeds: [String],
    read: @escaping @Sendable (String) throws -> Void
  ) -> FuzzedReader {
    FuzzedReader(name, words: words) {
      seeds.map { Array($0.utf8) }
    } read: {
      try read(String(decoding: $0, as: UTF8.self))
    }
  }

  /// The same from a file of a name with this ending.
  static func file(
    _ name: String, _ ending: String, words: [String] = [],
    refit: @escaping @Sendable (inout [UInt8]) -> Void = { _ in },
    seeds: @escaping @Sendable () throws -> [[UInt8]],
    read: @escaping @Sendable (_ path: String) throws -> Void
  ) -> FuzzedReader {
    FuzzedReader(name, words: words, refit: refit, seeds: seeds) { bytes in
      let path = Scratch.path + "/input." + ending
      try Scratch.write(bytes, to: path)
      try read(path)
    }
  }
}
