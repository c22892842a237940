import Autodiff

/// Damages inputs: bits, numbers of every width at their edges, numbers in text, words of the format,
/// and pieces cut out, doubled, moved or taken from another input.
struct Mutation {
  let seeds: [[UInt8]]
  let words: [[UInt8]]

  /// Inputs are kept as short, so that many can be read.
  static let longest = 1 << 16

  /// - Parameter random: the same stream gives the same input.
  func input(_ random: inout Random) -> [UInt8] {
    var bytes = seeds[random.below(seeds.count)]
    var count = 1
    while count < 12, random.below(5) < 3 { count += 1 }
    for _ in 0..<count { apply(to: &bytes, &random) }
    return Array(bytes.prefix(Mutation.longest))
  }

  private func apply(to bytes: inout [UInt8], _ random: inout Random) {
    guard !bytes.isEmpty else {
      bytes = words.randomElement(using: &random) ?? [UInt8(random.below(256))]
      return
    }
    let place = random.below(bytes.count)
    let some = place..<min(bytes.count, place + 1 + shortLength(&random))
    switch random.below(16) {
    case 0, 1: bytes[place] ^= 1 << UInt8(random.below(8))
    case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
    case 3, 4, 5: putNumber(in: &bytes, at: place, &random)
    case 6: putFloat(in: &bytes, at: place, &random)
    case 7: bytes.removeSubrange(some)
    case 8: bytes.insert(contentsOf: Array(bytes[some]), at: random.below(bytes.count + 1))
    case 9: bytes.removeLast(bytes.count - place)
    case 10, 11: replaceDigits(in: &bytes, from: place, &random)
    case 12:
      guard let word = words.randomElement(using: &random) else { fallthrough }
      let end = random.below(2) == 0 ? place : some.upperBound
      bytes.replaceSubrange(place..<end, with: word)
    case 13:
      let other = seeds[random.below(seeds.count)]
      bytes = bytes[..<place] + other.suffix(random.below(other.count + 1))
    case 14:
      let (from, count) = (random.below(bytes.count), some.count)
      let piece = Array(bytes[from..<min(bytes.count, from + count)])
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    default:
      let byte = random.below(2) == 0 ? bytes[place] : UInt8(random.below(256))
      bytes.insert(contentsOf: repeatElement(byte, count: shortLength(&random)), at: place)
    }
  }

  /// Mostly a few bytes, at times very many.
  private func shortLength(_ random: inout Random) -> Int {
    random.below(1 << (1 + random.below(random.below(20) == 0 ? 14 : 6)))
  }

  private func putNumber(in bytes: inout [UInt8], at place: Int, _ random: inout Random) {
    let size = [1, 2, 4, 8, 4, 8][random.below(6)]
    let bits = random.below(size * 8)
    let power = UInt64(1) << UInt64(bits)
    let number: UInt64 =
      switch random.below(8) {
      case 0: 0
      case 1: .max
      case 2: power
      case 3: power &- 1
      case 4: power &+ 1
      case 5: 0 &- power
      case 6: UInt64(bytes.count) &+ UInt64(random.below(17)) &- 8
      default: UInt64(random.below(64))
      }
    let isBig = random.below(3) == 0
    for i in 0..<min(size, bytes.count - place) {
      let shift = UInt64(8 * (isBig ? size - 1 - i : i))
      bytes[place + i] = UInt8(truncatingIfNeeded: number >> shift)
    }
  }

  private func putFloat(in bytes: inout [UInt8], at place: Int, _ random: inout Random) {
    let numbers = [
      0, -0.0, 1, -1, .nan, .infinity, -.infinity, 1e30, -1e30, 3.4e38, 1e-30, 1e-45, 1e300, 1e-300,
    ]
    let number = numbers[random.below(numbers.count)]
    let isWide = random.below(3) == 0
    let bits = isWide ? number.bitPattern : UInt64(Float(number).bitPattern)
    for i in 0..<min(isWide ? 8 : 4, bytes.count - place) {
      bytes[place + i] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * i))
    }
  }

  private func replaceDigits(in bytes: inout [UInt8], from place: Int, _ random: inout Random) {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard let first = bytes[place...].firstIndex(where: isDigit) else { return }
    let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
    let text = Mutation.numbers[random.below(Mutation.numbers.count)]
    bytes.replaceSubrange(first..<end, with: Array(text.utf8))
  }

  private static let numbers = [
    "", "0", "-1", "1", "2", "255", "256", "65536", "2147483647", "2147483648", "4294967295",
    "4294967296", "9007199254740993", "4611686018427387904", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616",
    "1e300", "-1e300", "1e-320", "1e400", "0.5", "NaN", "Infinity", "0x10", "00", "1_000", "1e",
    String(repeating: "9", count: 400),
  ]
}
