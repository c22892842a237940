/// One hyper-parameter: its name, its meaning, what it may be and where it lies.
///
/// Declared once; recipes, flags, lists and documentation read it.
public struct Setting<Root: Sendable>: Sendable {
  public let name: String
  /// What it means, as a phrase without a full stop.
  public let summary: String
  /// What it may be, as in "a number in 0 ... 1".
  public let allowed: String

  let read: @Sendable (Root) -> JSONValue
  /// Writes the value, or returns false when it is not allowed.
  let write: @Sendable (inout Root, JSONValue) -> Bool

  private init(
    _ name: String, _ summary: String, allowed: String,
    read: @escaping @Sendable (Root) -> JSONValue,
    write: @escaping @Sendable (inout Root, JSONValue) -> Bool
  ) {
    (self.name, self.summary, self.allowed) = (name, summary, allowed)
    (self.read, self.write) = (read, write)
  }
}

extension Setting {
  public typealias Path<Value> = any WritableKeyPath<Root, Value> & Sendable

  public init(
    _ name: String, _ path: Path<Double>, _ summary: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) {
    self.init(
      name, summary, allowed: "a number" + Setting.text(of: range),
      read: { .number($0[keyPath: path]) },
      write: { root, value in
        guard let number = value.numberValue, range.contains(number) else { return false }
        root[keyPath: path] = number
        return true
      })
  }

  public init(
    _ name: String, _ path: Path<Int>, _ summary: String, in range: ClosedRange<Int> = 0...Int.max
  ) {
    let upper = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
    self.init(
      name, summary, allowed: "a whole number, \(range.lowerBound) \(upper)",
      read: { JSONValue($0[keyPath: path]) },
      write: { root, value in
        guard let whole = value.wholeValue, range.contains(whole) else { return false }
        root[keyPath: path] = whole
        return true
      })
  }

  public init(_ name: String, _ path: Path<Bool>, _ summary: String) {
    self.init(
      name, summary, allowed: "true or false",
      read: { .bool($0[keyPath: path]) },
      write: { root, value in
        guard case .bool(let flag) = value else { return false }
        root[keyPath: path] = flag
        return true
      })
  }

  public init(_ name: String, _ path: Path<String>, _ summary: String) {
    self.init(
      name, summary, allowed: "a text",
      read: { .string($0[keyPath: path]) },
      write: { root, value in
        guard case .string(let text) = value else { return false }
        root[keyPath: path] = text
        return true
      })
  }

  /// A setting that is one of a few words.
  public init<Choice>(_ name: String, _ path: Path<Choice>, _ summary: String)
  where Choice: RawRepresentable<String> & CaseIterable & Sendable {
    let words = Choice.allCases.map { "\"\($0.rawValue)\"" }
    self.init(
      name, summary, allowed: "one of " + words.joined(separator: ", "),
      read: { .string($0[keyPath: path].rawValue) },
      write: { root, value in
        guard case .string(let word) = value, let choice = Choice(rawValue: word) else {
          return false
        }
        root[keyPath: path] = choice
        return true
      })
  }

  /// A number that may be left out.
  public init(
    _ name: String, _ path: Path<Double?>, _ summary: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) {
    self.init(
      name, summary, allowed: "null or a number" + Setting.text(of: range),
      read: { $0[keyPath: path].map { .number($0) } ?? .null },
      write: { root, value in
        switch value {
        case .null: root[keyPath: path] = nil
        case .number(let number) where range.contains(number): root[keyPath: path] = number
        default: return false
        }
        return true
      })
  }

  public init(
    _ name: String, _ path: Path<[Double]>, _ summary: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) {
    self.init(
      name, summary, allowed: "a list of numbers" + Setting.text(of: range),
      read: { .array($0[keyPath: path].map { .number($0) }) },
      write: { root, value in
        guard case .array(let items) = value else { return false }
        var numbers: [Double] = []
        for item in items {
          guard let number = item.numberValue, range.contains(number) else { return false }
          numbers.append(number)
        }
        root[keyPath: path] = numbers
        return true
      })
  }

  public init(
    _ name: String, _ path: Path<[Int]>, _ summary: String, in range: ClosedRange<Int> = 0...Int.max
  ) {
    self.init(
      name, summary, allowed: "a list of whole numbers, \(range.lowerBound) or more",
      read: { .array($0[keyPath: path].map { JSONValue($0) }) },
      write: { root, value in
        guard case .array(let items) = value else { return false }
        var whole: [Int] = []
        for item in items {
          guard let value = item.wholeValue, range.contains(value) else { return false }
          whole.append(value)
        }
        root[keyPath: path] = whole
        return true
      })
  }

  public init(_ name: String, _ path: Path<[String]>, _ summary: String) {
    self.init(
      name, summary, allowed: "a list of texts",
      read: { .array($0[keyPath: path].map { .string($0) }) },
      write: { root, value in
        guard case .array(let items) = value else { return false }
        var texts: [String] = []
        for item in items {
          guard case .string(let text) = item else { return false }
          texts.append(text)
        }
        root[keyPath: path] = texts
        return true
      })
  }

  private static func text(of range: ClosedRange<Double>) -> String {
    let hasLower = range.lowerBound > -Double.greatestFiniteMagnitude
    let hasUpper = range.upperBound < Double.greatestFiniteMagnitude
    return switch (hasLower, hasUpper) {
    case (false, false): ""
    case (true, false): ", \(JSONValue.number(range.lowerBound)) or more"
    case (false, true): ", \(JSONValue.number(range.upperBound)) or less"
    case (true, true):
      " from \(JSONValue.number(range.lowerBound)) to \(JSONValue.number(range.upperBound))"
    }
  }
}
