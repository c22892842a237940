/// A text on its way through a tokeniser: scalars, and where each came from.
///
/// `starts` and `ends` count scalars of the original text, as Python's string indices do.
struct AlignedText: Sendable {
  private(set) var scalars: [UInt32] = []
  private(set) var starts: [Int32] = []
  private(set) var ends: [Int32] = []

  var count: Int { scalars.count }

  init(reserving count: Int = 0) {
    scalars.reserveCapacity(count)
    starts.reserveCapacity(count)
    ends.reserveCapacity(count)
  }

  init(_ original: [UInt32]) {
    scalars = original
    starts = Array(0..<Int32(original.count))
    ends = Array(1..<Int32(original.count) + 1)
  }

  /// A part of another text.
  init(_ text: AlignedText, _ range: Range<Int>) {
    scalars = Array(text.scalars[range])
    starts = Array(text.starts[range])
    ends = Array(text.ends[range])
  }

  @inline(__always) mutating func append(_ scalar: UInt32, _ start: Int32, _ end: Int32) {
    scalars.append(scalar)
    starts.append(start)
    ends.append(end)
  }

  /// Appends a scalar that comes from where another does.
  @inline(__always)
  mutating func append(_ scalar: UInt32, from text: AlignedText, at index: Int) {
    append(scalar, text.starts[index], text.ends[index])
  }

  mutating func append(_ text: AlignedText, _ range: Range<Int>) {
    scalars += text.scalars[range]
    starts += text.starts[range]
    ends += text.ends[range]
  }

  /// Changes a scalar and leaves its place.
  @inline(__always) mutating func replace(at index: Int, by scalar: UInt32) {
    scalars[index] = scalar
  }

  /// Where the scalars of a range came from; the range is not empty.
  func origin(_ range: Range<Int>) -> (start: Int32, end: Int32) {
    (starts[range.lowerBound], ends[range.upperBound - 1])
  }
}

/// Writes a text anew, scalar by scalar, and finds their places as the tokenizers library does.
///
/// Each new scalar says how it changes the count: 0 replaces the next old scalar, 1 is inserted (and
/// has the place of the old scalar before), −n replaces the next old scalar and drops n after it.
struct AlignedRewriter {
  private let old: AlignedText
  private var position = 0
  private(set) var text: AlignedText

  init(_ old: AlignedText) {
    self.old = old
    text = AlignedText(reserving: old.count)
  }

  mutating func put(_ scalar: UInt32, change: Int = 0) {
    if change > 0 {
      if position == 0 {
        // Before any old scalar the library knows no place but the beginning.
        let start = old.count > 0 ? old.starts[0] : 0
        text.append(scalar, start, start)
      } else {
        text.append(scalar, from: old, at: min(position, old.count) - 1)
      }
    } else {
      text.append(scalar, from: old, at: min(position, old.count - 1))
      position += 1 - change
    }
  }
}
