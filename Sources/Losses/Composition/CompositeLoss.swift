import Autodiff
import Geometry
import Settings

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
    /// What the loss's state becomes once the step is taken.
    var state: [Tensor] = []
  }

  /// The weighted sum of the losses of a batch, each over the tuples of its miner.
  ///
  /// Mining sees values only. Each miner gets a stream of `random` of its own. A term with a memory
  /// that has warmed up compares with that rather than with `reference`; the batch is not put in
  /// for good: see ``remember(_:labels:)``.
  public func callAsFunction(_ context: LossContext) -> Output {
    let (embeddings, keys, random) = (context.embeddings, context.keys, context.random)
    var value = Tensor(0, dtype: embeddings.dtype)
    var results: [Term] = []
    for (i, (term, name)) in zip(terms, uniqueNames).enumerated() {
      enterStage("the loss \(name)")
      let labels = keys.labels(of: term.memory, classes: context.labels)
      let reference =
        term.memory?.reference(
          for: keys.embeddings(for: term.memory) ?? embeddings.detached, labels: labels,
          items: keys.items, random: random.split(UInt64(i)).split("memory"))
        ?? context.reference
      let tuples = term.tuples(
        embeddings.detached, labels: labels, reference: reference,
        random: random.split(UInt64(i)))
      var input = LossInput(
        embeddings: embeddings, labels: labels, tuples: tuples, reference: reference,
        teacher: context.teacher)
      input.random = random.split(UInt64(i)).split("modifiers")
      let output = term(input)
      results.append(
        Term(name: name, value: output.value.item, active: output.active, state: output.state))
      value = value + output.value.scaled(by: term.weight)
    }
    return Output(value: value, terms: results)
  }

  /// The same of a batch alone.
  public func callAsFunction(_ embeddings: Tensor, labels: [Int], random: Random) -> Output {
    self(LossContext(embeddings, labels: labels, random: random))
  }

  /// Puts a batch in every memory, and every loss's state where the batch moves it, once its step is
  /// taken.
  public mutating func remember(
    _ embeddings: Tensor, labels: [Int], keys: Keys = Keys(), _ output: [Term] = []
  ) {
    for i in terms.indices {
      let memory = terms[i].memory
      terms[i].memory?.remember(
        keys.embeddings(for: memory) ?? embeddings.detached,
        labels: keys.labels(of: memory, classes: labels), items: keys.items)
    }
    for (i, term) in zip(terms.indices, output) { terms[i].loss.take(term.state) }
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
      terms[i].makeParameters(
        classCount: classCount, dimension: dimension, dtype: dtype, random: random.split(UInt64(i)))
      terms[i].memory?.clear(dimension: dimension, dtype: dtype)
    }
  }

  /// Calls `body` with all that the memories hold and with the losses' state, as in
  /// "contrastive.labels".
  public mutating func updateMemories(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    for (i, prefix) in uniqueNames.enumerated() {
      try terms[i].memory?.updateState { name, tensor in try body("\(prefix).\(name)", &tensor) }
      try terms[i].loss.updateState { name, tensor in try body("\(prefix).\(name)", &tensor) }
    }
  }

  /// Whether each item of a batch must be there twice, augmented in two ways.
  public var needsTwoViews: Bool { terms.contains { $0.needsTwoViews } }

  /// Checks that every loss can be found for a batch, and that every miner's settings fit together.
  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    for (term, name) in zip(terms, uniqueNames) {
      try term.miner?.validate(at: "\(place): \(name): miner")
      try term.validate(input, at: "\(place): \(name)")
    }
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    for (i, prefix) in uniqueNames.enumerated() {
      try terms[i].updateParameters { name, parameter in
        try body("\(prefix).\(name)", &parameter)
      }
    }
  }

  /// The terms' names; the second of a name is "name-2".
  private var uniqueNames: [String] { terms.map(\.name).madeUnique }
}

extension [String] {
  /// The same with "name-2" for the second of a name.
  var madeUnique: [String] {
    var counts: [String: Int] = [:]
    return map { name in
      counts[name, default: 0] += 1
      let count = counts[name, default: 1]
      return count == 1 ? name : "\(name)-\(count)"
    }
  }
}
