import Autodiff
import Settings

/// The loss of the first coordinates too, for several numbers of them, so that embeddings can be cut.
///
///     Σ_m w_m L(z_{1:m})
///
/// Proxies are cut as embeddings are; a reference set too. Tuples are mined once, on the whole
/// embeddings. Costs what the loss costs, once for each number.
///
/// Defaults: the whole embedding, a half, a quarter and so on, down to 8 coordinates; all weights 1.
/// - Reference: Kusupati et al., *Matryoshka Representation Learning* (NeurIPS 2022).
public struct MatryoshkaModifier: Modifier {
  /// How many coordinates; empty for the dimension and its halves down to 8.
  public var dimensions: [Int] = []
  /// The weight of each; empty for 1.
  public var weights: [Double] = []
  public init() {}

  public static let summary = "the loss of the first coordinates too, so that embeddings can be cut"
  public static let source = "Kusupati et al., Matryoshka Representation Learning, NeurIPS 2022"
  public static let settings = [
    Setting(
      "dimensions", \Self.dimensions, "how many coordinates; [] for halves down to 8",
      in: 1...1_000_000),
    Setting("weights", \Self.weights, "the weight of each number; [] for 1", in: 0...1e6),
  ]

  private func cuts(of dimension: Int) -> [Int] {
    guard dimensions.isEmpty else { return dimensions }
    var cuts = [dimension]
    while let last = cuts.last, last / 2 >= 8 { cuts.append(last / 2) }
    return cuts
  }

  public func callAsFunction(
    _ loss: any Loss, _ input: LossInput, inner: (any Loss, LossInput) -> LossOutput
  ) -> LossOutput {
    var value = Tensor(0, dtype: input.embeddings.dtype)
    var active = 0.0
    var state: [Tensor] = []
    let cuts = cuts(of: input.embeddings.shape[1])
    for (i, cut) in cuts.enumerated() {
      let (loss, input) = cutting(loss, input, to: cut)
      let output = inner(loss, input)
      value = value + output.value.scaled(by: weights.isEmpty ? 1 : weights[i])
      active += output.active / Double(cuts.count)
      if i == 0 { state = output.state }
    }
    var output = LossOutput(value: value, active: active)
    output.state = state
    return output
  }

  private func cutting(
    _ loss: any Loss, _ input: LossInput, to count: Int
  ) -> (any Loss, LossInput) {
    guard count < input.embeddings.shape[1] else { return (loss, input) }
    var (loss, input) = (loss, input)
    input.embeddings = input.embeddings.firstColumns(count)
    if let reference = input.reference {
      input.reference?.embeddings = reference.embeddings.firstColumns(count)
    }
    if var proxied = loss as? any ProxyLoss {
      proxied.proxies = proxied.proxies.firstColumns(count)
      loss = proxied
    }
    return (loss, input)
  }

  public func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure) {
    let dimension = input.embeddings.shape[1]
    guard weights.isEmpty || weights.count == cuts(of: dimension).count else {
      throw Failure(
        .badData, at: place, "there are \(weights.count) weights",
        expected: "\(cuts(of: dimension).count), one for each of \"dimensions\"")
    }
    for cut in cuts(of: dimension) {
      guard cut <= dimension else {
        throw Failure(
          .badData, at: "\(place): dimensions", "\(cut) is more than there are",
          expected: "\(dimension) at most, the dimension of the embeddings")
      }
      let (loss, input) = cutting(loss, input, to: cut)
      try loss.validate(input, at: "\(place): \(cut) coordinates")
    }
  }
}

extension Tensor {
  /// The first columns of this matrix.
  func firstColumns(_ count: Int) -> Tensor {
    let (n, d) = (shape[0], shape[1])
    precondition(count <= d, "firstColumns: \(count) of \(d)")
    return detached.columns(0..<count).recorded(
      "firstColumns",
      edge {
        $0.detached.appendingColumns(Tensor(zeros: [n, d - count], dtype: $0.dtype))
      })
  }
}
