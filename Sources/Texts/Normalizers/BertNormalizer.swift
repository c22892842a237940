import Settings

/// What BERT does to a text: cleaning, blanks around Chinese, accents off, lower case.
struct BertNormalizer: Normalizer {
  var cleans = true
  var separatesChinese = true
  /// nil: as `lowercases`.
  var stripsAccents: Bool?
  var lowercases = true

  init() {}

  init(_ reader: ComponentReader) throws(Failure) {
    cleans = try reader.flag("clean_text", default: true)
    separatesChinese = try reader.flag("handle_chinese_chars", default: true)
    stripsAccents =
      reader.node["strip_accents"] == nil ? nil : try reader.flag("strip_accents")
    lowercases = try reader.flag("lowercase", default: true)
  }

  func normalize(_ text: inout AlignedText) {
    if cleans { clean(&text) }
    if separatesChinese { separateChinese(&text) }
    if stripsAccents ?? lowercases {
      NormalizationForm.nfd.normalize(&text)
      text.drop(.nonspacing)
    }
    if lowercases { LowercaseNormalizer().normalize(&text) }
  }

  private func clean(_ text: inout AlignedText) {
    text.drop(.removed)
    let properties = ScalarProperties.shared
    for i in 0..<text.count where text.scalars[i] != 0x20 && properties.isWhite(text.scalars[i]) {
      text.replace(at: i, by: 0x20)
    }
  }

  private func separateChinese(_ text: inout AlignedText) {
    let properties = ScalarProperties.shared
    func isIdeograph(_ scalar: UInt32) -> Bool {
      scalar >= 0x3400 && properties.flags(scalar).contains(.ideograph)
    }
    guard text.scalars.contains(where: isIdeograph) else { return }
    let old = text
    text = AlignedText(reserving: old.count * 2)
    for i in 0..<old.count {
      let scalar = old.scalars[i]
      guard isIdeograph(scalar) else {
        text.append(scalar, from: old, at: i)
        continue
      }
      text.append(0x20, from: old, at: i)
      text.append(scalar, from: old, at: i)
      text.append(0x20, from: old, at: i)
    }
  }
}
