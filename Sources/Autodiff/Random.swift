import Foundation

/// Random numbers that depend on a key and a counter only.
///
/// A generator is a value: copy it and both copies go on alike. ``split(_:)`` makes independent
/// streams, so that no part of a program can disturb the numbers that another part draws.
public struct Random: RandomNumberGenerator, Sendable, Equatable {
  private var key: UInt64
  private var counter: UInt64 = 0

  public init(seed: UInt64) { key = Random.mixed(seed ^ 0x6B69_6E64_7265_6421) }

  /// An independent stream for one purpose, as in `random.split("sampler")`.
  public func split(_ purpose: StaticString) -> Random {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    purpose.withUTF8Buffer { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 } }
    return split(hash)
  }

  /// An independent stream for one item, as in `random.split(UInt64(step))`.
  public func split(_ item: UInt64) -> Random {
    var stream = self
    stream.key = Random.mixed(key ^ Random.mixed(item &+ 0x9E37_79B9_7F4A_7C15))
    stream.counter = 0
    return stream
  }

  public mutating func next() -> UInt64 {
    counter &+= 1
    return Random.mixed(key &+ counter &* 0x9E37_79B9_7F4A_7C15)
  }

  /// A number in [0, 1).
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  public mutating func uniform(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// A whole number in 0..<bound, without bias.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "Random.below: bound \(bound) is not positive")
    let bound = UInt64(bound)
    var (high, low) = next().multipliedFullWidth(by: bound)
    let limit = (0 &- bound) % bound
    while low < limit { (high, low) = next().multipliedFullWidth(by: bound) }
    return Int(high)
  }

  /// A draw from the normal distribution with mean 0 and variance 1.
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// The indices 0..<count in a random order.
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, below(i + 1)) }
    return order
  }

  /// SplitMix64's mixer (Steele, Lea and Flood, 2014).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
