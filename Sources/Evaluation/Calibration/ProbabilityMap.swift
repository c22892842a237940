import Settings

/// A map from the distance of a pair to the probability that it matches.
public enum ProbabilityMap: Sendable, Equatable {
  case platt(PlattMap)
  case isotonic(IsotonicMap)

  public enum Kind: String, CaseIterable, Sendable {
    /// A logistic function: two numbers, smooth; see ``PlattMap``.
    case platt
    /// Any falling function; needs more pairs; see ``IsotonicMap``.
    case isotonic
  }

  /// - Parameter counts: pairs by ascending distance.
  public init(_ kind: Kind, _ counts: [PairCount]) {
    switch kind {
    case .platt: self = .platt(PlattMap(counts))
    case .isotonic: self = .isotonic(IsotonicMap(counts))
    }
  }

  public var kind: Kind {
    switch self {
    case .platt: .platt
    case .isotonic: .isotonic
    }
  }

  public func probability(atDistance distance: Double) -> Double {
    switch self {
    case .platt(let map): map.probability(atDistance: distance)
    case .isotonic(let map): map.probability(atDistance: distance)
    }
  }
}

extension ProbabilityMap {
  var members: [String: JSONValue] {
    switch self {
    case .platt(let map):
      ["map": "platt", "slope": .number(map.slope), "intercept": .number(map.intercept)]
    case .isotonic(let map):
      [
        "map": "isotonic", "distances": .array(map.distances.map { .number($0) }),
        "probabilities": .array(map.probabilities.map { .number($0) }),
      ]
    }
  }

  /// Reads ``members``.
  init(_ value: JSONValue, at place: String) throws(Failure) {
    switch value["map"] {
    case "isotonic":
      let distances = try value.finiteNumbers("distances", at: place)
      let probabilities = try value.finiteNumbers("probabilities", at: place)
      guard distances.count == probabilities.count, distances == distances.sorted() else {
        throw Failure(
          .badData, at: place, "these are not as many rising distances as probabilities",
          remedy: "calibrate again")
      }
      self = .isotonic(IsotonicMap(distances: distances, probabilities: probabilities))
    case "platt":
      let numbers = try ["slope", "intercept"].map { (key) throws(Failure) -> Double in
        try value.finiteNumber(key, at: place)
      }
      self = .platt(PlattMap(slope: numbers[0], intercept: numbers[1]))
    default:
      throw Failure(
        .badData, at: place, "this is no map to probabilities that this version can read",
        expected: Kind.allCases.map(\.rawValue).joined(separator: " or "),
        remedy: "calibrate again")
    }
  }
}

extension JSONValue {
  /// A number that a calibration must have.
  package func finiteNumber(_ key: String, at place: String) throws(Failure) -> Double {
    guard case .number(let number)? = self[key], number.isFinite else {
      throw Failure(.badData, at: "\(place): \(key)", "there is no number")
    }
    return number
  }

  package func wholeNumber(_ key: String, at place: String) throws(Failure) -> Int {
    guard let whole = Int(exactly: try finiteNumber(key, at: place)), whole >= 0 else {
      throw Failure(.badData, at: "\(place): \(key)", "there is no whole number, 0 or more")
    }
    return whole
  }

  package func finiteNumbers(_ key: String, at place: String) throws(Failure) -> [Double] {
    guard case .array(let items)? = self[key] else {
      throw Failure(.badData, at: "\(place): \(key)", "there is no list of numbers")
    }
    let numbers = items.compactMap { item in
      if case .number(let number) = item, number.isFinite { number } else { nil }
    }
    guard numbers.count == items.count else {
      throw Failure(.badData, at: "\(place): \(key)", "not all of the list are numbers")
    }
    return numbers
  }

  package init(_ interval: ClosedRange<Double>?) {
    self = interval.map { [.number($0.lowerBound), .number($0.upperBound)] } ?? .null
  }

  package var interval: ClosedRange<Double>? {
    guard case .array(let ends) = self, ends.count == 2, case .number(let low) = ends[0],
      case .number(let high) = ends[1], low <= high
    else { return nil }
    return low...high
  }
}
