/// Something that a user or a file got wrong, told in one line.
///
/// The line reads *place: what was found; what was expected; how to mend it*.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
  /// What sort of thing went wrong; the raw value is the command's exit status.
  public enum Kind: Int32, Sendable {
    case checkFailed = 1
    case badUsage = 64
    case badData = 65
    case noInput = 66
    case cannotWrite = 73
    case cannotRead = 74
  }

  public var kind: Kind
  /// The file and the place in it, or the option.
  public var place: String
  /// What was found.
  public var found: String
  /// What was expected instead; empty when `found` says it all.
  public var expected: String
  /// What to do about it; empty when that is plain.
  public var remedy: String

  public init(
    _ kind: Kind, at place: String, _ found: String, expected: String = "", remedy: String = ""
  ) {
    (self.kind, self.place, self.found) = (kind, place, found)
    (self.expected, self.remedy) = (expected, remedy)
  }

  public var description: String {
    // What a file says of itself may be of any length.
    let shown = found.utf8.count > 600 ? found.prefix(300) + " … " + found.suffix(100) : found[...]
    let parts = [String(shown), expected.isEmpty ? "" : "expected \(expected)", remedy]
    let line = "\(place): " + parts.filter { !$0.isEmpty }.joined(separator: "; ")
    return String(line.map { $0.isNewline ? " " : $0 })
  }
}
