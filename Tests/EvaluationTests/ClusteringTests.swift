import Autodiff
import Settings
import Testing

import Evaluation

@Suite struct ClusteringTests {
  /// Values of scikit-learn 1.9.1.
  @Test func equalsPeer() {
    let labels = (0..<60).map { $0 % 5 }
    let clusters = (0..<60).map { ($0 * $0 / 7 + $0 % 5) % 6 }
    let large = Contingency(labels: labels, clusters: clusters)
    #expect(abs(large.adjustedMutualInformation - 0.01322835475247853) < 1e-12)
    #expect(abs(large.normalizedMutualInformation - 0.12954639638323798) < 1e-12)
    let small = Contingency(labels: [0, 0, 0, 1, 1, 2, 2, 3], clusters: [0, 0, 1, 1, 1, 2, 3, 2])
    #expect(abs(small.adjustedMutualInformation - 0.31989551577364395) < 1e-12)
    #expect(abs(small.normalizedMutualInformation - 0.6881041381073283) < 1e-12)
  }

  @Test func trivialClusteringsTellNothing() {
    let one = Contingency(labels: [0, 0, 0, 0], clusters: [0, 1, 2, 3])
    #expect(one.normalizedMutualInformation == 0 && one.adjustedMutualInformation == 0)
    let other = Contingency(labels: [0, 1, 2, 3], clusters: [0, 0, 0, 0])
    #expect(other.normalizedMutualInformation == 0 && other.adjustedMutualInformation == 0)
    let same = Contingency(labels: [0, 1, 2], clusters: [2, 0, 1])
    #expect(same.normalizedMutualInformation == 1 && same.adjustedMutualInformation == 1)
  }

  @Test func judgesGivenClusters() throws {
    let labels = [0, 0, 0, 1, 1, 2, 2, 3]
    let set = EmbeddingSet(labels.map { [Double($0)] }, labels)
    var options = EvaluationOptions()
    options.metrics = ["nmi", "ami"]
    options.clusters = [9, 9, 4, 4, 4, 2, -3, 2]
    let found = try evaluate(query: set, options: options)
    #expect(abs(try #require(found["nmi"]) - 0.6881041381073283) < 1e-12)
    #expect(
      found.entries.map(\.id) == [
        "nmi/arithmetic-mean/given-clusters",
        "ami/arithmetic-mean/exact-expectation/given-clusters",
      ])
    options.clusters = [1]
    #expect(throws: Failure.self) { try evaluate(query: set, options: options) }
  }

  @Test func kMeansFindsSeparateGroups() {
    var random = Random(seed: 1)
    let labels = (0..<90).map { $0 % 6 }
    let rows = labels.map { label in (0..<3).map { Double(label * ($0 + 1) * 20) + random.normal() }
    }
    let set = LabeledRows<Double>.prepare([EmbeddingSet(rows, labels)], distance: .euclidean)[0]
    let clusters = KMeans(set, count: 6, random: &random).clusters
    #expect(Contingency(labels: labels, clusters: clusters).normalizedMutualInformation == 1)
  }

  private func mutualInformation<S: Scalar>(_ rows: [[S]], _ labels: [Int]) throws -> Double {
    var options = EvaluationOptions()
    options.metrics = ["nmi"]
    let rows = Tensor(rows.flatMap { $0 }, shape: [labels.count, rows[0].count])
    return try #require(
      try evaluate(query: EmbeddingSet(embeddings: rows, labels: labels), options: options)["nmi"])
  }

  /// What all rows have in common says nothing, in either precision.
  @Test(arguments: [1e2, 1e4, 1e6])
  func kMeansSeesThroughACommonOffset(offset: Double) throws {
    var random = Random(seed: 3)
    let labels = (0..<120).map { $0 % 12 }
    let centers = (0..<12).map { _ in (0..<8).map { _ in random.normal() } }
    let far = labels.map { label in
      centers[label].map { Float($0 + 0.6 * random.normal() + offset) }
    }
    let near = try mutualInformation(far.map { row in row.map { Double($0) - offset } }, labels)
    #expect(try mutualInformation(far, labels) == near)
    #expect(try mutualInformation(far.map { row in row.map { Double($0) } }, labels) == near)
    if offset < 1e5 { #expect(near > 0.5) }
  }

  /// Two groups that lie far apart, with clusters within each: no mean takes their distance away.
  @Test func kMeansTellsNearCentersFarFromTheMean() throws {
    let labels = (0..<80).map { $0 % 4 }
    let rows = labels.enumerated().map { i, label -> [Float] in
      [Float(label < 2 ? -20_000 : 20_000) + Float(label % 2) * 4, Float(i % 5) * 0.01]
    }
    #expect(try mutualInformation(rows, labels) == 1)
  }
}
