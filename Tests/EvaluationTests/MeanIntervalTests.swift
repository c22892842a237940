import Autodiff
import Evaluation
import Testing

@Suite struct MeanIntervalTests {
  /// In 95 of 100 simulated worlds the interval holds the truth: over queries where queries are drawn
  /// one by one, over classes where classes are drawn and their queries are alike.
  @Test func intervalsCoverTheTruth() throws {
    let random = Random(seed: 12)
    let worlds = 1000
    var covered = (queries: 0, classes: 0, naive: 0)
    for world in 0..<worlds {
      var random = random.split(UInt64(world))
      let single = (0..<200).map { _ -> Double? in random.uniform() < 0.7 ? 1 : 0 }
      let queries = try #require(
        MeanInterval(single, labels: Array(0..<200), seed: world, draws: 300))
      if queries.overQueries.contains(0.7) { covered.queries += 1 }
      var (values, labels) = ([Double?](), [Int]())
      for label in 0..<100 {
        let share = random.uniform(in: 0.4...1)
        for _ in 0..<4 {
          values.append(random.uniform() < share ? 1 : 0)
          labels.append(label)
        }
      }
      let classes = try #require(MeanInterval(values, labels: labels, seed: world, draws: 300))
      if classes.overClasses.contains(0.7) { covered.classes += 1 }
      if classes.overQueries.contains(0.7) { covered.naive += 1 }
    }
    #expect((930...970).contains(covered.queries), "\(covered)")
    #expect((930...970).contains(covered.classes), "\(covered)")
    // Queries of one class are alike, so draws of queries are too sure of themselves.
    #expect(covered.naive < covered.classes, "\(covered)")
  }

  @Test func thereIsNoneWithoutValues() {
    #expect(MeanInterval([nil, nil], labels: [0, 1]) == nil)
    #expect(MeanInterval([0.5], labels: [3])?.overClasses == 0.5...0.5)
  }
}
