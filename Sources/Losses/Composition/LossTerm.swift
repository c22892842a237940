import Autodiff
import Geometry
import Miners
import Settings

/// A loss of a recipe, with its weight and its own miner.
public struct LossTerm: Parameterized {
  /// The name that recipes use, as in "proxy-anchor".
  public var name: String
  public var loss: any Loss
  public var weight: Double
  /// What chooses the tuples; nil for all.
  public var miner: (any Miner)?
  /// Recent batches that the loss compares the present one with; nil for the batch alone.
  public var memory: CrossBatchMemory?
  /// How the loss's terms become one number; nil for the loss's own way.
  public var reducer: (any Reducer)?
  /// What is done around the loss, the outermost first, with the names that recipes use.
  public var modifiers: [Named<any Modifier>]
  /// How many rows the loss looks at at a time, if it goes by rows; nil for all.
  public var chunk: Int?
  /// What makes labels alike; nil if they must be equal. Its levels are mined each by itself.
  public var relevance: Relevance?

  public init(
    name: String, loss: any Loss, weight: Double = 1, miner: (any Miner)? = nil,
    memory: CrossBatchMemory? = nil, reducer: (any Reducer)? = nil,
    modifiers: [Named<any Modifier>] = []
  ) {
    (self.name, self.loss, self.weight, self.miner) = (name, loss, weight, miner)
    (self.memory, self.reducer, self.modifiers) = (memory, reducer, modifiers)
  }

  /// Makes the parameters of the loss and of its modifiers.
  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    loss.makeParameters(
      classCount: classCount, dimension: dimension, dtype: dtype, random: random)
    for i in modifiers.indices {
      modifiers[i].value.makeParameters(
        classCount: classCount, dimension: dimension, dtype: dtype,
        random: random.split("modifier").split(UInt64(i)))
    }
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    try loss.updateParameters(body)
    for i in modifiers.indices {
      let name = modifiers[i].name
      try modifiers[i].value.updateParameters { try body("\(name).\($0)", &$1) }
    }
  }

  /// Whether each item of a batch must be there twice, augmented in two ways.
  public var needsTwoViews: Bool { modifiers.contains { $0.value.needsTwoViews } }

  /// The tuples that the miner chooses; nil for all, and if each level of a relevance is mined.
  public func tuples(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples? {
    guard relevance == nil else { return nil }
    return miner?.mine(
      embeddings, labels: modifiers.reduce(labels) { $1.value.labels($0) }, reference: reference,
      random: random)
  }

  /// The loss of a batch, before it is weighted.
  public func callAsFunction(_ input: LossInput) -> LossOutput {
    output(of: loss, prepared(input), inside: modifiers[...])
  }

  private func output(
    of loss: any Loss, _ input: LossInput, inside modifiers: ArraySlice<Named<any Modifier>>
  ) -> LossOutput {
    guard let first = modifiers.first else {
      guard let relevance else { return loss(input) }
      return loss(input, relevance: relevance, miner: miner, random: input.random)
    }
    return first.value(loss, input) { output(of: $0, $1, inside: modifiers.dropFirst()) }
  }

  private func prepared(_ input: LossInput) -> LossInput {
    var input = input
    input.reducer = reducer ?? input.reducer
    input.chunk = chunk ?? input.chunk
    return input
  }

  /// Checks that the loss can be found for a batch.
  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    let input = prepared(input)
    try checkMemory(for: input, at: place)
    try input.validateReducer(of: loss, at: place)
    if let relevance {
      try loss.validate(input, relevance: relevance, miner: miner, at: place)
    } else {
      try loss.validate(input, at: place)
    }
    for modifier in modifiers {
      guard relevance == nil || !modifier.value.changesLabels else {
        throw Failure(
          .badData, at: "\(place): \(modifier.name)",
          "this gives rows other labels, of which the relevance says nothing",
          expected: "a modifier that keeps labels, or no relevance")
      }
      try modifier.value.validate(loss, input, at: "\(place): \(modifier.name)")
    }
  }

  /// Refuses a batch whose distances no memory holds: the matrix, its derivative and what both are
  /// made of.
  private func checkMemory(for input: LossInput, at place: String) throws(Failure) {
    let rows = input.labels.count
    var columns = input.reference?.labels.count ?? rows
    if let proxies = (loss as? any ProxyLoss)?.proxies, !loss.goesByRows || proxies.count > 0 {
      columns = proxies.shape[0]
    } else if loss is any GrowsWithRows {
      return
    }
    let together = loss.goesByRows ? min(rows, max(1, input.chunk ?? rows)) : rows
    try MemoryBudget.check(
      [together, columns], bytesEach: input.embeddings.dtype == .float64 ? 24 : 12,
      for: "the distances of a batch", at: place)
  }

  /// This term with every weight that takes no gradient held at what it is for a batch.
  public func holdingWeights(of input: LossInput) -> LossTerm {
    var result = self
    result.loss = loss.holdingWeights(of: prepared(input))
    for i in modifiers.indices {
      result.modifiers[i].value = modifiers[i].value.holdingWeights(of: prepared(input))
    }
    return result
  }

  /// The loss of a batch, and its gradient in the embeddings and then in each parameter.
  public func valueWithGradients(_ input: LossInput) -> (value: Double, gradients: [Tensor]) {
    let (value, gradient) = valueWithGradient(
      at: [input.embeddings] + parameters.map(\.value)
    ) { point in
      var (term, input) = (self, input)
      input.embeddings = point[0]
      term.setParameters(Array(point.dropFirst()))
      return term(input).value
    }
    return (value.item, gradient)
  }
}
