/// The pattern of GPT-2, by hand.
struct ByteLevelPattern: Pattern {
  static let source =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  func firstMatch(in text: [UInt32], _ range: Range<Int>, from start: Int) -> Range<Int>? {
    start < range.upperBound ? start..<end(text, start, range.upperBound) : nil
  }

  /// Where the match that begins at `start` ends; one begins everywhere.
  @inline(__always)
  func end(_ text: [UInt32], _ start: Int, _ end: Int) -> Int {
    let properties = ScalarProperties.shared
    if text[start] == 0x27, let length = contraction(text, start, end, foldingCase: false) {
      return start + length
    }
    var i = start
    if text[i] == 0x20, i + 1 < end { i += 1 }
    let flags = properties.flags(text[i])
    let kinds: ScalarFlags = [.letter, .number, .white]
    if flags.contains(.letter) {
      repeat { i += 1 } while i < end && properties.flags(text[i]).contains(.letter)
      return i
    }
    if flags.contains(.number) {
      repeat { i += 1 } while i < end && properties.flags(text[i]).contains(.number)
      return i
    }
    if flags.isDisjoint(with: kinds) {
      repeat { i += 1 } while i < end && properties.flags(text[i]).isDisjoint(with: kinds)
      return i
    }
    return blanksEnd(text, start, end)
  }
}

/// The pattern of Llama 3 and those like it, by hand: at most three digits, any case.
struct DigitTriplesPattern: Pattern {
  static let source =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"#
    + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  func firstMatch(in text: [UInt32], _ range: Range<Int>, from start: Int) -> Range<Int>? {
    start < range.upperBound ? start..<end(text, start, range.upperBound) : nil
  }

  private func end(_ text: [UInt32], _ start: Int, _ end: Int) -> Int {
    let properties = ScalarProperties.shared
    func flags(_ i: Int) -> ScalarFlags { properties.flags(text[i]) }
    func isLineEnd(_ i: Int) -> Bool { text[i] == 0x0D || text[i] == 0x0A }
    if text[start] == 0x27, let length = contraction(text, start, end, foldingCase: true) {
      return start + length
    }
    let first = flags(start)
    var i = start
    if !first.contains(.letter), !first.contains(.number), !isLineEnd(start), start + 1 < end,
      flags(start + 1).contains(.letter)
    {
      i += 1
    }
    if flags(i).contains(.letter) {
      repeat { i += 1 } while i < end && flags(i).contains(.letter)
      return i
    }
    if first.contains(.number) {
      i = start + 1
      while i < end, i < start + 3, flags(i).contains(.number) { i += 1 }
      return i
    }
    let kinds: ScalarFlags = [.letter, .number, .white]
    i = text[start] == 0x20 && start + 1 < end ? start + 1 : start
    if flags(i).isDisjoint(with: kinds) {
      repeat { i += 1 } while i < end && flags(i).isDisjoint(with: kinds)
      while i < end, isLineEnd(i) { i += 1 }
      return i
    }
    // \s*[\r\n]+ reaches to the last line end of the run of blanks.
    i = start
    var lineEnd = start
    while i < end, flags(i).contains(.white) {
      i += 1
      if isLineEnd(i - 1) { lineEnd = i }
    }
    return lineEnd > start ? lineEnd : blanksEnd(text, start, end)
  }
}

/// `\s+(?!\S)|\s+`: a run of blanks leaves its last to the word that follows.
private func blanksEnd(_ text: [UInt32], _ start: Int, _ end: Int) -> Int {
  let properties = ScalarProperties.shared
  var i = start
  while i < end, properties.isWhite(text[i]) { i += 1 }
  return i == end || i == start + 1 ? i : i - 1
}

/// The length of 's, 't, 're, 've, 'm, 'll or 'd at an apostrophe.
private func contraction(
  _ text: [UInt32], _ start: Int, _ end: Int, foldingCase: Bool
) -> Int? {
  func letter(_ i: Int) -> UInt8 {
    guard i < end else { return 0 }
    // Onigurama's case folding takes the long s for an s.
    if foldingCase, text[i] == 0x17F { return UInt8(ascii: "s") }
    guard text[i] < 0x80 else { return 0 }
    let byte = UInt8(text[i])
    return foldingCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }
  switch (letter(start + 1), letter(start + 2)) {
  case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
    (UInt8(ascii: "d"), _):
    return 2
  case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
    (UInt8(ascii: "l"), UInt8(ascii: "l")):
    return 3
  default: return nil
  }
}
