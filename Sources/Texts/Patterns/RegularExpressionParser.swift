import Settings

/// Reads a regular expression in the syntax of Oniguruma.
struct RegularExpressionParser {
  typealias Node = RegularExpressionNode

  private let text: [Unicode.Scalar]
  private let whole: String
  private let place: String
  private var position = 0
  private var foldsCase = false
  private var depth = 0

  init(_ text: String, at place: String) {
    (self.text, whole, self.place) = (Array(text.unicodeScalars), text, place)
  }

  mutating func parse() throws(Failure) -> Node {
    let node = try choice()
    guard position == text.count else { throw unsupported("')' without '('") }
    return node
  }

  private func unsupported(_ what: String) -> Failure {
    Failure(
      .badData, at: place, "the pattern '\(whole)' is not supported: \(what), at \(position)",
      expected: "alternatives, groups, classes, properties, repetition, looking around and anchors")
  }

  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private mutating func take(_ word: String) -> Bool {
    let scalars = Array(word.unicodeScalars)
    guard text[position...].starts(with: scalars) else { return false }
    position += scalars.count
    return true
  }

  private mutating func choice() throws(Failure) -> Node {
    depth += 1
    guard depth < 100 else { throw unsupported("groups nest too deep") }
    defer { depth -= 1 }
    let folded = foldsCase
    defer { foldsCase = folded }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(Failure) -> Node {
    var nodes: [Node] = []
    while let next, next != "|", next != ")" {
      let atom = try atom()
      nodes.append(try repeated(atom))
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func repeated(_ atom: Node) throws(Failure) -> Node {
    var node = atom
    while true {
      let counts: ClosedRange<Int>
      var isBraced = false
      if take("*") {
        counts = 0...Int.max
      } else if take("+") {
        counts = 1...Int.max
      } else if take("?") {
        counts = 0...1
      } else if let braced = try braces() {
        (counts, isBraced) = (braced, true)
      } else {
        return node
      }
      if take("?") {
        node = .repetition(node, counts, .lazy)
      } else if take("+") {
        guard !isBraced else { throw unsupported("'+' after braces") }
        node = .repetition(node, counts, .possessive)
      } else {
        node = .repetition(node, counts, .greedy)
      }
    }
  }

  /// {n}, {n,}, {n,m} or {,m}; a brace that is none of these stands for itself.
  private mutating func braces() throws(Failure) -> ClosedRange<Int>? {
    let start = position
    guard take("{") else { return nil }
    let low = number()
    let hasComma = take(",")
    let high = hasComma ? number() : low
    guard take("}"), low != nil || high != nil else {
      position = start
      return nil
    }
    let (least, most) = (low ?? 0, hasComma ? high ?? Int.max : low ?? 0)
    guard least <= most, least < 10_000 else { throw unsupported("these braces") }
    return least...most
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = next, ("0"..."9").contains(digit), value ?? 0 < 100_000 {
      value = (value ?? 0) * 10 + Int(digit.value - 0x30)
      position += 1
    }
    return value
  }

  private func one(_ set: ScalarSet) -> Node {
    var set = set
    if foldsCase { set.foldCase() }
    return .one(set)
  }

  private mutating func atom() throws(Failure) -> Node {
    guard let scalar = next else { throw unsupported("it ends too early") }
    position += 1
    switch scalar {
    case "(": return try group()
    case "[": return one(try characterClass())
    case ".":
      var set = ScalarSet(0x0A)
      set.negate()
      return .one(set)
    case "^": return .lineStart
    case "$": return .lineEnd
    case "\\": return try escape()
    case "*", "+", "?": throw unsupported("'\(scalar)' repeats nothing")
    default: return one(ScalarSet(scalar.value))
    }
  }

  private mutating func group() throws(Failure) -> Node {
    var make: (Node) -> Node = { $0 }
    let folded = foldsCase
    if take("?") {
      if take("=") {
        make = { .look($0, ahead: true, negated: false) }
      } else if take("!") {
        make = { .look($0, ahead: true, negated: true) }
      } else if take("<=") {
        make = { .look($0, ahead: false, negated: false) }
      } else if take("<!") {
        make = { .look($0, ahead: false, negated: true) }
      } else if take(">") {
        make = { .atomic($0) }
      } else if take("i)") {
        // Holds to the end of the group around it, alternatives included.
        foldsCase = true
        let node = try choice()
        return node
      } else if take("i:") {
        foldsCase = true
      } else if take("-i:") {
        foldsCase = false
      } else if !take(":") {
        throw unsupported("a group of this kind")
      }
    }
    let node = try choice()
    foldsCase = folded
    guard take(")") else { throw unsupported("'(' without ')'") }
    if case .look(let inner, ahead: false, _) = make(node), inner.widths == nil {
      throw unsupported("looking behind without a bound")
    }
    return make(node)
  }

  private mutating func escape() throws(Failure) -> Node {
    switch next {
    case "A": position += 1; return .textStart
    case "z": position += 1; return .textEnd
    case "Z": position += 1; return .lastLineEnd
    case "b": position += 1; return .wordBoundary(negated: false)
    case "B": position += 1; return .wordBoundary(negated: true)
    default: return one(try escapedSet())
    }
  }

  /// What follows a backslash, in a class or outside.
  private mutating func escapedSet() throws(Failure) -> ScalarSet {
    guard let scalar = next else { throw unsupported("it ends with '\\'") }
    position += 1
    switch scalar {
    case "s": return ScalarSet(.white)
    case "S": return ScalarSet(.white, negated: true)
    case "w": return ScalarSet(.patternWord)
    case "W": return ScalarSet(.patternWord, negated: true)
    case "d": return ScalarSet(.patternDigit)
    case "D": return ScalarSet(.patternDigit, negated: true)
    case "p", "P": return try property(negated: scalar == "P")
    default:
      position -= 1
      return ScalarSet(try escapedScalar())
    }
  }

  private mutating func property(negated: Bool) throws(Failure) -> ScalarSet {
    guard take("{") else { throw unsupported("'\\p' without '{'") }
    let isOpposite = take("^")
    var name = ""
    while let scalar = next, scalar != "}" {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    guard take("}"), let set = ScalarSet(property: name, negated: negated != isOpposite) else {
      throw unsupported("the property '\(name)'")
    }
    return set
  }

  private mutating func escapedScalar() throws(Failure) -> UInt32 {
    guard let scalar = next else { throw unsupported("it ends with '\\'") }
    position += 1
    switch scalar {
    case "n": return 0x0A
    case "r": return 0x0D
    case "t": return 0x09
    case "f": return 0x0C
    case "v": return 0x0B
    case "a": return 0x07
    case "e": return 0x1B
    case "x":
      if take("{") {
        let value = try hexadecimal(upTo: 8)
        guard take("}") else { throw unsupported("'\\x{' without '}'") }
        return value
      }
      return try hexadecimal(upTo: 2)
    case "u": return try hexadecimal(upTo: 4)
    case _ where scalar.isASCII && (scalar.properties.isAlphabetic || scalar.value < 0x3A):
      guard !("0"..."9").contains(scalar), !scalar.properties.isAlphabetic else {
        throw unsupported("'\\\(scalar)'")
      }
      return scalar.value
    default: return scalar.value
    }
  }

  private mutating func hexadecimal(upTo most: Int) throws(Failure) -> UInt32 {
    var (value, count) = (UInt32(0), 0)
    while count < most, let scalar = next, let digit = Character(scalar).hexDigitValue,
      value < 1 << 24
    {
      value = value << 4 | UInt32(digit)
      position += 1
      count += 1
    }
    guard count > 0 else { throw unsupported("an escape without digits") }
    return value
  }

  /// What follows '['.
  private mutating func characterClass() throws(Failure) -> ScalarSet {
    depth += 1
    guard depth < 100 else { throw unsupported("classes nest too deep") }
    defer { depth -= 1 }
    var set = ScalarSet()
    let isNegated = take("^")
    var isFirst = true
    while let scalar = next, scalar != "]" || isFirst {
      isFirst = false
      if take("[:") { throw unsupported("a POSIX bracket") }
      if take("&&") { throw unsupported("'&&' in a class") }
      if take("[") {
        set.insert(try characterClass())
        continue
      }
      position += 1
      var first = scalar.value
      if scalar == "\\" {
        if let next, "sSwWdDpP".unicodeScalars.contains(next) {
          set.insert(try escapedSet())
          continue
        }
        first = try escapedScalar()
      }
      guard next == "-", position + 1 < text.count, text[position + 1] != "]" else {
        set.insert(first...first)
        continue
      }
      position += 1
      var last = text[position].value
      position += 1
      if last == 0x5C { last = try escapedScalar() }
      guard first <= last else { throw unsupported("a range that runs backwards") }
      set.insert(first...last)
    }
    guard take("]") else { throw unsupported("'[' without ']'") }
    if isNegated { set.negate() }
    return set
  }
}
