/// One cell of a table, without its quotes and the blanks around it.
public struct CSVCell: Sendable {
  public let bytes: ArraySlice<UInt8>
  /// Whether a comma stands where a number has its point.
  let hasDecimalComma: Bool

  init(bytes: ArraySlice<UInt8>, hasDecimalComma: Bool = false) {
    (self.bytes, self.hasDecimalComma) = (bytes, hasDecimalComma)
  }

  public var isEmpty: Bool { bytes.isEmpty }

  /// Nil for a cell that is not UTF-8.
  public var text: String? { String(validating: bytes, as: UTF8.self) }

  /// What messages show of a cell.
  public var excerpt: String {
    let text = String(decoding: bytes.prefix(32), as: UTF8.self)
    return bytes.count > 32 ? text + "…" : text
  }

  /// Whether the cell says that there is no value: empty, or a word that tables use for it.
  public var isMissing: Bool {
    let words = ["", "na", "n/a", "nan", "null", "none", "?", "-", ".", "#n/a", "<na>"]
    return bytes.count <= 4 && words.contains(String(decoding: bytes, as: UTF8.self).lowercased())
  }

  /// The number in the cell, with the nearest `Double`; nil for anything else.
  public var number: Double? {
    // Up to 15 digits and a power of ten up to 22 are exact: one rounding is left.
    var (mantissa, digits, decimals) = (0, 0, 0)
    var (hasPoint, isNegative) = (false, false)
    let point = UInt8(ascii: hasDecimalComma ? "," : ".")
    var rest = bytes
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      rest = rest.dropFirst()
    }
    for byte in rest {
      switch byte {
      case 0x30...0x39 where digits < 15:
        mantissa = mantissa * 10 + Int(byte - 0x30)
        digits += 1
        if hasPoint { decimals += 1 }
      case point where !hasPoint: hasPoint = true
      default: return unusualNumber
      }
    }
    guard digits > 0 else { return nil }
    let value = Double(mantissa) / CSVCell.powersOfTen[decimals]
    return isNegative ? -value : value
  }

  /// Numbers with an exponent or many digits, and the words for what is not finite.
  private var unusualNumber: Double? {
    let words = ["nan", "inf", "infinity"]
    guard bytes.count <= 1000, var text else { return nil }
    if hasDecimalComma {
      guard !text.contains(".") else { return nil }
      text = text.replacing(",", with: ".")
    }
    let isDecimal = text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0)
    }
    let unsigned = text.lowercased().drop { $0 == "-" || $0 == "+" }
    guard isDecimal || words.contains(String(unsigned)) else { return nil }
    return Double(text)
  }

  /// The whole number in the cell, written without point and exponent; nil for anything else.
  public var wholeNumber: Int? {
    guard bytes.count <= 20 else { return nil }
    return Int(String(decoding: bytes, as: UTF8.self))
  }

  private static let powersOfTen: [Double] = (0...15).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }
}
