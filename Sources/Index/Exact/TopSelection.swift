import Autodiff

/// The smallest keys of many that are offered in turn.
///
/// A key is a number's bits, changed so that unsigned order is the order of numbers, before an id:
/// comparing keys compares numbers first and then ids. Keys below the limit are gathered until the
/// memory is full; then all but the smallest are dropped and the limit falls. That is much less
/// work than to keep them in order, since most of what is gathered is dropped again.
struct TopSelection {
  /// What is kept of a selection between two offers.
  struct State {
    var count = 0
    var limit = Float.infinity
  }

  private let keys: UnsafeMutablePointer<UInt64>
  private let kept: Int
  private let placesBelow: PlacesBelow
  private(set) var state: State

  /// Numbers that are looked at together.
  private static let step = 256

  /// How much memory the selection of `kept` keys needs.
  static func capacity(kept: Int) -> Int { kept + max(kept, 2 * step) }

  /// - Parameter keys: room for `capacity(kept:)` keys; holds `state.count` of them already.
  init(
    _ keys: UnsafeMutablePointer<UInt64>, kept: Int, _ state: State, _ placesBelow: PlacesBelow
  ) {
    (self.keys, self.kept, self.state, self.placesBelow) = (keys, kept, state, placesBelow)
  }

  @inline(__always)
  static func key(_ number: Float, _ id: Int) -> UInt64 {
    // Overflow in a product may give what is no number: it is farther than everything.
    let bits = (number.isNaN ? .infinity : number).bitPattern
    let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    return UInt64(ordered) << 32 | UInt64(id)
  }

  static func number(_ key: UInt64) -> Float {
    let ordered = UInt32(truncatingIfNeeded: key >> 32)
    return Float(bitPattern: ordered & 0x8000_0000 == 0 ? ~ordered : ordered & 0x7FFF_FFFF)
  }

  static func id(_ key: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: key)) }

  /// Offers a row of products p, whose ids follow each other: by ½‖v‖² − p if there are offsets
  /// ½‖v‖² (half the squared distance, less what is the same for the whole row), else by −p.
  ///
  /// Ids must be larger than those offered before, so that equal numbers need no second look.
  mutating func offer(
    _ products: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>?, count columns: Int,
    firstID: Int
  ) {
    var column = 0
    // Whatever they are, there must be enough.
    while state.count < kept, column < columns {
      append((offsets.map { $0[column] } ?? 0) - products[column], firstID + column)
      column += 1
    }
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: TopSelection.step) { places in
      guard let places = places.baseAddress else { return }
      while column < columns {
        let count = min(TopSelection.step, columns - column)
        if state.count + count > TopSelection.capacity(kept: kept) { select() }
        let found = placesBelow(
          places, products + column, offsets.map { $0 + column }, limit: state.limit, count: count)
        if let offsets {
          for i in 0..<found {
            let place = column + Int(places[i])
            append(offsets[place] - products[place], firstID + place)
          }
        } else {
          for i in 0..<found {
            let place = column + Int(places[i])
            append(0 - products[place], firstID + place)
          }
        }
        column += count
      }
    }
  }

  @inline(__always)
  private mutating func append(_ number: Float, _ id: Int) {
    keys[state.count] = TopSelection.key(number, id)
    state.count += 1
  }

  /// Keeps the smallest keys only, in any order.
  ///
  /// Splits at a pivot until the border lies where it is wanted; the swaps have no branches, which
  /// nothing could predict.
  mutating func select() {
    guard state.count > kept, kept > 0 else { return }
    var (low, high) = (0, state.count)
    while high - low > 1 {
      let middle = TopSelection.median(keys[low], keys[low + (high - low) / 2], keys[high - 1])
      var border = low
      for i in low..<high {
        let key = keys[i]
        keys[i] = keys[border]
        keys[border] = key
        border += key < middle ? 1 : 0
      }
      // All keys differ, so the pivot itself is the smallest of the upper part.
      if border > kept {
        high = border
      } else if border == kept {
        break
      } else if border > low {
        low = border
      } else {
        // The pivot is the smallest: move it out of the way.
        guard let place = (low..<high).first(where: { keys[$0] == middle }) else { break }
        (keys[low], keys[place]) = (keys[place], keys[low])
        low += 1
        if low == kept { break }
      }
    }
    state.count = kept
    state.limit = TopSelection.number((0..<kept).reduce(0) { max($0, keys[$1]) })
  }

  private static func median(_ a: UInt64, _ b: UInt64, _ c: UInt64) -> UInt64 {
    max(min(a, b), min(max(a, b), c))
  }
}
