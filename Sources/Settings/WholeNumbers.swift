extension Int {
  /// The whole number that a number from a file, recipe or option is, exactly.
  ///
  /// Nil for fractions, infinities and NaN, and beyond ±2⁵³: there a `Double` stands for several whole
  /// numbers, and another than the one that was written may be meant.
  package init?(exact number: Double) {
    guard abs(number) <= 0x1p53, let whole = Int(exactly: number) else { return nil }
    self = whole
  }

  /// A number rounded towards 0, or the nearest `Int` where there is none so large; 0 for NaN.
  ///
  /// For numbers that are computed from those of a user: `Int.init` would trap.
  package init(within number: Double) {
    if number.isNaN {
      self = 0
    } else if number >= 0x1p63 {
      self = .max
    } else {
      self = number <= -0x1p63 ? .min : Int(number)
    }
  }
}

extension Sequence<Int> {
  /// How many classes there are when labels number them from 0: one more than the largest label, or
  /// `Int.max` where that is no `Int`, which whoever allocates by it refuses; 0 without labels.
  package var classCount: Int {
    guard let largest = self.max() else { return 0 }
    return largest < Int.max ? Swift.max(0, largest + 1) : Int.max
  }
}
