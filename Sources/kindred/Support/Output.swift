import Foundation
import Settings
import Synchronization

/// Prints to standard output; takes the place of Swift's own in this program.
///
/// What cannot be written is remembered and makes the program fail at its end. Control characters in
/// names never reach the terminal: they are shown as `\u001B`, which is also how JSON spells them.
///
/// Two functions, since Swift's own is preferred to one with a default terminator.
func print(_ text: String) { Output.write(text + "\n", to: 1) }

/// The same with another end than a line's.
func print(_ text: String, terminator: String) { Output.write(text + terminator, to: 1) }

/// What the program wrote, and whether it could.
enum Output {
  /// The first error of writing to standard output.
  private static let problem = Mutex<Int32>(0)

  static func write(_ text: String, to file: Int32) {
    writeRaw(withoutControls(text), to: file)
  }

  /// Writes text that may hold the terminal's own commands.
  static func writeRaw(_ text: String, to file: Int32) {
    var text = text
    let error = text.withUTF8 { bytes -> Int32 in
      var done = 0
      while done < bytes.count {
        let count = Foundation.write(
          file, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count > 0 else { return count < 0 ? errno : EIO }
        done += count
      }
      return 0
    }
    if error != 0, file == 1 { problem.withLock { if $0 == 0 { $0 = error } } }
  }

  /// Fails if something could not be written to standard output.
  static func check() throws(Failure) {
    let error = problem.withLock { $0 }
    guard error != 0 else { return }
    throw Failure(
      .cannotWrite, at: "standard output",
      "cannot be written (\(String(cString: strerror(error))))",
      remedy: "write it where there is room")
  }

  /// The text with control characters spelled out, but for ends of lines and tabs.
  ///
  /// So are the marks that turn the direction of writing, which make a name look like another.
  static func withoutControls(_ text: String) -> String {
    // Of all characters beyond ASCII, only U+0080 ... U+009F are control characters, and the marks
    // begin with the bytes E2 80 or E2 81.
    var (last, before): (UInt8, UInt8) = (0, 0)
    let isClean = text.utf8.allSatisfy { byte in
      defer { (last, before) = (byte, last) }
      if byte < 0x20 { return byte == 0x0A || byte == 0x09 }
      if last == 0xC2 { return !(0x80...0x9F).contains(byte) }
      return byte != 0x7F && !(before == 0xE2 && (last == 0x80 || last == 0x81))
    }
    return isClean ? text : spelled(text) { $0 == "\n" || $0 == "\t" ? String($0) : nil }
  }

  /// The text in one line, as a cell of a table: ends of lines and tabs are spelled out too.
  static func inOneLine(_ text: String) -> String {
    spelled(text) { $0 == "\n" ? "\\n" : $0 == "\t" ? "\\t" : nil }
  }

  private static func spelled(_ text: String, _ own: (Unicode.Scalar) -> String?) -> String {
    var clean = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if let spelling = own(scalar) {
        clean.append(contentsOf: spelling.unicodeScalars)
      } else if isControl(scalar) {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let padding = String(repeating: "0", count: 4 - digits.count)
        clean.append(contentsOf: "\\u\(padding)\(digits)".unicodeScalars)
      } else {
        clean.append(scalar)
      }
    }
    return String(clean)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F: true
    // Ends of lines and paragraphs, and what embeds, overrides or isolates a direction.
    case 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
