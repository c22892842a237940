import Autodiff
import Settings

/// The words after a subcommand, sorted into positionals and options.
struct Arguments: Sendable {
  private(set) var positionals: [String] = []
  private var values: [String: [String]] = [:]

  init(_ words: [String], for subcommand: Subcommand) throws(Failure) {
    let place = "kindred \(subcommand.name)"
    var rest = words[...]
    var optionsEnded = false
    while let word = rest.popFirst() {
      if word == "--" && !optionsEnded {
        optionsEnded = true
        continue
      }
      guard word.hasPrefix("--"), !optionsEnded else {
        positionals.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = subcommand.options.first(where: { $0.name == name }) else {
        throw Failure(
          .badUsage, at: place, "there is no option '\(name)'",
          remedy: suggestion(for: name, among: subcommand.options.map(\.name)))
      }
      if values[name] != nil, !option.isRepeated {
        throw Failure(.badUsage, at: place, "'\(name)' is given twice", expected: "it once")
      }
      if option.value == nil {
        guard parts.count == 1 else {
          throw Failure(.badUsage, at: place, "'\(name)' was given a value", expected: "none")
        }
        values[name] = []
      } else if parts.count == 2 {
        values[name, default: []].append(String(parts[1]))
      } else {
        guard let value = rest.popFirst() else {
          throw Failure(
            .badUsage, at: place, "'\(name)' has no value", expected: option.value ?? "a value",
            remedy: "example: \(subcommand.example)")
        }
        values[name, default: []].append(value)
      }
    }
    try checkCount(subcommand, at: place)
  }

  private func checkCount(_ subcommand: Subcommand, at place: String) throws(Failure) {
    let required = subcommand.positionals.filter(\.isRequired)
    guard positionals.count >= required.count else {
      throw Failure(
        .badUsage, at: place, "\(required[positionals.count].name) is missing",
        remedy: "example: \(subcommand.example)")
    }
    let takesMore = subcommand.positionals.contains(where: \.isRepeated)
    guard takesMore || positionals.count <= subcommand.positionals.count else {
      throw Failure(
        .badUsage, at: place,
        "'\(positionals[subcommand.positionals.count])' is one word too many",
        remedy: "example: \(subcommand.example)")
    }
  }

  func has(_ option: String) -> Bool { values[option] != nil }
  func value(_ option: String) -> String? { values[option]?.last }
  func allValues(_ option: String) -> [String] { values[option] ?? [] }

  func required(_ option: String) throws(Failure) -> String {
    guard let value = value(option) else {
      throw Failure(.badUsage, at: option, "the option is missing", remedy: "see --help")
    }
    return value
  }

  func wholeNumber(_ option: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let text = value(option) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw Failure(
        .badUsage, at: option, "'\(text)'",
        expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func word<Choice: RawRepresentable<String> & CaseIterable>(
    _ option: String, default fallback: Choice
  ) throws(Failure) -> Choice {
    guard let text = value(option) else { return fallback }
    guard let choice = Choice(rawValue: text) else {
      throw Failure(
        .badUsage, at: option, "'\(text)'",
        remedy: suggestion(for: text, among: Choice.allCases.map(\.rawValue)))
    }
    return choice
  }

  /// Settings given as JSON5 after an option; none when the option is absent.
  func settings(_ option: String) throws(Failure) -> [String: JSONValue] {
    guard let text = value(option) else { return [:] }
    let value = try JSONValue(json5: text, at: option)
    guard case .object(let members) = value else {
      throw Failure(
        .badData, at: option, "this is \(value.kind)",
        expected: "an object such as { margin: 0.2 }")
    }
    return members
  }

  /// Sets the number of threads from `--threads`.
  func applyThreads() throws(Failure) {
    if let count = try wholeNumber("--threads", in: 1...1024) { Parallel.threadCount = count }
  }
}
