/// A set of scalars, as a class of a pattern writes it.
struct ScalarSet: Sendable {
  private var ranges: [ClosedRange<UInt32>] = []
  /// Properties any of which is enough.
  private var flags: ScalarFlags = []
  private var categories: Set<Unicode.GeneralCategory> = []
  private var parts: [ScalarSet] = []
  private var isNegated = false
  private var isCaseless = false

  mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }
  mutating func insert(_ set: ScalarSet) { parts.append(set) }
  mutating func negate() { isNegated.toggle() }
  mutating func foldCase() { isCaseless = true }

  init() {}
  init(_ scalar: UInt32) { ranges = [scalar...scalar] }
  init(_ flags: ScalarFlags, negated: Bool = false) {
    (self.flags, isNegated) = (flags, negated)
  }
  init(_ categories: Set<Unicode.GeneralCategory>, negated: Bool = false) {
    (self.categories, isNegated) = (categories, negated)
  }

  /// The set that `\p{NAME}` stands for; nil for a name that is not supported.
  init?(property name: String, negated: Bool) {
    let name = name.lowercased().filter { $0 != "_" && $0 != " " && $0 != "-" }
    if let flags = ScalarSet.flagNames[name] {
      self.init(flags, negated: negated)
    } else if let categories = ScalarSet.categoryNames[name] {
      self.init(categories, negated: negated)
    } else {
      return nil
    }
  }

  private static let flagNames: [String: ScalarFlags] = [
    "l": .letter, "letter": .letter, "n": .number, "number": .number, "lu": .upper,
    "ll": .lowerLetter, "lt": .title, "lm": .modifier, "lo": .otherLetter, "m": .patternMark,
    "mark": .patternMark, "p": .patternPunctuation, "punctuation": .patternPunctuation,
    "s": .symbol, "symbol": .symbol, "nd": .patternDigit, "digit": .patternDigit,
    "space": .white, "whitespace": .white, "word": .patternWord,
  ]
  private static let categoryNames: [String: Set<Unicode.GeneralCategory>] = [
    "mn": [.nonspacingMark], "mc": [.spacingMark], "me": [.enclosingMark], "nl": [.letterNumber],
    "no": [.otherNumber], "pc": [.connectorPunctuation], "pd": [.dashPunctuation],
    "ps": [.openPunctuation], "pe": [.closePunctuation], "pi": [.initialPunctuation],
    "pf": [.finalPunctuation], "po": [.otherPunctuation], "sm": [.mathSymbol],
    "sc": [.currencySymbol], "sk": [.modifierSymbol], "so": [.otherSymbol],
    "z": [.spaceSeparator, .lineSeparator, .paragraphSeparator], "zs": [.spaceSeparator],
    "zl": [.lineSeparator], "zp": [.paragraphSeparator], "cc": [.control], "cf": [.format],
    "co": [.privateUse], "cn": [.unassigned],
    "c": [.control, .format, .privateUse, .unassigned, .surrogate],
  ]

  func contains(_ scalar: UInt32) -> Bool {
    if holds(scalar) { return !isNegated }
    if isCaseless, ScalarSet.cases(of: scalar).contains(where: holds) { return !isNegated }
    return isNegated
  }

  private func holds(_ scalar: UInt32) -> Bool {
    if ranges.contains(where: { $0.contains(scalar) }) { return true }
    if !flags.isEmpty, !ScalarProperties.shared.flags(scalar).isDisjoint(with: flags) {
      return true
    }
    if !categories.isEmpty, let scalar = Unicode.Scalar(scalar),
      categories.contains(scalar.properties.generalCategory)
    {
      return true
    }
    return parts.contains { $0.contains(scalar) }
  }

  /// The other case of a scalar, where that is one scalar.
  private static func cases(of scalar: UInt32) -> [UInt32] {
    guard let scalar = Unicode.Scalar(scalar) else { return [] }
    let mappings = [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping]
    return mappings.flatMap { text in
      let scalars = text.unicodeScalars
      guard scalars.count == 1, let other = scalars.first else { return [UInt32]() }
      // The long s and the Kelvin sign fold to what their lower case is the upper case of.
      let lower = other.properties.lowercaseMapping.unicodeScalars
      return [other.value] + (lower.count == 1 ? lower.map(\.value) : [])
    }
  }
}
