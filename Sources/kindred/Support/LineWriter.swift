/// Writes lists of numbers to standard output in pieces of about 64 KiB, so that a long result is
/// never held as a text.
struct LineWriter {
  /// Whether an item is "[1,2]", with a comma before all but the first; a line "1 2" if not.
  let isJSON: Bool
  private var pending: [UInt8] = []
  private var isFirst = true

  init(isJSON: Bool) { self.isJSON = isJSON }

  /// Writes a text as it is.
  mutating func write(_ text: String) {
    pending += Array(text.utf8)
    if pending.count >= 1 << 16 { flush() }
  }

  /// Begins a list, whose first item has no comma before it.
  mutating func startList() { isFirst = true }

  /// Writes an item of a list.
  mutating func write(mark: StaticString = "", _ numbers: Int...) {
    if isJSON {
      if !isFirst { pending.append(UInt8(ascii: ",")) }
      pending.append(UInt8(ascii: "["))
    } else {
      mark.withUTF8Buffer { pending += $0 }
    }
    isFirst = false
    for (i, number) in numbers.enumerated() {
      if i > 0 { pending.append(isJSON ? UInt8(ascii: ",") : UInt8(ascii: " ")) }
      append(number)
    }
    pending.append(isJSON ? UInt8(ascii: "]") : UInt8(ascii: "\n"))
    if pending.count >= 1 << 16 { flush() }
  }

  /// Appends the decimal digits of a number that is not negative.
  private mutating func append(_ number: Int) {
    let first = pending.count
    var rest = number
    repeat {
      pending.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    pending[first...].reverse()
  }

  mutating func flush() {
    print(String(decoding: pending, as: UTF8.self), terminator: "")
    pending.removeAll(keepingCapacity: true)
  }
}
