extension Dataset {
  /// How many items are, bit for bit, items of another data set.
  ///
  /// - Complexity: one pass over the numbers of both.
  func copies(of other: Dataset) -> Int {
    guard itemWidth == other.itemWidth else { return 0 }
    // Of items with one hash the first stands for all: others than copies of it do not occur.
    var known: [UInt64: Int] = [:]
    known.reserveCapacity(other.count)
    for item in 0..<other.count {
      let hash = other.hash(ofItem: item)
      if known[hash] == nil { known[hash] = item }
    }
    let width = itemWidth
    return (0..<count).count { item in
      guard let place = known[hash(ofItem: item)] else { return false }
      return zip(
        values[item * width..<(item + 1) * width],
        other.values[place * width..<(place + 1) * width]
      ).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
  }

  /// FNV-1a over the words of an item.
  private func hash(ofItem item: Int) -> UInt64 {
    values.withUnsafeBufferPointer { values in
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for index in item * itemWidth..<(item + 1) * itemWidth {
        hash = (hash ^ UInt64(values[index].bitPattern)) &* 0x100_0000_01B3
      }
      return hash
    }
  }
}
