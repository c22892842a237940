import Settings

/// FAISS files of flat indexes: `IxFI` for inner products, `IxF2` for distances.
///
/// What follows a flat index in a file is not read, as in FAISS.
public enum FaissFlat {
  /// - Throws: if the vectors are longer than the library reads.
  public static func bytes(_ index: ExactIndex) throws(Failure) -> [UInt8] {
    try FaissFile.bytes(index)
  }

  public static func write(_ index: ExactIndex, to path: String) throws(Failure) {
    try FaissFile.write(index, to: path)
  }

  public static func read(_ path: String) throws(Failure) -> ExactIndex {
    try flat(try FaissFile.read(path), at: path)
  }

  /// - Parameter place: the file that the bytes came from, for messages.
  public static func index(_ bytes: [UInt8], at place: String) throws(Failure) -> ExactIndex {
    try flat(try FaissFile.index(bytes, at: place), at: place)
  }

  private static func flat(_ index: any VectorIndex, at place: String) throws(Failure)
    -> ExactIndex
  {
    guard let flat = index as? ExactIndex else {
      throw Failure(
        .badData, at: place, "this is not a flat FAISS index",
        expected: "a file that begins with IxFI or IxF2",
        remedy: "export it with --format faiss-flat, or write it from IndexFlatIP or IndexFlatL2")
    }
    return flat
  }
}
