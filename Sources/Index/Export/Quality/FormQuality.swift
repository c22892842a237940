import Settings

/// How good a form of some vectors is, measured on the file that an export writes.
public struct FormQuality: Sendable {
  public let form: ExportForm
  /// The share of the exact nearest neighbours, of 1 and of 10, that the form finds.
  public var recallAt1 = 0.0
  public var recallAt10 = 0.0
  /// The bytes of all its files.
  public var bytes = 0
  public var buildSeconds = 0.0
  public var queriesPerSecond = 0.0
  /// The rates of false matches and false refusals at the threshold; nil without classes.
  public var errors: ErrorRates?
  /// How much higher they are than those of the exact vectors.
  public var shift: ErrorRates?
  /// Why the form cannot be had; nil if it can.
  public var problem: String?

  init(_ form: ExportForm) { self.form = form }
}

/// The share of pairs of different classes that a threshold takes for matches (false accepts), and
/// of pairs of one class that it refuses.
public struct ErrorRates: Sendable, Equatable {
  public let falseAccepts, falseRejects: Double

  package init(falseAccepts: Double, falseRejects: Double) {
    (self.falseAccepts, self.falseRejects) = (falseAccepts, falseRejects)
  }

  static func - (a: ErrorRates, b: ErrorRates) -> ErrorRates {
    ErrorRates(
      falseAccepts: a.falseAccepts - b.falseAccepts, falseRejects: a.falseRejects - b.falseRejects)
  }
}

extension [FormQuality] {
  /// The form to ship.
  ///
  /// With a least recall@10, of the forms that reach it and fit the budget the smallest, or the
  /// fastest if there is a budget; without, of those that fit the one with the largest recall@10,
  /// and the smallest of equal ones.
  /// - Parameters:
  ///   - budget: the most bytes.
  ///   - recall: the least recall@10.
  /// - Returns: nil if no form does what is asked.
  public func recommended(budget: Int?, recall: Double?) -> FormQuality? {
    let fitting = filter {
      $0.problem == nil && $0.bytes <= budget ?? .max && $0.recallAt10 >= recall ?? 0
    }
    if recall == nil {
      return fitting.min { ($1.recallAt10, $0.bytes) < ($0.recallAt10, $1.bytes) }
    }
    return budget == nil
      ? fitting.min { ($0.bytes, $1.recallAt10) < ($1.bytes, $0.recallAt10) }
      : fitting.max { $0.queriesPerSecond < $1.queriesPerSecond }
  }
}
