import Autodiff
import Geometry
import Miners
import Settings

/// What a loss reads labels for.
public enum LabelUse: Sendable {
  /// To tell positive from negative pairs; any relevance can do that.
  case pairs
  /// As classes that have members; each level of a hierarchy has them.
  case classes
  /// As the numbers of proxies or fixed points; nothing can stand in for them.
  case numbers
}

extension Loss {
  /// The loss of a batch whose pairs are positive by a relevance rather than by equal labels: the
  /// weighted sum of the loss over the relevance's levels.
  ///
  /// With class labels as the relevance (a set of one label for each, one level, or scores of 0 and
  /// 1) it is the plain loss, to the bit.
  /// - Parameters:
  ///   - miner: what chooses the tuples on each level; nil for those of the input.
  ///   - random: for miners that draw.
  /// - Complexity: as many plain losses as there are levels.
  public func callAsFunction(
    _ input: LossInput, relevance: Relevance, miner: (any Miner)? = nil,
    random: Random = Random(seed: 0)
  ) -> LossOutput {
    let levels = relevance.levels
    let total = levels.reduce(0) { $0 + $1.weight }
    var result = LossOutput(value: Tensor(0, dtype: input.embeddings.dtype), active: 0)
    for level in levels {
      var input = input.on(level)
      if let miner {
        input.tuples = miner.mine(
          input.embeddings.detached, labels: input.labels, reference: input.reference,
          likeness: input.likeness, random: random)
      }
      let output = self(input)
      result.value = result.value + output.value.scaled(by: level.weight)
      result.active += output.active * level.weight / max(total, .leastNormalMagnitude)
    }
    return result
  }

  /// Checks that the loss can be found for a batch by a relevance.
  public func validate(
    _ input: LossInput, relevance: Relevance, miner: (any Miner)? = nil, at place: String
  ) throws(Failure) {
    try relevance.validate(
      labels: input.labels + (input.reference?.labels ?? []), at: place)
    for level in relevance.levels {
      switch (labelUse, level.likeness) {
      case (.pairs, _), (.classes, .classes): break
      case (.classes, _):
        throw Failure(
          .badData, at: place, "this loss needs classes, and the relevance has none",
          expected: "a hierarchy", remedy: "or take a loss over pairs, as contrastive is")
      case (.numbers, _):
        throw Failure(
          .badData, at: place, "this loss has a point for each class",
          expected: "labels and no relevance", remedy: "or take a loss over pairs")
      }
      if case .classes = level.likeness {
      } else if let miner, !(miner is any AnchorwiseMiner) {
        throw Failure(
          .badData, at: place, "this miner needs classes, and the relevance has none",
          expected: "a hierarchy, or a miner of single anchors", remedy: "as batch-hard is")
      }
      try validate(input.on(level), at: place)
    }
  }
}

extension LossInput {
  /// What the loss of one level looks at.
  func on(_ level: RelevanceLevel) -> LossInput {
    var input = self
    guard case .classes(let classes) = level.likeness else {
      input.likeness = level.likeness
      return input
    }
    input.labels = labels.map { classes[$0] }
    if let reference { input.reference?.labels = reference.labels.map { classes[$0] } }
    return input
  }
}
