import Settings

/// A regular expression over scalars, in the syntax and with the meaning of Oniguruma.
///
/// Alternatives, groups, classes, properties, greedy, lazy and possessive repetition, looking ahead
/// and behind, anchors, and folding of case. What is beyond that is refused by name.
struct RegularExpression: Pattern {
  private let root: RegularExpressionNode
  private let place: String

  init(_ text: String, at place: String) throws(Failure) {
    var parser = RegularExpressionParser(text, at: place)
    root = try parser.parse()
    self.place = "\(place): pattern '\(text)'"
  }

  func firstMatch(in text: [UInt32], _ range: Range<Int>, from start: Int) throws(Failure)
    -> Range<Int>?
  {
    var matcher = Matcher(text: text, range: range, place: place)
    for i in start...range.upperBound {
      var found = -1
      if try matcher.match(
        root, i, 0,
        { (_, end) throws(Failure) in
          found = end
          return true
        })
      {
        return i..<found
      }
    }
    return nil
  }
}

/// A part of a regular expression.
indirect enum RegularExpressionNode: Sendable {
  enum Mode { case greedy, lazy, possessive }

  case one(ScalarSet)
  case sequence([RegularExpressionNode])
  case choice([RegularExpressionNode])
  case repetition(RegularExpressionNode, ClosedRange<Int>, Mode)
  case atomic(RegularExpressionNode)
  case look(RegularExpressionNode, ahead: Bool, negated: Bool)
  case lineStart, lineEnd, textStart, textEnd, lastLineEnd
  case wordBoundary(negated: Bool)

  /// How many scalars it can match; nil for no bound, or one beyond 10,000.
  var widths: ClosedRange<Int>? {
    guard let widths = unboundedWidths, widths.upperBound <= 10_000 else { return nil }
    return widths
  }

  private var unboundedWidths: ClosedRange<Int>? {
    switch self {
    case .one: return 1...1
    case .sequence(let nodes):
      return nodes.reduce(Optional(0...0)) { sum, node in
        guard let sum, let width = node.widths else { return nil }
        return sum.lowerBound + width.lowerBound...sum.upperBound + width.upperBound
      }
    case .choice(let nodes):
      var (least, most) = (Int.max, 0)
      for node in nodes {
        guard let width = node.widths else { return nil }
        (least, most) = (min(least, width.lowerBound), max(most, width.upperBound))
      }
      return least...max(least, most)
    case .repetition(let node, let counts, _):
      guard let width = node.widths, counts.upperBound < 10_000 else { return nil }
      return width.lowerBound * counts.lowerBound...width.upperBound * counts.upperBound
    case .atomic(let node): return node.widths
    default: return 0...0
    }
  }
}

/// Matches by trying, in the order that the expression says.
private struct Matcher {
  typealias Node = RegularExpressionNode
  /// What is left to match; gets the matcher and where the match has come to.
  typealias Rest = (inout Matcher, Int) throws(Failure) -> Bool

  let text: [UInt32]
  let range: Range<Int>
  let place: String
  var steps = 0
  /// How deep the repetition of a group may go, which costs stack, and how many steps a text takes.
  private static let (deepest, longest) = (1000, 20_000_000)

  mutating func match(_ node: Node, _ i: Int, _ depth: Int, _ rest: Rest) throws(Failure) -> Bool {
    steps += 1
    guard steps < Matcher.longest, depth < Matcher.deepest else {
      throw Failure(
        .badData, at: place, "it takes too many steps on this text",
        remedy: "use a tokenizer with a simpler pattern")
    }
    switch node {
    case .one(let set):
      guard i < range.upperBound, set.contains(text[i]) else { return false }
      return try rest(&self, i + 1)
    case .sequence(let nodes): return try match(nodes[...], i, depth, rest)
    case .choice(let nodes):
      for node in nodes where try match(node, i, depth, rest) { return true }
      return false
    case .repetition(.one(let set), let counts, let mode):
      return try match(set, counts, mode, i, rest)
    case .repetition(let node, let counts, let mode):
      if mode == .possessive {
        return try match(.atomic(.repetition(node, counts, .greedy)), i, depth, rest)
      }
      return try match(node, counts, isLazy: mode == .lazy, done: 0, i, depth, rest)
    case .atomic(let node):
      guard let end = try end(of: node, i, depth) else { return false }
      return try rest(&self, end)
    case .look(let node, let ahead, let negated):
      let isThere = ahead ? try end(of: node, i, depth) != nil : try isBefore(node, i, depth)
      return isThere != negated ? try rest(&self, i) : false
    default: return isAnchored(node, i) ? try rest(&self, i) : false
    }
  }

  /// Whether an anchor holds at a place.
  private func isAnchored(_ node: Node, _ i: Int) -> Bool {
    switch node {
    case .lineStart: i == range.lowerBound || text[i - 1] == 0x0A
    case .lineEnd: i == range.upperBound || text[i] == 0x0A
    case .textStart: i == range.lowerBound
    case .textEnd: i == range.upperBound
    case .lastLineEnd:
      i == range.upperBound || (i == range.upperBound - 1 && text[i] == 0x0A)
    case .wordBoundary(let negated): (isWord(i - 1) != isWord(i)) != negated
    default: false
    }
  }

  private func isWord(_ i: Int) -> Bool {
    range.contains(i) && ScalarProperties.shared.flags(text[i]).contains(.patternWord)
  }

  private mutating func match(
    _ nodes: ArraySlice<Node>, _ i: Int, _ depth: Int, _ rest: Rest
  ) throws(Failure) -> Bool {
    guard let first = nodes.first else { return try rest(&self, i) }
    return try match(
      first, i, depth,
      { (matcher, end) throws(Failure) in
        try matcher.match(nodes.dropFirst(), end, depth, rest)
      })
  }

  /// Repetition of one scalar, without recursion.
  private mutating func match(
    _ set: ScalarSet, _ counts: ClosedRange<Int>, _ mode: Node.Mode, _ i: Int, _ rest: Rest
  ) throws(Failure) -> Bool {
    let most = min(counts.upperBound, range.upperBound - i)
    guard most >= counts.lowerBound else { return false }
    var count = 0
    func takes() -> Bool { count < most && set.contains(text[i + count]) }
    if mode == .lazy {
      while count < counts.lowerBound {
        guard takes() else { return false }
        count += 1
      }
      while true {
        steps += 1
        if try rest(&self, i + count) { return true }
        guard takes() else { return false }
        count += 1
      }
    }
    while takes() { count += 1 }
    guard count >= counts.lowerBound else { return false }
    if mode == .possessive { return try rest(&self, i + count) }
    while true {
      steps += 1
      if try rest(&self, i + count) { return true }
      guard count > counts.lowerBound else { return false }
      count -= 1
    }
  }

  private mutating func match(
    _ node: Node, _ counts: ClosedRange<Int>, isLazy: Bool, done: Int, _ i: Int, _ depth: Int,
    _ rest: Rest
  ) throws(Failure) -> Bool {
    let isEnough = done >= counts.lowerBound
    if isLazy, isEnough, try rest(&self, i) { return true }
    if done < counts.upperBound {
      let more = try match(
        node, i, depth + 1,
        { (matcher, end) throws(Failure) in
          // An empty turn would go on for ever.
          if end == i, isEnough { return false }
          return try matcher.match(
            node, counts, isLazy: isLazy, done: done + 1, end, depth + 1, rest)
        })
      if more { return true }
    }
    return !isLazy && isEnough ? try rest(&self, i) : false
  }

  /// Where the first way to match a node ends.
  private mutating func end(of node: Node, _ i: Int, _ depth: Int) throws(Failure) -> Int? {
    var found: Int?
    _ = try match(
      node, i, depth + 1,
      { (_, end) throws(Failure) in
        found = end
        return true
      })
    return found
  }

  private mutating func isBefore(_ node: Node, _ i: Int, _ depth: Int) throws(Failure) -> Bool {
    guard let widths = node.widths else { return false }
    for width in widths where i - width >= range.lowerBound {
      let ends = try match(
        node, i - width, depth + 1, { (_, end) throws(Failure) in end == i })
      if ends { return true }
    }
    return false
  }
}
