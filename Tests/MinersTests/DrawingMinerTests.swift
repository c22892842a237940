import Autodiff
import Foundation
import Geometry
import Miners
import Settings
import Testing

/// Miners that draw, by how often they draw what.
@Suite struct DrawingMinerTests {
  private let line = Distance(.euclidean, normalizes: false)

  private func triplets(
    _ miner: some Miner, _ rows: Tensor, _ labels: [Int], seed: Int
  ) -> [Triplet] {
    guard
      case .triplets(let triplets) = miner.mine(
        rows, labels: labels, reference: nil, random: Random(seed: UInt64(seed)))
    else { return [] }
    return triplets
  }

  @Test func negativesAreDrawnByTheirWeight() {
    // On the unit circle: an anchor, its positive, and negatives 0.6, 1.2 and 1.6 away.
    let angles = [0, 0] + [0.6, 1.2, 1.6].map { 2 * asin($0 / 2) }
    let rows = Tensor(angles.flatMap { [cos($0), sin($0), 0, 0, 0] }, shape: [5, 5])
    let labels = [0, 0, 1, 2, 3]
    var counts = [Int](repeating: 0, count: 5)
    for seed in 0..<2000 {
      for one in triplets(DistanceWeightedMiner(), rows, labels, seed: seed) {
        #expect(one.anchor < 2)
        counts[one.negative] += 1
      }
    }
    let weight = { (d: Double) in pow(d, -3) / (1 - d * d / 4) }
    let expected = weight(0.6) / (weight(0.6) + weight(1.2))
    #expect(abs(Double(counts[2]) / 4000 - expected) < 0.02)
    #expect(counts[2] + counts[3] == 4000)
  }

  @Test func weightsSurviveManyDimensions() {
    // In 4096 dimensions the weights of these negatives span thousands of powers of ten.
    let dimension = 4096
    let angles = [0, 0.01] + [0.9, 1.1, 1.3].map { 2 * asin($0 / 2) }
    let rows = Tensor(
      angles.flatMap { angle in
        [cos(angle), sin(angle)] + [Double](repeating: 0, count: dimension - 2)
      }, shape: [5, dimension])
    let mined = triplets(DistanceWeightedMiner(), rows, [0, 0, 1, 2, 3], seed: 1)
    #expect(mined.map(\.negative) == [2, 2])
  }

  @Test func similaritiesAreRefused() {
    #expect(throws: Failure.self) {
      try DistanceWeightedMiner(distance: .cosine).validate(at: "miner")
    }
  }

  @Test func rhoSwitchesAShareOfNegatives() {
    var random = Random(seed: 5)
    let rows = Tensor(normal: [40, 6], deviation: 1, dtype: .float64, random: &random)
    let labels = (0..<40).map { $0 % 5 }
    let plain = triplets(DistanceWeightedMiner(), rows, labels, seed: 3)
    #expect(triplets(RhoDistanceMiner(switching: 0), rows, labels, seed: 3) == plain)
    let mined = triplets(RhoDistanceMiner(), rows, labels, seed: 3)
    let switched = mined.filter { labels[$0.anchor] == labels[$0.negative] }
    #expect(abs(Double(switched.count) / Double(mined.count) - 0.3) < 0.1)
    #expect(
      switched.allSatisfy { $0.negative != $0.anchor && $0.negative != $0.positive })
    #expect(plain.map(\.positive) == mined.map(\.positive))
  }

  @Test func softHardDrawsAmongTheOverlap() {
    // Anchor at 0: positives at 1, 3 and 4, negatives at 2, 3.5 and 9; 3, 4 and 2, 3.5 overlap.
    let rows = Tensor([0, 1, 3, 4, 2, 3.5, 9] as [Double], shape: [7, 1])
    let labels = [0, 0, 0, 0, 1, 1, 1]
    var (positives, negatives): (Set<Int>, Set<Int>) = ([], [])
    for seed in 0..<50 {
      let first = triplets(SoftHardMiner(distance: line), rows, labels, seed: seed)[0]
      positives.insert(first.positive)
      negatives.insert(first.negative)
    }
    #expect(positives == [2, 3])
    #expect(negatives == [4, 5])
  }

  @Test func randomTripletsAreAsManyAsAsked() {
    let rows = Tensor(zeros: [6, 2], dtype: .float32)
    let mined = triplets(RandomMiner(count: 7), rows, [0, 0, 1, 1, 1, 2], seed: 1)
    #expect(mined.map(\.anchor) == (0..<5).flatMap { [Int](repeating: $0, count: 7) })
  }

  @Test func everyBinGivesItsPairs() {
    // Positive distances 1, 1 (one bin of two) and 4, 4 and 3, 3: of three bins, two are filled.
    let rows = Tensor([0, 1, 4, 100] as [Double], shape: [4, 1])
    let mined = UniformHistogramMiner(
      bins: 3, positivesPerBin: 5, negativesPerBin: 2, distance: line
    ).mine(rows, labels: [0, 0, 0, 1], reference: nil, random: Random(seed: 1)).pairs
    let near = mined.positive.filter { $0.anchor + $0.other == 1 }
    #expect(near.count == 5)
    #expect(mined.positive.count == 10)
    // Negative distances 100, 99 and 96, each twice: 96 in the first bin, 99 and 100 in the last.
    #expect(mined.negative.count == 4)
  }
}
