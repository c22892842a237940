import Settings

/// How the terms of a loss (of rows, pairs or triplets) become one number.
///
/// A term counts if it lies within ``bounds``. The loss is Σ factor × term / divisor, the factor
/// one for each row. Where a loss reduces positive and negative pairs apart, so does the reducer,
/// and the two are added. Factors and divisor take no gradient. Without terms the loss is 0.
public protocol Reducer: Described {
  /// Which terms count.
  var bounds: TermBounds { get }
  /// The way of reducing that needs sums over all rows only, if this is one.
  var plain: Reduction? { get }
  /// What the terms of each row are multiplied with; nil for 1.
  ///
  /// - Parameter classes: the class of each row.
  func factors(of rows: [TermSum], classes: [Int]) -> [Double]?
  /// What the sum over all rows is divided by.
  func divisor(of rows: [TermSum]) -> Double
  /// Checks that the reducer fits a batch.
  func validate(classes: [Int], at place: String) throws(Failure)
}

extension Reducer {
  public var bounds: TermBounds { TermBounds() }
  public var plain: Reduction? { nil }
  public func factors(of rows: [TermSum], classes: [Int]) -> [Double]? { nil }
  public func divisor(of rows: [TermSum]) -> Double {
    Double(max(1, rows.reduce(0) { $0 + $1.count }))
  }
  public func validate(classes: [Int], at place: String) throws(Failure) {}
}

/// The terms between two numbers, both exclusive.
public struct TermBounds: Sendable, Equatable {
  public var low = -Double.infinity
  public var high = Double.infinity

  public init() {}
  public init(low: Double, high: Double = .infinity) { (self.low, self.high) = (low, high) }

  @inline(__always)
  public func contains(_ term: Double) -> Bool { low < term && term < high }
}

/// Which terms of a batch count, and with what factor; for functions whose rows depend on others'.
public struct TermChoice: Sendable {
  var bounds = TermBounds()
  /// A factor for each row, and for its negative pairs where these are reduced apart.
  var factors: [Double]?
  var negativeFactors: [Double]?

  /// What a term of a row is multiplied with; 0 if it does not count.
  @inline(__always)
  func factor(_ term: Double, row: Int, isPositive: Bool = true) -> Double {
    guard bounds.contains(term) else { return 0 }
    return (isPositive ? factors : negativeFactors)?[row] ?? 1
  }
}

/// A reducer with the class of each row that it reduces.
public struct RowReducer: Sendable {
  let reducer: any Reducer
  let classes: [Int]
  /// How many of the rows, the first ones, are anchors; nil for all.
  var anchors: Int?

  /// The way of reducing a function that needs sums over all rows only, if it is one.
  func plain(for function: some RowFunction) -> Reduction? {
    guard let plain = reducer.plain, plain != .meanOfActive || plain == function.reduction else {
      return nil
    }
    return plain
  }
}

extension RowReducer? {
  /// The same, where the function's own way is that of no reducer.
  func plain(for function: some RowFunction) -> Reduction? {
    map { $0.plain(for: function) } ?? function.reduction
  }
}

extension LossInput {
  /// The reducer for a matrix with a row for each row of the batch; nil for the loss's own.
  public var rowReducer: RowReducer? { rowReducer(classes: labels) }

  /// The reducer for a matrix with rows of these classes; nil for the loss's own.
  public func rowReducer(classes: [Int]) -> RowReducer? {
    reducer.map { RowReducer(reducer: $0, classes: classes) }
  }
}

extension LossInput {
  /// Checks that a loss takes the reducer, and that it fits the batch.
  public func validateReducer(of loss: any Loss, at place: String) throws(Failure) {
    guard let reducer else { return }
    let place = "\(place): reducer"
    guard let own = loss.ownReduction else {
      throw Failure(
        .badData, at: place, "the loss gives one number, not one for each row, pair or triplet",
        expected: "no reducer")
    }
    guard reducer.plain != .divisor || own == .divisor else {
      throw Failure(
        .badData, at: place, "the loss has no divisor of its own",
        expected: "another reducer, as \"mean\"")
    }
    try reducer.validate(classes: loss.reducedClasses ?? labels, at: place)
  }
}
