import Autodiff
import Geometry
import Settings

/// Items far from their class's proxy count less, so that wrong labels harm less (ProcSim-style).
///
/// With p̂_y a learned proxy of the row's class, x̂ the row, both of length 1, and l the terms of the
/// loss, each of which belongs to a row:
///
///     c_i = 1 - ‖x̂_i - p̂_y‖ / 2, held constant
///     Σ_i c_i l_i / number of terms + w L_proxy
///
/// L_proxy is proxy-nca over the same proxies. A term of pairs or triplets is its anchor's. The
/// number of terms is as in the loss's own mean. c = 1 gives the loss itself. The formula is
/// reconstructed from the abstract; the language guidance of the publication is left out.
/// O(batch × classes) and what the loss costs.
///
/// Default: w = 1. Fits losses that are made of terms of the batch's rows.
/// - Reference: Barbany et al., *ProcSim: Proxy-based Confidence for Robust Similarity Learning*
///   (WACV 2024), reconstructed.
public struct ConfidenceModifier: Modifier {
  /// What the loss of the proxies is multiplied with.
  public var proxyWeight = 1.0
  private var proxyLoss = ProxyNCALoss()
  private var held: [Double]?
  public init() {}

  public static let summary = "items far from their class's proxy count less (ProcSim-style)"
  public static let source =
    "Barbany et al., ProcSim: Proxy-based Confidence for Robust Similarity Learning, WACV 2024, "
    + "reconstructed"
  public static let settings = [
    Setting(
      "proxyWeight", \Self.proxyWeight, "how much the loss of the proxies counts", in: 0...1e6)
  ]

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    proxyLoss.makeParameters(
      classCount: classCount, dimension: dimension, dtype: dtype, random: random)
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    try proxyLoss.updateParameters(body)
  }

  /// How far each row, and each reference that is no row, is to be trusted, from 0 to 1.
  public func confidences(_ input: LossInput) -> [Double] {
    let input = input.pooled
    let (x, labels) = (input.embeddings.detached.widened(), input.labels)
    let own = proxyLoss.proxies.detached.widened().rows(at: labels).withUnitRows()
    let difference = x.withUnitRows() - own
    let squares = (difference * difference).sumOverColumns()
    return squares.elements(as: Double.self).map { 1 - min(2, $0.squareRoot()) / 2 }
  }

  public func callAsFunction(
    _ loss: any Loss, _ input: LossInput, inner: (any Loss, LossInput) -> LossOutput
  ) -> LossOutput {
    var weighted = input
    let base = input.reducer ?? loss.ownReduction?.reducer ?? MeanReducer()
    weighted.reducer = ConfidenceReducer(base: base, confidences: held ?? confidences(input))
    var output = inner(loss, weighted)
    var plain = input
    (plain.reducer, plain.tuples) = (nil, nil)
    output.value = output.value + proxyLoss(plain).value.scaled(by: proxyWeight)
    return output
  }

  public func holdingWeights(of input: LossInput) -> any Modifier {
    var result = self
    result.held = confidences(input)
    return result
  }

  public func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure) {
    guard loss.ownReduction != nil, !type(of: loss).reducesOtherRows else {
      throw Failure(
        .badData, at: place, "the loss is not made of terms of the batch's rows",
        expected: "a loss over pairs or triplets, or a classifier")
    }
    var plain = input
    (plain.reducer, plain.tuples) = (nil, nil)
    try proxyLoss.validate(plain, at: place)
  }
}

/// Another reducer, each row's terms multiplied with its confidence.
private struct ConfidenceReducer: Reducer {
  var base: any Reducer = MeanReducer()
  var confidences: [Double] = []

  static let summary = "another reducer, with a weight for each row"

  var bounds: TermBounds { base.bounds }
  func factors(of rows: [TermSum], classes: [Int]) -> [Double]? {
    let factors = base.factors(of: rows, classes: classes)
    // Rows beyond those of the pooled batch are references that are no anchors: they have no terms.
    return rows.indices.map {
      (factors?[$0] ?? 1) * ($0 < confidences.count ? confidences[$0] : 1)
    }
  }
  func divisor(of rows: [TermSum]) -> Double { base.divisor(of: rows) }
  func validate(classes: [Int], at place: String) throws(Failure) {
    try base.validate(classes: classes, at: place)
  }
}
