import Autodiff
import Geometry
import Settings

/// What a regularizer looks at.
public enum RegularizedRows: String, Sendable, CaseIterable {
  case embeddings
  /// The loss's class weights, centers or proxies, a row each.
  case weights
}

/// A modifier that adds weight × penalty to the loss.
///
/// The penalty is of the raw embeddings of the batch, or of the class weights.
public protocol Regularizer: Modifier {
  var weight: Double { get set }
  var of: RegularizedRows { get set }
  /// The penalty, float64 of shape [].
  ///
  /// - Parameters:
  ///   - rows: float64, [rows, dimension].
  ///   - labels: the class of each row.
  func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor
}

extension Regularizer {
  /// The settings "weight" and "of".
  public static var regularizerSettings: [Setting<Self>] {
    [
      Setting("weight", \Self.weight, "what the penalty is multiplied with", in: 0...1e6),
      Setting("of", \Self.of, "whose rows are penalised"),
    ]
  }

  public func callAsFunction(
    _ loss: any Loss, _ input: LossInput, inner: (any Loss, LossInput) -> LossOutput
  ) -> LossOutput {
    var output = inner(loss, input)
    let penalty: Tensor
    switch of {
    case .embeddings:
      penalty = self.penalty(
        of: input.embeddings.widened(), labels: input.labels, random: input.random)
    case .weights:
      guard let loss = loss as? any ProxyLoss else { return output }
      penalty = self.penalty(
        of: loss.proxies.widened(), labels: loss.proxyLabels, random: input.random)
    }
    output.value =
      output.value + penalty.scaled(by: weight).narrowed(to: input.embeddings.dtype)
    return output
  }

  public func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure) {
    guard of == .embeddings || loss is any ProxyLoss else {
      throw Failure(
        .badData, at: place, "\"of\" is \"weights\" and the loss has no class weights",
        expected: "\"embeddings\", or a loss with proxies")
    }
  }
}

extension Tensor {
  /// The reduced sum of a function over this matrix, whose pairs are all there but the diagonal's:
  /// positive within a class.
  func penalty(_ function: some RowFunction, labels: [Int]) -> Tensor {
    reduced(by: function, pairs: PairTable(labels: labels, reference: nil)).value
  }
}
