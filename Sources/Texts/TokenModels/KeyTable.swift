/// A hash table from 64 bits to 64 bits, without removal: keys in one array, probed in a row.
struct KeyTable: Sendable {
  private var keys: [UInt64] = []
  private var values: [UInt64] = []
  private var mask = -1
  private(set) var count = 0
  /// Stands for an empty slot; never a key.
  private static let empty = UInt64.max

  init(capacity: Int = 0) {
    if capacity > 0 { resize(to: capacity * 2) }
  }

  private mutating func resize(to least: Int) {
    var size = 16
    while size < least { size *= 2 }
    let (oldKeys, oldValues) = (keys, values)
    keys = Array(repeating: KeyTable.empty, count: size)
    values = Array(repeating: 0, count: size)
    mask = size - 1
    for (key, value) in zip(oldKeys, oldValues) where key != KeyTable.empty {
      let slot = slot(of: key)
      (keys[slot], values[slot]) = (key, value)
    }
  }

  /// Where a key lies, or would lie.
  @inline(__always) private func slot(of key: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 29) & mask
    while keys[slot] != key, keys[slot] != KeyTable.empty { slot = (slot + 1) & mask }
    return slot
  }

  @inline(__always) subscript(key: UInt64) -> UInt64? {
    guard count > 0 else { return nil }
    let slot = slot(of: key)
    return keys[slot] == key ? values[slot] : nil
  }

  /// Sets the value of a key.
  mutating func insert(_ key: UInt64, _ value: UInt64) {
    if (count + 1) * 2 > keys.count { resize(to: max(16, keys.count * 2)) }
    let slot = slot(of: key)
    if keys[slot] != key { count += 1 }
    (keys[slot], values[slot]) = (key, value)
  }
}
