/// Sequences of scalars, each with a number: a hash table whose keys lie in one array.
struct SequenceTable: Sendable {
  private struct Entry {
    var start: Int
    var count: Int
    var hash: UInt64
    var value: Int
  }

  private var scalars: [UInt32] = []
  private var entries: [Entry] = []
  private var slots: [Int32] = Array(repeating: -1, count: 16)

  var count: Int { entries.count }
  /// How many scalars all keys have together.
  var keyScalars: Int { scalars.count }

  @inline(__always) static func hash(_ text: [UInt32], _ range: Range<Int>) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 &+ UInt64(range.count)
    for i in range { hash = (hash ^ UInt64(text[i])) &* 0xD6E8_FEB8_6659_FD93 ^ hash >> 32 }
    return hash ^ hash >> 29
  }

  /// The number of the sequence that lies in a range of some text.
  @inline(__always)
  func find(_ text: [UInt32], _ range: Range<Int>, hash: UInt64) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let entry = entries[Int(slots[slot])]
      if entry.hash == hash, entry.count == range.count,
        isEqual(at: entry.start, text, range)
      {
        return entry.value
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  func find(_ text: [UInt32], _ range: Range<Int>) -> Int? {
    find(text, range, hash: SequenceTable.hash(text, range))
  }

  func find(_ text: [UInt32]) -> Int? { find(text, 0..<text.count) }

  @inline(__always)
  private func isEqual(at start: Int, _ text: [UInt32], _ range: Range<Int>) -> Bool {
    var position = start
    for i in range {
      if scalars[position] != text[i] { return false }
      position += 1
    }
    return true
  }

  /// Sets the number of a sequence; one that is there already gets the new number.
  mutating func insert(_ text: [UInt32], _ range: Range<Int>, hash: UInt64, value: Int) {
    if (entries.count + 1) * 2 > slots.count { grow() }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let entry = entries[Int(slots[slot])]
      if entry.hash == hash, entry.count == range.count, isEqual(at: entry.start, text, range) {
        entries[Int(slots[slot])].value = value
        return
      }
      slot = (slot + 1) & mask
    }
    slots[slot] = Int32(entries.count)
    entries.append(Entry(start: scalars.count, count: range.count, hash: hash, value: value))
    for i in range { scalars.append(text[i]) }
  }

  mutating func insert(_ text: [UInt32], value: Int) {
    insert(
      text, 0..<text.count, hash: SequenceTable.hash(text, 0..<text.count), value: value)
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    let mask = slots.count - 1
    for (i, entry) in entries.enumerated() {
      var slot = Int(truncatingIfNeeded: entry.hash) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(i)
    }
  }
}
