import Autodiff
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
}
