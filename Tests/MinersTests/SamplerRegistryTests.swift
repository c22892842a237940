import Autodiff
import Geometry
import Miners
import Settings
import Testing

/// What holds for every sampler.
@Suite struct SamplerRegistryTests {
  /// Forty classes of 3 to 6 items, out of order, and class 40 with one.
  private let labels = (0..<180).map { ($0 * 7) % 40 } + [40]

  /// The default settings, where they need none of the data.
  private func usable(_ sampler: any Sampler) -> any Sampler {
    guard sampler is HierarchicalSampler else { return sampler }
    var hierarchical = HierarchicalSampler()
    hierarchical.groups = (0...40).map { $0 / 12 }
    return hierarchical
  }

  @Test(arguments: allSamplers) func batchesAreWholeAndDependOnSeedAndStep(
    _ named: Named<any Sampler>
  ) throws {
    let sampler = usable(named.value)
    try sampler.validate(labels: labels, at: "sampler")
    var batches: Set<[Int]> = []
    for step in 0..<30 {
      let batch = sampler.batch(step, of: labels, random: Random(seed: 1))
      #expect(batch.count == sampler.batchSize)
      #expect(batch.allSatisfy { labels.indices.contains($0) })
      #expect(Set(batch.map { labels[$0] }).count > 1)
      #expect(batch == sampler.batch(step, of: labels, random: Random(seed: 1)))
      batches.insert(batch)
    }
    #expect(batches.count == 30)
    #expect(!batches.contains(sampler.batch(0, of: labels, random: Random(seed: 2))))
  }

  @Test(arguments: allSamplers) func dataWithNothingToDrawAreRefused(_ named: Named<any Sampler>) {
    #expect(throws: Failure.self) { try usable(named.value).validate(labels: [], at: "sampler") }
  }

  @Test func rareClassesAreDrawnAsOften() {
    let labels = [Int](repeating: 0, count: 90) + [Int](repeating: 1, count: 10)
    for (power, share) in [(0.0, 0.5), (0.5, 0.25), (1, 0.1)] {
      let sampler = ClassBalancedSampler(count: 8000, power: power)
      let batch = sampler.batch(0, of: labels, random: Random(seed: 1))
      let found = Double(batch.filter { labels[$0] == 1 }.count) / 8000
      #expect(abs(found - share) < 0.02)
    }
  }

  @Test func tripletsAreFixed() {
    let sampler = FixedTripletsSampler(count: 20, perBatch: 6)
    var seen: Set<[Int]> = []
    for step in 0..<60 {
      let batch = sampler.batch(step, of: labels, random: Random(seed: 1))
      for i in stride(from: 0, to: 18, by: 3) {
        let (a, p, n) = (batch[i], batch[i + 1], batch[i + 2])
        #expect(a != p && labels[a] == labels[p] && labels[a] != labels[n])
        seen.insert([a, p, n])
      }
    }
    #expect(seen.count == 20)
  }

  @Test func groupsStayTogether() throws {
    let sampler = HierarchicalSampler(
      groups: (0...40).map { $0 / 12 }, groupsPerBatch: 3, classesPerGroup: 5, perClass: 2)
    for step in 0..<20 {
      let classes = sampler.batch(step, of: labels, random: Random(seed: 1)).map { labels[$0] }
      let byGroup = Dictionary(grouping: Set(classes)) { $0 / 12 }
      #expect(byGroup.count == 3)
      #expect(byGroup.values.allSatisfy { $0.count == 5 })
    }
    let short = HierarchicalSampler(
      groups: [0, 0, 1], groupsPerBatch: 1, classesPerGroup: 1, perClass: 1)
    #expect(throws: Failure.self) { try short.validate(labels: labels, at: "sampler") }
  }

  @Test func noItemOccursTwice() {
    let sampler = NoDuplicatesSampler(classes: 20, perClass: 4)
    for step in 0..<20 {
      let batch = sampler.batch(step, of: labels, random: Random(seed: 1))
      #expect(Set(batch).count == 80)
      #expect(Dictionary(grouping: batch) { labels[$0] }.count == 20)
    }
  }

  /// Items of class c near to the c-th axis, but for the last of each class.
  private func axes(_ labels: [Int]) -> Tensor {
    var seen: [Int: Int] = [:]
    let last = Dictionary(labels.enumerated().map { ($1, $0) }, uniquingKeysWith: max)
    let rows = labels.enumerated().flatMap { item, label -> [Double] in
      seen[label, default: 0] += 1
      return (0..<8).map { k -> Double in
        let other = item == last[label] ? (label + 1) % 8 : label % 8
        return k == other ? 1 : 0.01 * Double(seen[label, default: 0]) * Double(k)
      }
    }
    return Tensor(rows, shape: [labels.count, 8])
  }

  @Test(arguments: allSamplers) func whatWasObservedIsAllInTheState(
    _ named: Named<any Sampler>
  ) throws {
    guard var sampler = named.value as? any AdaptiveSampler else { return }
    let before = sampler.batch(3, of: labels, random: Random(seed: 1))
    #expect(before.count == sampler.batchSize)
    sampler.prepare(itemCount: labels.count, dimension: 8)
    for embeddings in [axes(labels), axes(labels).scaled(by: 0)] {
      sampler.observe(embeddings, labels: labels, random: Random(seed: 4))
      var state: [String: Tensor] = [:]
      sampler.updateState { state[$0] = $1 }
      var other = try #require(named.value as? any AdaptiveSampler)
      other.prepare(itemCount: labels.count, dimension: 8)
      other.updateState { name, tensor in
        #expect(tensor.shape == state[name]?.shape && tensor.dtype == state[name]?.dtype)
        tensor = state[name] ?? tensor
      }
      for step in 0..<9 {
        let batch = sampler.batch(step, of: labels, random: Random(seed: 1))
        #expect(batch == other.batch(step, of: labels, random: Random(seed: 1)))
        #expect(batch.count == sampler.batchSize && Set(batch.map { labels[$0] }).count > 1)
      }
    }
  }

  @Test func hardItemsAreDrawnMoreOften() {
    let labels = (0..<80).map { $0 % 8 }
    var sampler = HardnessWeightedSampler()
    (sampler.classes, sampler.perClass) = (4, 2)
    sampler.prepare(itemCount: 80, dimension: 8)
    sampler.observe(axes(labels), labels: labels, random: Random(seed: 1))
    var hard = 0
    for step in 0..<100 {
      hard += sampler.batch(step, of: labels, random: Random(seed: 1)).filter { $0 >= 72 }.count
    }
    // One item of ten lies with another class; each class' draws nearly always have it.
    #expect(hard > 300)
  }

  @Test func topicsStayTogether() {
    let labels = (0..<120).map { $0 % 24 }
    var sampler = TopicClusteredSampler()
    (sampler.classes, sampler.perClass, sampler.topics) = (3, 2, 8)
    sampler.prepare(itemCount: 120, dimension: 8)
    // Classes 0 to 23 lie on eight axes, three on each.
    let rows = labels.flatMap { label -> [Double] in
      (0..<8).map { $0 == label % 8 ? 1 : 0.001 }
    }
    var together = 0
    sampler.observe(Tensor(rows, shape: [120, 8]), labels: labels, random: Random(seed: 1))
    for step in 0..<40 {
      let classes = Set(
        sampler.batch(step, of: labels, random: Random(seed: 1)).map { labels[$0] })
      #expect(classes.count == 3)
      if Set(classes.map { $0 % 8 }).count == 1 { together += 1 }
    }
    #expect(together > 10)
  }

  @Test func aCoresetTakesTheFarthest() {
    let labels = (0..<40).map { $0 % 4 }
    var sampler = CoresetSampler()
    (sampler.classes, sampler.perClass) = (4, 2)
    sampler.prepare(itemCount: 40, dimension: 2)
    // The last item of each class lies apart from the nine others.
    let rows = labels.indices.flatMap { item -> [Double] in
      item >= 36 ? [0, 1] : [1, 0.01 * Double(item)]
    }
    sampler.observe(Tensor(rows, shape: [40, 2]), labels: labels, random: Random(seed: 1))
    for step in 0..<20 {
      let batch = sampler.batch(step, of: labels, random: Random(seed: 1))
      #expect(batch.filter { $0 >= 36 }.count == 4)
      #expect(Set(batch).count == 8)
    }
  }

  @Test func marginsFallIntoBins() {
    #expect(marginBins([0, 0.5, 1, 2, 9.99, 10, 5], count: 10) == [0, 0, 1, 2, 9, 9, 5])
    #expect(marginBins([3, 3], count: 10) == [0, 0])
    // An anchor with 99 negatives at one distance and a single one farther off.
    let rows = Tensor([0, 0] + [Double](repeating: 1, count: 99) + [2], shape: [102, 1])
    let labels = [0, 0] + (1...100).map { $0 }
    var miner = BalancedMarginMiner()
    miner.distance.normalizes = false
    let rare = (0..<500).flatMap { seed -> [Int] in
      let found = miner.mine(
        rows, labels: labels, reference: nil, random: Random(seed: UInt64(seed)))
      guard case .triplets(let triplets) = found else { return [] }
      return triplets.filter { $0.anchor == 0 }.map(\.negative)
    }
    #expect(rare.count == 500)
    #expect(abs(rare.count { $0 == 101 } - 250) < 45)
  }
}
