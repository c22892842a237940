/// What the tokenisers need to know of a scalar, as bits.
struct ScalarFlags: OptionSet {
  let rawValue: UInt32

  static let removed = ScalarFlags(rawValue: 1 << 0)
  static let nonspacing = ScalarFlags(rawValue: 1 << 1)
  static let mark = ScalarFlags(rawValue: 1 << 2)
  static let punctuation = ScalarFlags(rawValue: 1 << 3)
  static let numeric = ScalarFlags(rawValue: 1 << 4)
  static let word = ScalarFlags(rawValue: 1 << 5)
  static let letter = ScalarFlags(rawValue: 1 << 6)
  static let number = ScalarFlags(rawValue: 1 << 7)
  static let white = ScalarFlags(rawValue: 1 << 8)
  static let patternWord = ScalarFlags(rawValue: 1 << 9)
  static let patternDigit = ScalarFlags(rawValue: 1 << 10)
  static let upper = ScalarFlags(rawValue: 1 << 11)
  static let lowerLetter = ScalarFlags(rawValue: 1 << 12)
  static let title = ScalarFlags(rawValue: 1 << 13)
  static let modifier = ScalarFlags(rawValue: 1 << 14)
  static let otherLetter = ScalarFlags(rawValue: 1 << 15)
  static let patternMark = ScalarFlags(rawValue: 1 << 16)
  static let patternPunctuation = ScalarFlags(rawValue: 1 << 17)
  static let symbol = ScalarFlags(rawValue: 1 << 18)
  static let ideograph = ScalarFlags(rawValue: 1 << 19)
}

/// Properties of scalars as the tokenizers library has them (`ScalarTables`).
///
/// The library's tables are of different Unicode versions; Swift's own would give other tokens for
/// scalars that are newer than some of them.
struct ScalarProperties: Sendable {
  static let shared = ScalarProperties()

  /// Bits by pages of 256 scalars; pages without any share the first block.
  private var pages = [UInt16](repeating: 0, count: 0x1100)
  private var blocks = [UInt32](repeating: 0, count: 256)
  let lowercase = ScalarMap(ScalarTables.lowercase, limit: 0x20000)
  let canonical = ScalarMap(ScalarTables.canonical, limit: 0x30000)
  let compatibility = ScalarMap(ScalarTables.compatibility, limit: 0x30000)
  private var classes = [UInt8](repeating: 0, count: 0x20000)
  private var composites = KeyTable()

  private init() {
    let tables: [(String, ScalarFlags)] = [
      (ScalarTables.removed, .removed), (ScalarTables.nonspacing, .nonspacing),
      (ScalarTables.marks, .mark), (ScalarTables.punctuation, .punctuation),
      (ScalarTables.numeric, .numeric), (ScalarTables.word, .word),
      (ScalarTables.letter, .letter), (ScalarTables.number, .number),
      (ScalarTables.patternWord, .patternWord), (ScalarTables.patternDigit, .patternDigit),
      (ScalarTables.upper, .upper), (ScalarTables.lowerLetter, .lowerLetter),
      (ScalarTables.title, .title), (ScalarTables.modifier, .modifier),
      (ScalarTables.otherLetter, .otherLetter), (ScalarTables.patternMark, .patternMark),
      (ScalarTables.patternPunctuation, .patternPunctuation), (ScalarTables.symbol, .symbol),
    ]
    for (table, flag) in tables {
      let numbers = base32Numbers(table)
      var last = 0
      for i in stride(from: 0, to: numbers.count, by: 2) {
        let first = last + numbers[i]
        last = first + numbers[i + 1]
        set(flag, first...last)
      }
    }
    for range in ScalarProperties.whiteSpace { set(.white, range) }
    for range in ScalarProperties.ideographs { set(.ideograph, range) }
    let combining = base32Numbers(ScalarTables.combining)
    var last = 0
    for i in stride(from: 0, to: combining.count, by: 3) {
      let first = last + combining[i]
      last = first + combining[i + 1]
      for scalar in first...last { classes[scalar] = UInt8(combining[i + 2]) }
    }
    let pairs = base32Numbers(ScalarTables.composition)
    last = 0
    for i in stride(from: 0, to: pairs.count, by: 3) {
      last += pairs[i]
      composites.insert(UInt64(pairs[i + 1]) << 32 | UInt64(pairs[i + 2]), UInt64(last))
    }
  }

  private mutating func set(_ flag: ScalarFlags, _ range: ClosedRange<Int>) {
    for scalar in range {
      if pages[scalar >> 8] == 0 {
        pages[scalar >> 8] = UInt16(blocks.count >> 8)
        blocks.append(contentsOf: repeatElement(0, count: 256))
      }
      blocks[Int(pages[scalar >> 8]) << 8 | scalar & 255] |= flag.rawValue
    }
  }

  @inline(__always) func flags(_ scalar: UInt32) -> ScalarFlags {
    ScalarFlags(rawValue: blocks[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 255)])
  }

  @inline(__always) func isWhite(_ scalar: UInt32) -> Bool { flags(scalar).contains(.white) }

  /// The canonical combining class; 0 for starters.
  @inline(__always) func combiningClass(_ scalar: UInt32) -> UInt8 {
    scalar < 0x20000 ? classes[Int(scalar)] : 0
  }

  /// The primary composite of two scalars.
  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first >= 0x1100, first < 0x1113, second >= 0x1161, second < 0x1176 {
      return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    if first >= 0xAC00, first < 0xD7A4, (first - 0xAC00) % 28 == 0, second > 0x11A7,
      second < 0x11C3
    {
      return first + second - 0x11A7
    }
    return composites[UInt64(first) << 32 | UInt64(second)].map { UInt32($0) }
  }

  private static let whiteSpace: [ClosedRange<Int>] = [
    0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
    0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
  ]

  /// What BertNormalizer takes for Chinese; the gap before 2B920 is the library's.
  private static let ideographs: [ClosedRange<Int>] = [
    0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
    0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F,
  ]
}

/// Scalars that become others.
struct ScalarMap: Sendable {
  private var index: [UInt16]
  private var starts: [Int] = [0]
  private(set) var targets: [UInt32] = []

  /// - Parameter table: distance, count and targets of each scalar, in base 32.
  init(_ table: String, limit: Int) {
    index = Array(repeating: 0, count: limit)
    let numbers = base32Numbers(table)
    var (i, scalar) = (0, 0)
    while i < numbers.count {
      scalar += numbers[i]
      index[scalar] = UInt16(starts.count)
      targets += numbers[i + 2..<i + 2 + numbers[i + 1]].map { UInt32($0) }
      starts.append(targets.count)
      i += 2 + numbers[i + 1]
    }
  }

  /// Where in `targets` a scalar's targets lie; nil if it stays as it is.
  @inline(__always) func range(of scalar: UInt32) -> Range<Int>? {
    guard scalar < UInt32(index.count) else { return nil }
    let entry = Int(index[Int(scalar)])
    return entry == 0 ? nil : starts[entry - 1]..<starts[entry]
  }
}

/// The numbers of a table of `ScalarTables`.
private func base32Numbers(_ text: String) -> [Int] {
  var numbers: [Int] = []
  var (value, isOpen) = (0, false)
  for byte in text.utf8 {
    switch byte {
    case 0x30...0x39: (value, isOpen) = (value << 5 | Int(byte - 0x30), true)
    case 0x61...0x76: (value, isOpen) = (value << 5 | Int(byte - 0x57), true)
    default:
      if isOpen { numbers.append(value) }
      (value, isOpen) = (0, false)
    }
  }
  if isOpen { numbers.append(value) }
  return numbers
}
