import Settings

/// Changes a text before it is cut into words.
protocol Normalizer: Sendable {
  func normalize(_ text: inout AlignedText) throws(Failure)
}

/// A type in tokenizer.json, and how its settings are read.
struct NormalizerKind: Sendable {
  let name: String
  let make: @Sendable (ComponentReader) throws(Failure) -> any Normalizer

  init(
    _ name: String, _ make: @escaping @Sendable (ComponentReader) throws(Failure) -> any Normalizer
  ) {
    (self.name, self.make) = (name, make)
  }
}

/// Every normaliser of tokenizer.json: its type, and how it is read.
let allNormalizers: [NormalizerKind] = [
  NormalizerKind("BertNormalizer") { (r) throws(Failure) in try BertNormalizer(r) },
  NormalizerKind("NFC") { (_) throws(Failure) in FormNormalizer(form: .nfc) },
  NormalizerKind("NFD") { (_) throws(Failure) in FormNormalizer(form: .nfd) },
  NormalizerKind("NFKC") { (_) throws(Failure) in FormNormalizer(form: .nfkc) },
  NormalizerKind("NFKD") { (_) throws(Failure) in FormNormalizer(form: .nfkd) },
  NormalizerKind("Lowercase") { (_) throws(Failure) in LowercaseNormalizer() },
  NormalizerKind("StripAccents") { (_) throws(Failure) in StripAccentsNormalizer() },
  NormalizerKind("Strip") { (r) throws(Failure) in try StripNormalizer(r) },
  NormalizerKind("Replace") { (r) throws(Failure) in try ReplaceNormalizer(r) },
  NormalizerKind("Prepend") { (r) throws(Failure) in try PrependNormalizer(r) },
  NormalizerKind("Precompiled") { (r) throws(Failure) in try PrecompiledNormalizer(r) },
  NormalizerKind("Nmt") { (_) throws(Failure) in NmtNormalizer() },
  NormalizerKind("ByteLevel") { (_) throws(Failure) in ByteLevelNormalizer() },
  NormalizerKind("Sequence") { (r) throws(Failure) in try NormalizerSequence(r) },
]

func normalizer(_ reader: ComponentReader) throws(Failure) -> any Normalizer {
  let type = try reader.type
  guard let make = allNormalizers.first(where: { $0.name == type })?.make else {
    throw try reader.unknown("normaliser", allNormalizers.map(\.name))
  }
  return try make(reader)
}

/// One normaliser after another.
struct NormalizerSequence: Normalizer {
  private var steps: [any Normalizer] = []

  init(_ reader: ComponentReader) throws(Failure) {
    for component in try reader.components("normalizers") {
      steps.append(try normalizer(component))
    }
  }

  func normalize(_ text: inout AlignedText) throws(Failure) {
    for step in steps { try step.normalize(&text) }
  }
}

/// A Unicode normalisation form.
struct FormNormalizer: Normalizer {
  let form: NormalizationForm
  func normalize(_ text: inout AlignedText) { form.normalize(&text) }
}

/// The lower case of each scalar by itself, without the rule for a final sigma.
struct LowercaseNormalizer: Normalizer {
  func normalize(_ text: inout AlignedText) {
    let map = ScalarProperties.shared.lowercase
    guard text.scalars.contains(where: { map.range(of: $0) != nil }) else { return }
    var isLonger = false
    for i in 0..<text.count {
      guard let range = map.range(of: text.scalars[i]) else { continue }
      if range.count == 1 {
        text.replace(at: i, by: map.targets[range.lowerBound])
      } else {
        isLonger = true
      }
    }
    guard isLonger else { return }
    let old = text
    text = AlignedText(reserving: old.count + 8)
    for i in 0..<old.count {
      guard let range = map.range(of: old.scalars[i]), range.count > 1 else {
        text.append(old.scalars[i], from: old, at: i)
        continue
      }
      for target in range { text.append(map.targets[target], from: old, at: i) }
    }
  }
}

extension AlignedText {
  /// Keeps the scalars that have none of some flags.
  mutating func drop(_ flags: ScalarFlags) {
    let properties = ScalarProperties.shared
    guard scalars.contains(where: { !properties.flags($0).isDisjoint(with: flags) }) else { return }
    let old = self
    self = AlignedText(reserving: old.count)
    for i in 0..<old.count where properties.flags(old.scalars[i]).isDisjoint(with: flags) {
      append(old.scalars[i], from: old, at: i)
    }
  }
}

/// Drops marks; it does not decompose.
struct StripAccentsNormalizer: Normalizer {
  func normalize(_ text: inout AlignedText) { text.drop(.mark) }
}

/// Drops white space at the ends.
struct StripNormalizer: Normalizer {
  private let left, right: Bool

  init(_ reader: ComponentReader) throws(Failure) {
    left = try reader.flag("strip_left")
    right = try reader.flag("strip_right")
  }

  func normalize(_ text: inout AlignedText) {
    let properties = ScalarProperties.shared
    var (first, end) = (0, text.count)
    if left { while first < end, properties.isWhite(text.scalars[first]) { first += 1 } }
    if right { while end > first, properties.isWhite(text.scalars[end - 1]) { end -= 1 } }
    if end - first < text.count { text = AlignedText(text, first..<end) }
  }
}

/// Replaces each match of a pattern.
struct ReplaceNormalizer: Normalizer {
  private let pattern: any Pattern
  private let content: [UInt32]

  init(_ reader: ComponentReader) throws(Failure) {
    pattern = try reader.pattern("pattern")
    content = try reader.scalars("content")
  }

  func normalize(_ text: inout AlignedText) throws(Failure) {
    let whole = 0..<text.count
    guard !whole.isEmpty,
      try pattern.firstMatch(in: text.scalars, whole, from: 0) != nil
    else { return }
    let old = text
    text = AlignedText(reserving: old.count)
    try pattern.cut(old.scalars, whole) { range, isMatch in
      if isMatch {
        // New scalars have the place of the last one replaced.
        for scalar in content { text.append(scalar, from: old, at: range.upperBound - 1) }
      } else {
        text.append(old, range)
      }
    }
  }
}

/// Puts a text in front, unless there is nothing.
struct PrependNormalizer: Normalizer {
  private let content: [UInt32]

  init(_ reader: ComponentReader) throws(Failure) { content = try reader.scalars("prepend") }

  func normalize(_ text: inout AlignedText) { text.prepend(content) }
}

extension AlignedText {
  mutating func prepend(_ content: [UInt32]) {
    guard count > 0 else { return }
    let old = self
    self = AlignedText(reserving: old.count + content.count)
    for scalar in content { append(scalar, from: old, at: 0) }
    append(old, 0..<old.count)
  }
}

/// What sequence-to-sequence models clean away.
struct NmtNormalizer: Normalizer {
  func normalize(_ text: inout AlignedText) {
    func isDropped(_ scalar: UInt32) -> Bool {
      switch scalar {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: true
      default: false
      }
    }
    for i in 0..<text.count {
      switch text.scalars[i] {
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        text.replace(at: i, by: 0x20)
      default: break
      }
    }
    guard text.scalars.contains(where: isDropped) else { return }
    let old = text
    text = AlignedText(reserving: old.count)
    for i in 0..<old.count where !isDropped(old.scalars[i]) {
      text.append(old.scalars[i], from: old, at: i)
    }
  }
}

/// Every byte as its letter.
struct ByteLevelNormalizer: Normalizer {
  func normalize(_ text: inout AlignedText) {
    let old = text
    text = AlignedText(reserving: old.count + old.count / 4)
    text.appendByteLetters(of: old, 0..<old.count)
  }
}
