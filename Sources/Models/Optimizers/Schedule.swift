import Foundation
import Settings

/// How the learning rate changes over a run, as a factor.
public protocol Schedule: Described {
  /// Over how many steps the rate rises from 0 to its full height.
  var warmup: Int { get }
  /// The factor without warm-up, at a share of the run from 0 to 1.
  func factor(at share: Double) -> Double
  /// Whether the factor of a step depends on how many steps there are in all. If not, a run may be
  /// made longer: it is then what it had been as a long run from the start.
  var dependsOnLength: Bool { get }
}

extension Schedule {
  public var dependsOnLength: Bool { true }

  /// The factor for a step.
  ///
  /// - Parameter step: 0 for the first step.
  public func factor(step: Int, of total: Int) -> Double {
    guard step >= warmup else { return Double(step + 1) / Double(warmup + 1) }
    return factor(at: Double(step - warmup) / Double(max(1, total - warmup)))
  }
}

/// The same rate throughout.
public struct ConstantSchedule: Schedule {
  public var warmup = 0

  public init() {}

  public static let summary = "the same rate throughout"
  public static let settings = [
    Setting("warmup", \ConstantSchedule.warmup, "over how many steps the rate rises to its height")
  ]

  public func factor(at share: Double) -> Double { 1 }
  public var dependsOnLength: Bool { false }
}

/// Half a cosine from 1 down to `floor`.
///
/// - Reference: Loshchilov and Hutter, *SGDR* (2017), without restarts.
public struct CosineSchedule: Schedule {
  public var warmup = 0
  public var floor = 0.0

  public init() {}

  public static let summary = "half a cosine from the full rate down to a floor"
  public static let settings = [
    Setting("warmup", \CosineSchedule.warmup, "over how many steps the rate rises to its height"),
    Setting("floor", \CosineSchedule.floor, "the factor at the end", in: 0...1),
  ]

  public func factor(at share: Double) -> Double {
    floor + (1 - floor) * (1 + cos(.pi * share)) / 2
  }
}

/// The rate divided again and again at equal distances.
public struct StepSchedule: Schedule {
  public var warmup = 0
  public var drops = 2
  public var factor = 0.1

  public init() {}

  public static let summary = "the rate multiplied by a factor at equal distances"
  public static let settings = [
    Setting("warmup", \StepSchedule.warmup, "over how many steps the rate rises to its height"),
    Setting("drops", \StepSchedule.drops, "how many times the rate drops in a run", in: 1...1000),
    Setting("factor", \StepSchedule.factor, "what a drop multiplies the rate by", in: 0...1),
  ]

  public func factor(at share: Double) -> Double {
    pow(factor, Double(min(drops, Int(share * Double(drops + 1)))))
  }
}
