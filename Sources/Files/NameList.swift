import Settings

/// Names in a text file, one in each line, as `E.paths.txt` beside `E.npy`.
///
/// A name with control characters (a line end, say), or one that begins with a quotation mark, is
/// written as a JSON string, so that every name is one line and reads back as it was.
public enum NameList {
  public static func bytes(_ names: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for name in names {
      bytes += (needsQuotes(name) ? JSONValue.string(name).description : name).utf8
      bytes.append(0x0A)
    }
    return bytes
  }

  public static func read(_ path: String) throws(Failure) -> [String] {
    try names(in: try FileSystem.read(path), at: path)
  }

  static func names(in bytes: [UInt8], at place: String) throws(Failure) -> [String] {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    var names: [String] = []
    for (number, var line) in lines.enumerated() {
      // Other programs may end lines with two characters; a name of ours with one has quotes.
      if line.last == 0x0D { line.removeLast() }
      let where_ = "\(place): line \(number + 1)"
      guard let text = String(validating: line, as: UTF8.self) else {
        throw Failure(.badData, at: where_, "the name is not UTF-8", expected: "UTF-8 text")
      }
      guard text.utf8.first == UInt8(ascii: "\"") else {
        names.append(text)
        continue
      }
      // Files of other programs may have a name in quotation marks as it is.
      if let value = try? JSONValue(json5: text, at: where_), case .string(let name) = value {
        names.append(name)
      } else {
        names.append(text)
      }
    }
    return names
  }

  private static func needsQuotes(_ name: String) -> Bool {
    name.utf8.first == UInt8(ascii: "\"")
      || name.unicodeScalars.contains { $0.properties.generalCategory == .control }
  }
}
