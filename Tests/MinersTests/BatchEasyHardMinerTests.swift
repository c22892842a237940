import Autodiff
import Geometry
import Miners
import Settings
import Testing

@Suite struct BatchEasyHardMinerTests {
  /// Points on a line; 0, 1, 3 are of class 0 and 2, 5, 9 of class 1 (distances as they stand).
  private let labels = [0, 0, 0, 1, 1, 1]
  private let embeddings = Tensor([0, 1, 3, 2, 5, 9] as [Double], shape: [6, 1])

  private func miner(
    _ positives: BatchEasyHardMiner.Strategy, _ negatives: BatchEasyHardMiner.Strategy
  ) -> BatchEasyHardMiner {
    BatchEasyHardMiner(
      positives: positives, negatives: negatives,
      distance: Distance(.euclidean, normalizes: false))
  }

  private func mine(_ miner: BatchEasyHardMiner) -> (positive: [Pair], negative: [Pair]) {
    miner.mine(embeddings, labels: labels, reference: nil, random: Random(seed: 0)).pairs
  }

  @Test func hardAndEasy() {
    let mined = mine(miner(.hard, .easy))
    #expect(mined.positive.map(\.other) == [2, 2, 0, 5, 5, 3])
    #expect(mined.negative.map(\.other) == [5, 5, 5, 0, 0, 0])
  }

  @Test func semihardNegativesAreBeyondThePositive() {
    // Anchor 0 (at 0): easy positive at 1, then the nearest negative beyond 1 is at 2.
    let mined = mine(miner(.easy, .semihard))
    #expect(mined.positive.contains(Pair(0, 1)))
    #expect(mined.negative.contains(Pair(0, 3)))
    // Anchor 3 (at 2): easy positive at 5, 3 away; no negative is farther, so it gives nothing.
    #expect(!mined.positive.contains { $0.anchor == 3 })
    #expect(!mined.negative.contains { $0.anchor == 3 })
  }

  @Test func semihardPositivesAreWithinTheNegative() {
    // Anchor 0: the hard negative is at 2; the farthest positive nearer than that is at 1.
    let mined = mine(miner(.semihard, .hard))
    #expect(mined.positive.first == Pair(0, 1))
    #expect(mined.negative.first == Pair(0, 3))
  }

  @Test func allKeepsEveryPairOfItsSide() {
    let mined = mine(miner(.all, .hard))
    #expect(mined.positive.count == 12)
    #expect(mined.negative.map(\.anchor) == [0, 1, 2, 3, 4, 5])
    #expect(mine(miner(.all, .all)).negative.count == 18)
    #expect(mine(miner(.easy, .all)).positive.count == 6)
  }

  @Test func rangesIncludeTheirBounds() {
    var ranged = miner(.hard, .hard)
    ranged.maximumPositive = 1
    ranged.minimumNegative = 5
    let mined = mine(ranged)
    #expect(mined.positive == [Pair(0, 1), Pair(1, 0)])
    #expect(mined.negative == [Pair(0, 4), Pair(1, 5)])
  }

  @Test func tiesGoToTheSmallestIndex() {
    let rows = Tensor([0, 1, -1, 2, -2] as [Double], shape: [5, 1])
    let mined = miner(.hard, .hard).mine(
      rows, labels: [0, 0, 0, 1, 1], reference: nil, random: Random(seed: 0)
    ).pairs
    #expect(mined.positive.first == Pair(0, 1))
    #expect(mined.negative.first == Pair(0, 3))
  }

  @Test func strategiesThatDoNotFitAreRefused() throws {
    for (positives, negatives) in [
      (BatchEasyHardMiner.Strategy.semihard, BatchEasyHardMiner.Strategy.semihard),
      (.semihard, .all), (.all, .semihard),
    ] {
      #expect(throws: Failure.self) { try miner(positives, negatives).validate(at: "recipe") }
    }
    var reversed = miner(.easy, .hard)
    try reversed.validate(at: "recipe")
    (reversed.minimumNegative, reversed.maximumNegative) = (2, 1)
    #expect(throws: Failure.self) { try reversed.validate(at: "recipe") }
  }
}
