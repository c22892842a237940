import Settings

/// The mean of the terms, each times a weight of its class; the divisor is the number of terms, not
/// the sum of the weights.
///
/// The class of a pair or triplet is its anchor's; that of proxy-anchor's terms is the proxy's.
/// O(terms).
/// - Reference: pytorch-metric-learning (2020), `ClassWeightedReducer`.
public struct ClassWeightedReducer: Reducer {
  /// By class, from 0.
  public var weights: [Double] = []
  public init() {}

  public static let summary = "the mean of the terms, each times a weight of its class"
  public static let settings = [
    Setting("weights", \Self.weights, "the weight of each class, from 0", in: 0...1e9)
  ]

  public func factors(of rows: [TermSum], classes: [Int]) -> [Double]? {
    classes.map { weights[$0] }
  }

  public func validate(classes: [Int], at place: String) throws(Failure) {
    for label in classes where !weights.indices.contains(label) {
      throw Failure(
        .badData, at: place, "there is a class \(label) and \(weights.count) weights",
        expected: "a weight for each class", remedy: "write \"weights\": [1, 1, ...]")
    }
  }
}
