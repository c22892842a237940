import Autodiff
import Geometry
import Miners
import Settings
import Testing

@Suite struct MPerClassSamplerTests {
  /// Seven classes; class 6 has two items, fewer than a batch wants.
  private let labels = (0..<60).map { $0 % 6 } + [6, 6]
  private let sampler = MPerClassSampler(classes: 3, perClass: 4)

  @Test func everyBatchIsWhole() {
    for step in 0..<50 {
      let batch = sampler.batch(step, of: labels, random: Random(seed: 1))
      #expect(batch.count == sampler.batchSize)
      let counts = Dictionary(grouping: batch) { labels[$0] }
      #expect(counts.count == 3)
      #expect(counts.values.allSatisfy { $0.count == 4 })
      for (label, items) in counts where label != 6 { #expect(Set(items).count == 4) }
    }
  }

  @Test func aPassRepeatsNoClass() {
    for pass in 0..<10 {
      let classes = (0..<2).flatMap { batch in
        Set(sampler.batch(2 * pass + batch, of: labels, random: Random(seed: 1)).map { labels[$0] })
      }
      #expect(Set(classes).count == 6)
    }
  }

  @Test func everyItemIsDrawnSooner() {
    let drawn = (0..<200).flatMap { sampler.batch($0, of: labels, random: Random(seed: 1)) }
    #expect(Set(drawn).count == labels.count)
  }

  @Test func aBatchDependsOnSeedAndStepOnly() {
    let batch = sampler.batch(7, of: labels, random: Random(seed: 1))
    #expect(batch == sampler.batch(7, of: labels, random: Random(seed: 1)))
    #expect(batch != sampler.batch(8, of: labels, random: Random(seed: 1)))
    #expect(batch != sampler.batch(7, of: labels, random: Random(seed: 2)))
  }

  @Test func tooFewClassesAreRefused() throws {
    try sampler.validate(labels: labels, at: "recipe")
    #expect(throws: Failure.self) { try sampler.validate(labels: [0, 0, 1], at: "recipe") }
  }
}
