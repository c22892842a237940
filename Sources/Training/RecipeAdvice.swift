import Losses
import Miners
import Settings

extension Recipe {
  /// What in the recipe does not fit together, each in a line that says why.
  public var warnings: [String] {
    losses.enumerated().flatMap { i, term in
      term.warnings(sampler: sampler).map { "losses[\(i)] (\(term.loss.name)): \($0)" }
    }
  }
}

extension Recipe.LossChoice {
  fileprivate func warnings(sampler: Choice<any Sampler>) -> [String] {
    var found: [String] = []
    let settings = loss.value.settingValues
    let looksAtPairs = loss.value is any PairwiseLoss || loss.value is TripletMarginLoss
    if case .number(1)? = sampler.value.settingValues["perClass"], looksAtPairs {
      found.append(
        "the sampler draws one item of each class, so there are no positive pairs to learn from; set "
          + "sampler.perClass to 2 or more")
    }
    guard let miner else { return found }
    if !looksAtPairs {
      found.append(
        "the loss has a term for each item rather than for pairs, so the miner "
          + "\"\(miner.name)\" only changes how much each item weighs")
    }
    let lossDistance =
      (loss.value as? any PairwiseLoss)?.distance ?? (loss.value as? any Measuring)?.distance
    if let mined = (miner.value as? any Measuring)?.distance, let lossDistance,
      !mined.ordersAlike(lossDistance)
    {
      found.append(
        "the miner chooses by \(mined.words) and the loss measures by \(lossDistance.words): what is "
          + "hard for one is not hard for the other; set the same distance and normalize in both")
    }
    if loss.value is TripletMarginLoss, miner.value is BatchHardMiner {
      if let lossDistance, lossDistance.kind == .squaredEuclidean || !lossDistance.normalizes {
        found.append(
          "the hardest triplets by \(lossDistance.words) pull all items together from a cold start; "
            + "use a normalised Euclidean distance, semihard negatives, or a guard with an action")
      }
      if case .number(let margin)? = settings["margin"], margin <= 0,
        settings["smooth"] != .bool(true)
      {
        found.append(
          "with a margin of \(margin) the loss is least when all items are embedded alike; set a "
            + "margin above 0 or smooth to true")
      }
    }
    if let mined = miner.value.settingValues["margin"], let own = settings["margin"],
      case .number(let mined) = mined, case .number(let own) = own,
      miner.value is TripletMarginMiner, loss.value is TripletMarginLoss, mined < own
    {
      found.append(
        "the miner's margin \(mined) is below the loss's \(own), so triplets that the loss still "
          + "counts are left out; set the miner's margin to \(own)")
    }
    return found
  }
}

extension Distance {
  /// Whether the nearest by one is the nearest by the other.
  fileprivate func ordersAlike(_ other: Distance) -> Bool { family == other.family }

  /// Distances of a family order rows alike.
  private var family: String {
    switch kind {
    case .cosine: "unit"
    case .dot: normalizes ? "unit" : "dot"
    case .euclidean, .squaredEuclidean: normalizes ? "unit" : "euclidean"
    case .snr: "snr \(normalizes)"
    }
  }

  fileprivate var words: String {
    kind == .cosine ? "cosine" : kind.rawValue + (normalizes ? " of unit rows" : " of raw rows")
  }
}
