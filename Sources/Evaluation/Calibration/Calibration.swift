import Settings

/// One threshold that says "the same", and how well it holds on classes that it was not fitted on.
///
/// A pair is accepted if its distance is not above the threshold. FAR, the false accept rate, is
/// the share of accepted pairs among all unordered pairs of items of different classes; FRR, the
/// false reject rate, is the share of refused pairs among all unordered pairs of different items
/// of one class.
public struct Calibration: Sendable, Equatable {
  /// Tells definitions of the threshold and its rates apart.
  public static let definition =
    "threshold/all-pairs/far-at-most/midpoint/halves-of-classes/percentile-bootstrap-over-classes"

  /// One half of the classes, with the rates of the threshold on it.
  public struct Part: Sendable, Equatable {
    public var classes, items, positivePairs, negativePairs: Int
    public var falseAcceptRate: Double
    /// Nil if no class has two items.
    public var falseRejectRate: Double?
    /// The middle 95 % of the draws.
    public var falseAcceptInterval, falseRejectInterval: ClosedRange<Double>?
  }

  /// The false accept rate that was asked for.
  public var requestedRate: Double
  /// The largest Euclidean distance that is a match: half-way between the last distance of a pair
  /// that may be accepted and the next one.
  public var distance: Double
  public var distanceInterval: ClosedRange<Double>
  /// Whether all embeddings have unit length (within 10⁻³), so that there is a similarity.
  public var isUnit: Bool
  /// The half that the threshold was fitted on, and the one that it was checked on.
  public var fit, check: Part
  public var seed, draws: Int
  /// The probability of a match by the distance, fitted on the first half; it holds for data with the
  /// same share of matching pairs. Nil in files from before there was one.
  public var probability: ProbabilityMap?
  /// How well it fits on the other half.
  public var probabilityFit: ProbabilityFit?

  /// The least cosine similarity that is a match, 1 − distance² / 2; nil without unit length.
  public var similarity: Double? { isUnit ? 1 - distance * distance / 2 : nil }

  /// Ascending: the longest distance is the least similarity.
  public var similarityInterval: ClosedRange<Double>? {
    guard isUnit else { return nil }
    func similarity(_ distance: Double) -> Double { 1 - distance * distance / 2 }
    return similarity(distanceInterval.upperBound)...similarity(distanceInterval.lowerBound)
  }
}

// MARK: - JSON

extension Calibration {
  public var json: JSONValue {
    [
      "definition": .string(Calibration.definition),
      "farAsked": .number(requestedRate),
      "distance": .number(distance),
      "distanceInterval": JSONValue(distanceInterval),
      "similarity": similarity.map { .number($0) } ?? .null,
      "similarityInterval": JSONValue(similarityInterval),
      "fit": fit.json,
      "check": check.json,
      "seed": JSONValue(seed),
      "draws": JSONValue(draws),
      "probability": probabilityJSON,
    ]
  }

  private var probabilityJSON: JSONValue {
    guard let probability else { return .null }
    var members = probability.members
    members["brier"] = probabilityFit.map { .number($0.brier) } ?? .null
    members["calibrationError"] = probabilityFit.map { .number($0.calibrationError) } ?? .null
    return .object(members)
  }

  /// Reads what ``json`` wrote.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    guard case .string(let definition)? = value["definition"],
      definition == Calibration.definition
    else {
      throw Failure(
        .badData, at: place, "this is no calibration that this version can read",
        expected: "the definition \(Calibration.definition)",
        remedy: "calibrate again")
    }
    func part(_ key: String) throws(Failure) -> Part {
      let part = value[key] ?? .null
      return Part(
        classes: try part.wholeNumber("classes", at: place),
        items: try part.wholeNumber("items", at: place),
        positivePairs: try part.wholeNumber("positivePairs", at: place),
        negativePairs: try part.wholeNumber("negativePairs", at: place),
        falseAcceptRate: try part.finiteNumber("far", at: place),
        falseRejectRate: part["frr"] == .null ? nil : try part.finiteNumber("frr", at: place),
        falseAcceptInterval: part["farInterval"]?.interval,
        falseRejectInterval: part["frrInterval"]?.interval)
    }
    requestedRate = try value.finiteNumber("farAsked", at: place)
    distance = try value.finiteNumber("distance", at: place)
    guard distance >= 0, let interval = value["distanceInterval"]?.interval,
      interval.lowerBound >= 0
    else {
      throw Failure(.badData, at: place, "there is no distance of 0 or more with its interval")
    }
    distanceInterval = interval
    isUnit = value["similarity"].map { $0 != .null } ?? false
    (fit, check) = (try part("fit"), try part("check"))
    (seed, draws) = (
      try value.wholeNumber("seed", at: place), try value.wholeNumber("draws", at: place)
    )
    if let map = value["probability"], map != .null {
      probability = try ProbabilityMap(map, at: "\(place): probability")
      if map["brier"] != .null {
        probabilityFit = ProbabilityFit(
          brier: try map.finiteNumber("brier", at: place),
          calibrationError: try map.finiteNumber("calibrationError", at: place))
      }
    }
  }
}

extension Calibration.Part {
  fileprivate var json: JSONValue {
    [
      "classes": JSONValue(classes), "items": JSONValue(items),
      "positivePairs": JSONValue(positivePairs), "negativePairs": JSONValue(negativePairs),
      "far": .number(falseAcceptRate), "farInterval": JSONValue(falseAcceptInterval),
      "frr": falseRejectRate.map { .number($0) } ?? .null,
      "frrInterval": JSONValue(falseRejectInterval),
    ]
  }
}
