import Data
import Settings

/// Batches of queries, each with one document that answers it and some that do not.
///
/// No document of a batch answers the query of another row, and no two of them answer one query of
/// the training, so that losses which take all documents of a batch for negatives are right to.
public struct PairSampler: Described {
  public var batch = 64
  public var negatives = 0
  public var mineEvery = 0
  public var mineFrom = 16

  public init() {}

  public static let summary =
    "queries with a document that answers each, and mined negatives; no two answers of one query"
  public static let settings = [
    Setting("batch", \Self.batch, "how many queries a batch has", in: 1...1_000_000),
    Setting(
      "negatives", \Self.negatives,
      "how many negatives each has: mined ones, then documents drawn at random", in: 0...1000),
    Setting(
      "mineEvery", \Self.mineEvery,
      "at the start and after how many steps negatives are mined among all documents, by the encoders as "
        + "they are then; 0: never, those of the data stay"),
    Setting(
      "mineFrom", \Self.mineFrom, "how many of the nearest documents they are drawn from",
      in: 1...1000),
  ]
}

/// Every sampler of pairs, with its default settings.
public let allPairSamplers: [Named<PairSampler>] = [Named("pairs", PairSampler())]
