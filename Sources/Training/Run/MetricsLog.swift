import Files
import Settings

/// Lines of numbers, one JSON object each, added to a file as they come.
package struct MetricsLog {
  private let path: String
  private var pending: [String] = []
  /// As many lines are kept until they are written.
  private static let most = 1000

  /// - Parameter lastStep: lines of later steps are dropped, since the steps will be taken again, and
  ///   so is what is no line of a log, as half a line is that a killed process left.
  package init(_ path: String, keepingThrough lastStep: Int) throws(Failure) {
    self.path = path
    guard FileSystem.exists(path) else { return }
    let bytes = try FileSystem.read(path)
    var kept: [UInt8] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let text = String(validating: line, as: UTF8.self),
        case .number(let step)? = (try? JSONValue(json5: text, at: path))?["step"],
        step <= Double(lastStep)
      else { continue }
      kept += line + [UInt8(ascii: "\n")]
    }
    if kept != bytes { try FileSystem.write(kept, to: path) }
  }

  package mutating func append(_ members: [String: JSONValue]) throws(Failure) {
    pending.append(JSONValue.object(members).description)
    if pending.count >= MetricsLog.most { try flush() }
  }

  /// Writes what has been collected.
  ///
  /// - Parameter toDisk: whether to wait until it is on the disk, as before a checkpoint that counts
  ///   on it.
  package mutating func flush(toDisk: Bool = false) throws(Failure) {
    guard !pending.isEmpty || toDisk else { return }
    try FileSystem.append(pending.map { $0 + "\n" }.joined(), to: path, flushing: toDisk)
    pending.removeAll(keepingCapacity: true)
  }
}
