import Foundation
import Settings

/// One subcommand: what it takes, what it says of itself, and what it does.
struct Subcommand: Sendable {
  struct Positional: Sendable {
    let name, summary: String
    var isRequired = true
    var isRepeated = false
  }

  struct Option: Sendable {
    let name: String
    /// What stands for the value in the help; nil for an option without a value.
    let value: String?
    let summary: String
    var isRepeated = false

    init(_ name: String, _ value: String? = nil, _ summary: String, isRepeated: Bool = false) {
      (self.name, self.value, self.summary) = (name, value, summary)
      self.isRepeated = isRepeated
    }
  }

  let name, summary: String
  var positionals: [Positional] = []
  var options: [Option] = []
  let example: String
  let run: @Sendable (Arguments) throws -> Void

  static let json = Option("--json", "print one JSON object and nothing else")
  /// Applied before the subcommand runs.
  static let threads = Option("--threads", "N", "how many threads to use (default: all cores)")
  static let common = [threads, json]

  var help: String {
    let words = positionals.map { positional in
      let name = positional.name + (positional.isRepeated ? " ..." : "")
      return positional.isRequired ? name : "[\(name)]"
    }
    let usage = (["kindred", name] + words + (options.isEmpty ? [] : ["[options]"]))
      .joined(separator: " ")
    let rows =
      positionals.map { ($0.name, $0.summary) }
      + options.map { ([$0.name, $0.value].compactMap { $0 }.joined(separator: " "), $0.summary) }
    let width = rows.map(\.0.count).max() ?? 0
    let lines = rows.map {
      "  " + $0.0.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.1
    }
    return """
      \(summary)

      Usage: \(usage)

      \(lines.joined(separator: "\n"))

      Example: \(example)

      """
  }
}

extension Subcommand.Option {
  init(_ name: String, _ summary: String) { self.init(name, nil, summary) }
}
