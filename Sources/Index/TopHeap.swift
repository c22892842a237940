/// The smallest keys seen so far, the largest of them at the root of a heap.
///
/// A key is a number's bits, changed so that unsigned order is the order of numbers, before an id:
/// comparing keys compares numbers first and then ids.
struct TopHeap {
  private let keys: UnsafeMutablePointer<UInt64>
  private let capacity: Int
  private var count: Int

  /// - Parameter count: how many keys the memory holds already.
  init(_ keys: UnsafeMutablePointer<UInt64>, capacity: Int, count: Int) {
    (self.keys, self.capacity, self.count) = (keys, capacity, count)
  }

  @inline(__always)
  static func key(_ number: Float, _ id: Int) -> UInt64 {
    // Overflow in a product may give what is no number: it is farther than everything.
    let bits = (number.isNaN ? .infinity : number).bitPattern
    let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    return UInt64(ordered) << 32 | UInt64(id)
  }

  private static func number(_ key: UInt64) -> Float {
    let ordered = UInt32(truncatingIfNeeded: key >> 32)
    return Float(bitPattern: ordered & 0x8000_0000 == 0 ? ~ordered : ordered & 0x7FFF_FFFF)
  }

  /// Offers a row of products p, whose ids follow each other: by ½‖v‖² − p if there are offsets
  /// ½‖v‖² (half the squared distance, less what is the same for the whole row), else by −p.
  ///
  /// Ids must be larger than those offered before, so that equal numbers need no second look.
  mutating func offer(
    _ products: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>?, count columns: Int,
    firstID: Int
  ) {
    var column = 0
    while count < capacity, column < columns {
      append(TopHeap.key((offsets.map { $0[column] } ?? 0) - products[column], firstID + column))
      column += 1
    }
    var limit = TopHeap.number(keys[0])
    while column + 16 <= columns {
      if TopHeap.hasBelow(limit, products + column, offsets.map { $0 + column }) {
        offerEach(products, offsets, column..<column + 16, firstID, &limit)
      }
      column += 16
    }
    offerEach(products, offsets, column..<columns, firstID, &limit)
  }

  private func offerEach(
    _ products: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>?, _ columns: Range<Int>,
    _ firstID: Int, _ limit: inout Float
  ) {
    for column in columns {
      let rank = (offsets.map { $0[column] } ?? 0) - products[column]
      guard rank < limit else { continue }
      replaceLargest(with: TopHeap.key(rank, firstID + column))
      limit = TopHeap.number(keys[0])
    }
  }

  /// Whether one of 16 ranks is below the limit.
  @inline(__always)
  private static func hasBelow(
    _ limit: Float, _ products: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>?
  ) -> Bool {
    let products = UnsafeRawPointer(products).loadUnaligned(as: SIMD16<Float>.self)
    guard let offsets else { return any((0 - products) .< limit) }
    let offset = UnsafeRawPointer(offsets).loadUnaligned(as: SIMD16<Float>.self)
    return any((offset - products) .< limit)
  }

  private mutating func append(_ key: UInt64) {
    var place = count
    count += 1
    while place > 0, keys[(place - 1) / 2] < key {
      keys[place] = keys[(place - 1) / 2]
      place = (place - 1) / 2
    }
    keys[place] = key
  }

  private func replaceLargest(with key: UInt64) {
    var place = 0
    while 2 * place + 1 < count {
      var child = 2 * place + 1
      if child + 1 < count, keys[child + 1] > keys[child] { child += 1 }
      guard keys[child] > key else { break }
      keys[place] = keys[child]
      place = child
    }
    keys[place] = key
  }
}
