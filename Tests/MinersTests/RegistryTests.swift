import Autodiff
import Geometry
import Miners
import Settings
import Testing

/// What holds for every miner, by its registry entry alone.
@Suite struct RegistryTests {
  /// Six classes; every three rows are two of a class and one of another.
  private let labels = (0..<40).map { ($0 % 3 == 2 ? $0 / 3 + 1 : $0 / 3) % 6 }
  private let embeddings: Tensor = {
    var random = Random(seed: 3)
    return Tensor(normal: [40, 5], deviation: 1, dtype: .float32, random: &random)
  }()

  @Test(arguments: allMiners) func labelsAreRespected(_ named: Named<any Miner>) {
    let mined = named.value.mine(
      embeddings, labels: labels, reference: nil, random: Random(seed: 1))
    let (positive, negative) = mined.pairs
    #expect(!positive.isEmpty && !negative.isEmpty)
    #expect(positive.allSatisfy { $0.anchor != $0.other && labels[$0.anchor] == labels[$0.other] })
    // This one switches negatives for positives by design.
    guard named.name != "rho-distance" else { return }
    #expect(negative.allSatisfy { labels[$0.anchor] != labels[$0.other] })
  }

  @Test(arguments: allMiners) func isDeterministicInItsPrecision(_ named: Named<any Miner>) {
    let first = named.value.mine(
      embeddings, labels: labels, reference: nil, random: Random(seed: 1))
    let second = named.value.mine(
      embeddings, labels: labels, reference: nil, random: Random(seed: 1))
    let double = named.value.mine(
      embeddings.converted(to: .float64), labels: labels, reference: nil, random: Random(seed: 1))
    #expect(first == second)
    #expect(first == double)
  }

  /// Miners that look at neither random numbers nor places.
  @Test(arguments: allMiners) func orderOfTheBatchDoesNotMatter(_ named: Named<any Miner>) {
    guard !draws(named.value), named.name != "already-packaged" else { return }
    var random = Random(seed: 8)
    let order = random.permutation(labels.count)
    let values = embeddings.elements(as: Float.self)
    let moved = Tensor(order.flatMap { values[$0 * 5..<($0 + 1) * 5] }, shape: [40, 5])
    let mined = named.value.mine(
      embeddings, labels: labels, reference: nil, random: Random(seed: 1))
    let back = named.value.mine(
      moved, labels: order.map { labels[$0] }, reference: nil, random: Random(seed: 1)
    ).pairs
    let name = { (pair: Pair) in Pair(order[pair.anchor], order[pair.other]) }
    #expect(back.positive.map(name).sorted() == mined.pairs.positive.sorted())
    #expect(back.negative.map(name).sorted() == mined.pairs.negative.sorted())
  }

  private func draws(_ miner: any Miner) -> Bool {
    let seeds = [1, 2].map {
      miner.mine(embeddings, labels: labels, reference: nil, random: Random(seed: $0))
    }
    return seeds[0] != seeds[1]
  }

  @Test func minersThatDrawAreKnown() {
    let drawing = allMiners.filter { draws($0.value) }.map(\.name)
    #expect(
      drawing == [
        "balanced-margin", "distance-weighted", "random", "rho-distance", "soft-hard",
        "uniform-histogram",
      ])
  }

  /// The batch as its own reference, each row's place excluded, is the batch.
  @Test(arguments: allMiners) func aReferenceSetIsMinedAlike(_ named: Named<any Miner>) {
    let reference = ReferenceSet(
      embeddings: embeddings, labels: labels, places: labels.indices.map { $0 })
    let plain = named.value.mine(
      embeddings, labels: labels, reference: nil, random: Random(seed: 1))
    let referred = named.value.mine(
      embeddings, labels: labels, reference: reference, random: Random(seed: 1))
    #expect(plain == referred)
  }

  /// A gallery of other rows: everything in it may be paired, and labels are respected.
  @Test(arguments: allMiners) func galleriesAreMined(_ named: Named<any Miner>) {
    guard named.name != "already-packaged" else { return }
    var random = Random(seed: 4)
    let gallery = Tensor(normal: [55, 5], deviation: 1, dtype: .float32, random: &random)
    let galleryLabels = (0..<55).map { $0 * 7 % 9 }
    let reference = ReferenceSet(embeddings: gallery, labels: galleryLabels)
    let (positive, negative) = named.value.mine(
      embeddings, labels: labels, reference: reference, random: Random(seed: 1)
    ).pairs
    #expect(!positive.isEmpty && !negative.isEmpty)
    #expect((positive + negative).allSatisfy { $0.anchor < 40 && $0.other < 55 })
    #expect(positive.allSatisfy { labels[$0.anchor] == galleryLabels[$0.other] })
    guard named.name != "rho-distance" else { return }
    #expect(negative.allSatisfy { labels[$0.anchor] != galleryLabels[$0.other] })
  }

  /// Rows of small whole numbers, of which many are alike: both precisions see the same ties, and of
  /// what ties the smallest index is taken.
  @Test(arguments: allMiners, [Distance.Kind.euclidean, .squaredEuclidean, .dot])
  func tiesAreTheSameInBothPrecisions(_ named: Named<any Miner>, kind: Distance.Kind) {
    // √3 is half of √12, and so an edge of the bins but for rounding.
    guard named.name != "uniform-histogram" || kind != .euclidean else { return }
    var random = Random(seed: 9)
    let numbers = (0..<120).map { _ in Float(random.below(3)) }
    let rows = Tensor(numbers, shape: [40, 3])
    var miner = named.value
    if var measuring = miner as? any Measuring & Miner {
      measuring.distance = Distance(kind, normalizes: false)
      miner = measuring
    }
    let found = [rows, rows.converted(to: .float64)].map {
      miner.mine($0, labels: labels, reference: nil, random: Random(seed: 1))
    }
    #expect(found[0] == found[1])
    guard named.name == "batch-hard", case .triplets(let triplets) = found[0] else { return }
    let matrix = Distance(kind, normalizes: false).matrix(rows).elements(as: Double.self)
    let sign = Distance(kind).sign
    for one in triplets {
      let others = labels.indices.filter { labels[$0] != labels[one.anchor] }
      let least = others.map { sign * matrix[one.anchor * 40 + $0] }.min()
      #expect(one.negative == others.first { sign * matrix[one.anchor * 40 + $0] == least })
    }
  }

  /// All rows alike, or one of them 0: tuples of indices all the same, the same every time.
  @Test(arguments: allMiners, DType.allCases)
  func collapsedBatchesAreDefined(_ named: Named<any Miner>, dtype: DType) {
    for value in [0.0, 0.5] {
      var numbers = [Double](repeating: value, count: 200)
      numbers.replaceSubrange(0..<5, with: repeatElement(0, count: 5))
      let rows = Tensor(numbers, shape: [40, 5]).converted(to: dtype)
      let found = (0..<2).map { _ in
        named.value.mine(rows, labels: labels, reference: nil, random: Random(seed: 1))
      }
      #expect(found[0] == found[1])
      let (positive, _) = found[0].pairs
      #expect(positive.allSatisfy { labels[$0.anchor] == labels[$0.other] })
    }
  }

  @Test(arguments: allMiners, DType.allCases)
  func batchesWithNothingToMineGiveNothing(_ named: Named<any Miner>, dtype: DType) {
    for labels in [[], [0], [0, 0, 0], [0, 1, 2]] {
      for scale in [0.0, 1] {
        let rows = Tensor(repeating: scale, shape: [labels.count, 4], dtype: dtype)
        let (positive, negative) = named.value.mine(
          rows, labels: labels, reference: nil, random: Random(seed: 1)
        ).pairs
        #expect(positive.isEmpty || negative.isEmpty)
      }
    }
  }

  @Test(arguments: allMiners) func isDescribed(_ named: Named<any Miner>) {
    #expect(!type(of: named.value).summary.isEmpty)
    #expect(type(of: named.value).source.contains(/(19|20)\d\d/))
  }

  @Test(arguments: allMiners) func blocksGiveTheSameTuples(_ named: Named<any Miner>) {
    guard let miner = named.value as? any StreamingMiner else { return }
    let random = Random(seed: 1)
    let whole = miner.mine(embeddings, labels: labels, reference: nil, random: random)
    var (pairs, triplets): ((positive: [Pair], negative: [Pair]), [Triplet]) = (([], []), [])
    miner.forEachBlock(of: 9, embeddings, labels: labels, random: random) { block in
      pairs.positive += block.pairs.positive
      pairs.negative += block.pairs.negative
      if case .triplets(let some) = block { triplets += some }
    }
    #expect(pairs == whole.pairs)
    if case .triplets(let all) = whole { #expect(triplets == all) }
  }

  @Test func threadsDoNotChangeTuples() {
    let threads = Parallel.threadCount
    defer { Parallel.threadCount = threads }
    for named in allMiners {
      var found: [Tuples] = []
      for count in [1, 3] {
        Parallel.threadCount = count
        found.append(
          named.value.mine(embeddings, labels: labels, reference: nil, random: Random(seed: 1)))
      }
      #expect(found[0] == found[1])
    }
  }
}
