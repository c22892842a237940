import Autodiff
import Geometry
import Miners
import Testing

/// Miners that draw nothing, on points of a line.
@Suite struct RankAndClassMinerTests {
  private let labels = [0, 0, 0, 1, 1, 1]
  private let embeddings = Tensor([0, 1, 3, 2, 5, 9] as [Double], shape: [6, 1])
  private let line = Distance(.euclidean, normalizes: false)

  private func mine(_ miner: some Miner) -> Tuples {
    miner.mine(embeddings, labels: labels, reference: nil, random: Random(seed: 0))
  }

  @Test func ranksAreTakenInAWindow() {
    let all = mine(NHardestMiner(count: 1, distance: line)).pairs
    #expect(all.positive.map(\.other) == [2, 2, 0, 5, 5, 3])
    #expect(all.negative.map(\.other) == [3, 3, 3, 1, 2, 2])
    let skipping = mine(NHardestMiner(count: 2, skip: 1, skipPositives: 1, distance: line)).pairs
    #expect(skipping.positive.map(\.other) == [1, 0, 1, 4, 3, 4])
    #expect(skipping.negative.filter { $0.anchor == 0 }.map(\.other) == [4, 5])
    #expect(mine(NHardestMiner(count: 1, skip: 3, distance: line)).pairs.positive.isEmpty)
  }

  @Test func tiesRankBySmallestIndex() {
    let rows = Tensor([0, 1, -1, 2, -2] as [Double], shape: [5, 1])
    let mined = NHardestMiner(count: 1, distance: line).mine(
      rows, labels: [0, 0, 0, 1, 1], reference: nil, random: Random(seed: 0)
    ).pairs
    #expect(mined.positive.first == Pair(0, 1))
    #expect(mined.negative.first == Pair(0, 3))
  }

  @Test func clustersAreComparedByTheirMeans() {
    // Means: class 0 (0, 1, 3) 4/3; class 1 (2, 5, 9) 16/3; class 2 (20, 20) 20.
    let rows = Tensor([0, 1, 3, 2, 5, 9, 20, 20] as [Double], shape: [8, 1])
    let mined = HardClusterMiner(distance: line).mine(
      rows, labels: [0, 0, 0, 1, 1, 1, 2, 2], reference: nil, random: Random(seed: 0))
    #expect(
      mined
        == .triplets([
          Triplet(0, 2, 3), Triplet(1, 2, 3), Triplet(2, 0, 3),
          Triplet(3, 5, 1), Triplet(4, 5, 2), Triplet(5, 3, 2),
          Triplet(6, 7, 5), Triplet(7, 6, 5),
        ]))
  }

  @Test func packagedTripletsAreEveryThreeRows() {
    let mined = AlreadyPackagedMiner().mine(
      Tensor(zeros: [8, 2], dtype: .float32), labels: [0, 0, 1, 2, 2, 2, 4, 4], reference: nil,
      random: Random(seed: 0))
    #expect(mined == .triplets([Triplet(0, 1, 2)]))
  }

  /// A few of many are found without an order of all; ties go to the smaller row.
  @Test(arguments: [1, 3, 200]) func theHardestOfManyAreThoseOfTheOrder(count: Int) {
    var random = Random(seed: 6)
    // Whole numbers, so that there are ties.
    let values = (0..<150).map { _ in Double(random.below(12)) }
    var miner = NHardestMiner()
    (miner.count, miner.skip, miner.distance) = (count, 2, Distance(.dot, normalizes: false))
    let rows = Tensor([1, 1] + values, shape: [152, 1])
    let labels = [0, 0] + (1...150).map { $0 }
    let mined = miner.mine(rows, labels: labels, reference: nil, random: Random(seed: 0)).pairs
    let order = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
    let expected = order.dropFirst(2).prefix(count).map { $0 + 2 }
    #expect(mined.negative.filter { $0.anchor == 0 }.map(\.other) == expected)
  }
}
