import Settings

/// The bytes of a table as UTF-8, whatever Unicode encoding they came in.
///
/// UTF-8 with or without a byte order mark, and UTF-16 in both orders, as spreadsheets and
/// PowerShell write it. Bytes of other encodings stay as they are: separators, line ends and numbers
/// are the same in all of them, and a cell that is read as text is checked then.
func tableText(_ bytes: [UInt8], at place: String) throws(Failure) -> [UInt8] {
  if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) {
    throw Failure(
      .badData, at: place, "the text is UTF-32", expected: "UTF-8 or UTF-16",
      remedy: "convert it with iconv -f UTF-32 -t UTF-8")
  }
  if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes.dropFirst(3)) }
  if bytes.starts(with: [0xFF, 0xFE]) { return try utf16(bytes.dropFirst(2), isBig: false, place) }
  if bytes.starts(with: [0xFE, 0xFF]) { return try utf16(bytes.dropFirst(2), isBig: true, place) }
  // No text has zeros in it; UTF-16 of Latin letters has one in every other byte.
  guard bytes.count >= 4, bytes.prefix(4).count(where: { $0 == 0 }) == 2, bytes[0] != bytes[1]
  else {
    return bytes
  }
  return try utf16(bytes[...], isBig: bytes[0] == 0, place)
}

private func utf16(
  _ bytes: ArraySlice<UInt8>, isBig: Bool, _ place: String
) throws(Failure) -> [UInt8] {
  let units = bytes.withUnsafeBytes { bytes in
    (0..<bytes.count / 2).map { index -> UInt16 in
      let unit = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      return isBig ? UInt16(bigEndian: unit) : UInt16(littleEndian: unit)
    }
  }
  guard bytes.count % 2 == 0, let text = String(validating: units, as: UTF16.self) else {
    throw Failure(
      .badData, at: place, "the text begins as UTF-16 and is damaged", expected: "UTF-8 or UTF-16",
      remedy: "save it as UTF-8 again")
  }
  return Array(text.utf8)
}
