import Foundation
import Geometry
import Losses
import Miners
import Settings

extension Recipe {
  /// What in the recipe does not fit together, each in a line that says why.
  public var warnings: [String] {
    losses.enumerated().flatMap { i, term in
      (term.warnings(sampler: sampler) + term.unreachable(in: training.steps)).map {
        "losses[\(i)] (\(term.loss.name)): \($0)"
      }
    }
  }
}

extension Trainer {
  /// What in the recipe does not fit together or to the data, each in a line that says why, and how
  /// the data were read.
  package var warnings: [String] {
    var found = recipe.warnings
    let (batch, items) = (recipe.sampler.value.batchSize, data.train.count)
    if batch > items {
      found.append(
        "a batch has \(batch) items and there are only \(items) to train on, so that some are in it "
          + "more than once; set smaller batches in sampler")
    }
    if let first = data.test.labels.first, data.test.labels.allSatisfy({ $0 == first }) {
      found.append(
        "all items judged on are of one class, so that each is a match of each other and no number "
          + "says how well classes are told apart; judge on two classes or more")
    }
    return found + data.notes
  }
}

extension Recipe.LossChoice {
  fileprivate func warnings(sampler: Choice<any Sampler>) -> [String] {
    var found: [String] = []
    let settings = loss.value.settingValues
    let looksAtPairs = loss.value.looksAtPairs
    if case .number(1)? = sampler.value.settingValues["perClass"], looksAtPairs {
      found.append(
        "the sampler draws one item of each class, so there are no positive pairs to learn from; set "
          + "sampler.perClass to 2 or more")
    }
    if case .number(1)? = sampler.value.settingValues["classes"], looksAtPairs, memory == nil {
      found.append(
        "the sampler draws one class, so there are no negative pairs to learn from; set "
          + "sampler.classes to 2 or more")
    }
    guard let miner else { return found }
    if miner.value is AlreadyPackagedMiner, !(sampler.value is FixedTripletsSampler) {
      found.append(
        "the miner takes every three rows for a triplet, but the sampler \"\(sampler.name)\" does not "
          + "put them so; use the sampler \"fixed-triplets\"")
    }
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
    if miner.value is AngularMiner, let lossDistance,
      lossDistance.normalizes || lossDistance.kind == .cosine
    {
      found.append(
        "the miner \"angular\" measures raw rows and the loss unit rows, so triplets are chosen by "
          + "lengths that the loss does not see; use a miner with a distance")
    }
    if let mined = (miner.value as? any Measuring)?.distance, !mined.normalizes,
      miner.value is DistanceWeightedMiner || miner.value is RhoDistanceMiner
    {
      found.append(
        "the miner's weights are those of distances on the unit sphere, and of \(mined.words) those of "
          + "2 or more are never drawn; set the miner's normalize to true")
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

extension Recipe.LossChoice {
  /// Margins that no embedding can keep, and memories that are never used.
  fileprivate func unreachable(in steps: Int) -> [String] {
    var found: [String] = []
    if let memory, memory.warmup >= steps {
      found.append(
        "the memory warms up for \(memory.warmup) batches of a run of \(steps) steps, so it is never "
          + "used; set memory.warmup lower")
    }
    if loss.value is TripletMarginLoss, let distance = (loss.value as? any Measuring)?.distance,
      let range = distance.range, case .number(let margin)? = loss.value.settingValues["margin"],
      margin > range
    {
      found.append(
        "by \(distance.words) no two distances differ by more than \(range), so a margin of \(margin) "
          + "is never kept and no triplet is ever done; set a smaller margin")
    }
    return found
  }
}

extension Loss {
  /// Whether its terms are pairs or triplets, rather than an item each.
  var looksAtPairs: Bool {
    if self is any PairwiseLoss { return true }
    // Rows that tuples weigh, and do not choose among.
    return labelUse == .pairs && !(self is InstanceLoss)
  }
}

extension Distance {
  /// The difference of its least and its greatest value; nil without bounds.
  fileprivate var range: Double? {
    switch kind {
    case .cosine: 2
    case .dot: normalizes ? 2 : nil
    case .euclidean: normalizes && p == 2 ? pow(2, power) : nil
    case .squaredEuclidean: normalizes && p == 2 ? pow(4, power) : nil
    case .snr: nil
    }
  }

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
