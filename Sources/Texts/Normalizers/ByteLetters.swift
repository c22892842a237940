/// The letters that stand for bytes in byte-level vocabularies.
enum ByteLetters {
  /// A letter for each byte: printable ones stand for themselves, the rest follow from U+0100.
  static let letters: [UInt32] = {
    var (letters, next) = ([UInt32](), UInt32(0x100))
    for byte in UInt32(0)..<256 {
      let isPrintable =
        (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
      letters.append(isPrintable ? byte : next)
      if !isPrintable { next += 1 }
    }
    return letters
  }()
}

extension UInt32 {
  /// How many bytes a scalar has in UTF-8.
  @inline(__always) var utf8Count: Int {
    self < 0x80 ? 1 : self < 0x800 ? 2 : self < 0x10000 ? 3 : 4
  }

  /// A byte of a scalar in UTF-8.
  @inline(__always) func utf8Byte(_ index: Int) -> UInt32 {
    let count = utf8Count
    guard count > 1 else { return self }
    let bits = self >> UInt32(6 * (count - 1 - index))
    // The first byte begins with as many ones as there are bytes.
    return index == 0 ? 0xF00 >> UInt32(count) & 0xF0 | bits : 0x80 | bits & 0x3F
  }
}

extension AlignedText {
  /// Appends a letter for each byte of a part of another text.
  mutating func appendByteLetters(of text: AlignedText, _ range: Range<Int>) {
    let letters = ByteLetters.letters
    for i in range {
      let scalar = text.scalars[i]
      @inline(__always) func put(_ byte: UInt32) {
        append(letters[Int(byte & 0xFF)], from: text, at: i)
      }
      for k in 0..<scalar.utf8Count { put(scalar.utf8Byte(k)) }
    }
  }
}
