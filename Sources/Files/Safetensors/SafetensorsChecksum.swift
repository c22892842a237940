import Settings

extension SafetensorsFile {
  private static let key = "checksum"

  /// CRC-32 of all metadata, in the order of their keys, and of all arrays; only the checksum itself
  /// is left out.
  var checksum: String {
    var crc = CRC32()
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) where key != SafetensorsFile.key {
      crc.update("\(key) \(text)\n".utf8)
    }
    for tensor in tensors {
      crc.update("\(tensor.name) \(tensor.element.rawValue) \(tensor.shape)\n".utf8)
      crc.update(tensor.bytes[...])
    }
    return "crc32:" + String(crc.value, radix: 16)
  }

  /// The same file with its checksum among the metadata.
  public func withChecksum() -> SafetensorsFile {
    var file = self
    // What writing adds belongs to what is summed.
    if file.metadata["format"] == nil { file.metadata["format"] = "pt" }
    file.metadata[SafetensorsFile.key] = file.checksum
    return file
  }

  /// The metadata but for the checksum, which holds for this file alone.
  public var metadataWithoutChecksum: [String: String] {
    metadata.filter { $0.key != SafetensorsFile.key }
  }

  /// Whether the file has a checksum, as files of earlier versions have not.
  public var hasChecksum: Bool { metadata[SafetensorsFile.key] != nil }

  /// Fails if the file has a checksum that is not that of its content.
  public func verifyChecksum(at place: String) throws(Failure) {
    guard let expected = metadata[SafetensorsFile.key], expected != checksum else { return }
    throw Failure(
      .badData, at: place, "the checksum is \(checksum): the file is damaged",
      expected: expected, remedy: "take another copy of it")
  }
}
