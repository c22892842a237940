import Autodiff
import Miners
import Settings

/// A loss of a recipe, with its weight and its own miner.
public struct LossTerm: Sendable {
  /// The name that recipes use, as in "proxy-anchor".
  public var name: String
  public var loss: any Loss
  public var weight: Double
  /// What chooses the tuples; nil for all.
  public var miner: (any Miner)?
  /// Recent batches that the loss compares the present one with; nil for the batch alone.
  public var memory: CrossBatchMemory?

  public init(
    name: String, loss: any Loss, weight: Double = 1, miner: (any Miner)? = nil,
    memory: CrossBatchMemory? = nil
  ) {
    (self.name, self.loss, self.weight, self.miner) = (name, loss, weight, miner)
    self.memory = memory
  }
}

/// A weighted sum of losses, each with its own miner.
public struct CompositeLoss: Parameterized {
  public var terms: [LossTerm]

  public init(_ terms: [LossTerm]) { self.terms = terms }

  /// The weighted sum and what it is made of.
  public struct Output: Sendable {
    /// Σ weight × value, of shape [].
    public var value: Tensor
    public var terms: [Term]
  }

  public struct Term: Sendable {
    /// The loss's name, with a number if the name occurs again.
    public var name: String
    /// Before it is weighted.
    public var value: Double
    /// The share of the loss's terms that are above 0.
    public var active: Double
  }

  /// The weighted sum of the losses of a batch, each over the tuples of its miner.
  ///
  /// Mining sees values only. Each miner gets a stream of `random` of its own. A term with a memory
  /// that has warmed up compares with that rather than with `reference`; the batch is not put in
  /// for good: see ``remember(_:labels:)``.
  public func callAsFunction(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet? = nil, keys: Keys = Keys(),
    random: Random
  ) -> Output {
    var value = Tensor(0, dtype: embeddings.dtype)
    var results: [Term] = []
    for (i, (term, name)) in zip(terms, uniqueNames).enumerated() {
      let labels = keys.labels(of: term.memory, classes: labels)
      let reference =
        term.memory?.reference(
          for: keys.embeddings(for: term.memory) ?? embeddings.detached, labels: labels)
        ?? reference
      let tuples = term.miner?.mine(
        embeddings.detached, labels: labels, reference: reference,
        random: random.split(UInt64(i)))
      let output = term.loss(
        LossInput(embeddings: embeddings, labels: labels, tuples: tuples, reference: reference))
      results.append(Term(name: name, value: output.value.item, active: output.active))
      value = value + output.value.scaled(by: term.weight)
    }
    return Output(value: value, terms: results)
  }

  /// Puts a batch in every memory, once its step is taken.
  public mutating func remember(_ embeddings: Tensor, labels: [Int], keys: Keys = Keys()) {
    for i in terms.indices {
      let memory = terms[i].memory
      terms[i].memory?.remember(
        keys.embeddings(for: memory) ?? embeddings.detached,
        labels: keys.labels(of: memory, classes: labels))
    }
  }

  /// What memories are given of a batch beside its embeddings.
  public struct Keys: Sendable {
    /// Embeddings of the batch, and of a second view of it, by the encoder of the memories.
    public var sameView, secondView: Tensor?
    /// What each row is a view of; nil if rows are told apart by their class only.
    public var items: [Int]?

    public init() {}

    fileprivate func embeddings(for memory: CrossBatchMemory?) -> Tensor? {
      memory?.keys == .secondView ? secondView : memory?.momentum == 0 ? nil : sameView
    }

    fileprivate func labels(of memory: CrossBatchMemory?, classes: [Int]) -> [Int] {
      memory?.positives == .item ? items ?? classes : classes
    }
  }

  /// Makes the parameters of every loss and empties every memory.
  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    for i in terms.indices {
      terms[i].loss.makeParameters(
        classCount: classCount, dimension: dimension, dtype: dtype, random: random.split(UInt64(i)))
      terms[i].memory?.clear(dimension: dimension, dtype: dtype)
    }
  }

  /// Calls `body` with all that the memories hold, as in "contrastive.labels".
  public mutating func updateMemories(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    for (i, prefix) in uniqueNames.enumerated() {
      try terms[i].memory?.updateState { name, tensor in try body("\(prefix).\(name)", &tensor) }
    }
  }

  /// Checks that every loss can be found for a batch, and that every miner's settings fit together.
  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    for (term, name) in zip(terms, uniqueNames) {
      try term.miner?.validate(at: "\(place): \(name): miner")
      try term.loss.validate(input, at: "\(place): \(name)")
    }
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    for (i, prefix) in uniqueNames.enumerated() {
      try terms[i].loss.updateParameters { name, parameter in
        try body("\(prefix).\(name)", &parameter)
      }
    }
  }

  /// The terms' names; the second of a name is "name-2".
  private var uniqueNames: [String] {
    var counts: [String: Int] = [:]
    return terms.map { term in
      counts[term.name, default: 0] += 1
      let count = counts[term.name, default: 1]
      return count == 1 ? term.name : "\(term.name)-\(count)"
    }
  }
}
