import Autodiff
import Geometry
import Settings

/// A loss that compares embeddings with learned proxies of the classes.
///
/// References that are no rows of the batch are compared with the proxies too, as further rows.
public protocol ProxyLoss: ClassScoring {
  /// One row for each proxy, the proxies of class 0 first: [classes × proxiesPerClass, dimension].
  var proxies: Tensor { get set }
  var proxiesPerClass: Int { get }
  /// How embeddings are compared with proxies where classes are scored.
  var scoreDistance: Distance { get }
}

/// Proxies before there is a batch to make them for.
let noProxies = Tensor([Float](), shape: [0, 0])

extension ProxyLoss {
  public var labelUse: LabelUse { .numbers }
  public var proxiesPerClass: Int { 1 }
  public var classCount: Int { proxies.shape[0] / proxiesPerClass }

  /// The class of each proxy.
  var proxyLabels: [Int] { (0..<proxies.shape[0]).map { $0 / proxiesPerClass } }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    try body("proxies", &proxies)
  }

  /// Draws every coordinate from the normal distribution with mean 0 and variance 1.
  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    var random = random
    proxies = Tensor(
      normal: [classCount * proxiesPerClass, dimension], deviation: 1, dtype: dtype, random: &random
    )
  }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    try validateProxies(input, at: place)
  }

  /// Checks that there are proxies that fit a batch.
  func validateProxies(_ input: LossInput, at place: String) throws(Failure) {
    try input.validate(at: place)
    guard proxies.shape.count == 2, proxies.shape[0] % proxiesPerClass == 0,
      proxies.shape[1] == input.embeddings.shape[1], proxies.dtype == input.embeddings.dtype
    else {
      throw Failure(
        .badData, at: place, "the proxies have shape \(proxies.shape) and \(proxies.dtype)",
        expected: "\(proxiesPerClass) for each class, with \(input.embeddings.shape[1]) columns "
          + "of \(input.embeddings.dtype), as the embeddings have")
    }
    for label in input.labels + (input.reference?.labels ?? [])
    where !(0..<classCount).contains(label) {
      throw Failure(
        .badData, at: place, "there is a label \(label)",
        expected: "0 to \(classCount - 1), one for each class that has proxies")
    }
  }
}

/// A proxy loss with a term for each row of the batch, a function of its distances to the proxies.
///
/// Write what one row adds, as a ``RowFunction``: the positive pairs of a row are the proxies of
/// its class. Tuples weight the rows.
public protocol ClassifierLoss: ProxyLoss, RowFunction {
  var distance: Distance { get }
}

extension ClassifierLoss {
  public var scoreDistance: Distance { distance }

  public func callAsFunction(_ input: LossInput) -> LossOutput { reducedByRows(input) }

  /// The terms of the rows, from the matrix of all distances.
  func reducedByRows(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    return distance.matrix(input.embeddings, proxies).reduced(
      by: self, pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
      weights: input.rowWeights, reducer: input.rowReducer)
  }
}
