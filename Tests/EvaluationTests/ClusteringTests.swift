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

  /// What all rows have in common says nothing, in either precision.
  @Test(arguments: [1e2, 1e4, 1e6])
  func kMeansSeesThroughACommonOffset(offset: Double) throws {
    var random = Random(seed: 3)
    let labels = (0..<120).map { $0 % 12 }
    let centers = (0..<12).map { _ in (0..<8).map { _ in random.normal() } }
    let far = labels.map { label in
      centers[label].map { Float($0 + 0.6 * random.normal() + offset) }
    }
    func clusters<S: Scalar>(_ rows: [[S]]) -> [Int] {
      let set = EmbeddingSet(
        embeddings: Tensor(rows.flatMap { $0 }, shape: [120, 8]), labels: labels)
      var random = Random(seed: 1)
      return KMeans(
        LabeledRows<S>.prepare([set], distance: .euclidean)[0], count: 12, random: &random
      ).clusters
    }
    let near = clusters(far.map { row in row.map { Double($0) - offset } })
    #expect(clusters(far) == near)
    #expect(clusters(far.map { row in row.map { Double($0) } }) == near)
    if offset < 1e5 {
      let found = Contingency(labels: labels, clusters: near).normalizedMutualInformation
      #expect(found > 0.5)
    }
  }

  /// Two groups that lie far apart, with clusters within each: no mean takes their distance away.
  @Test func kMeansTellsNearCentersFarFromTheMean() {
    let labels = (0..<80).map { $0 % 4 }
    let rows: [Float] = labels.enumerated().flatMap { i, label in
      [Float(label < 2 ? -20_000 : 20_000) + Float(label % 2) * 4, Float(i % 5) * 0.01]
    }
    let set = EmbeddingSet(embeddings: Tensor(rows, shape: [80, 2]), labels: labels)
    let ready = LabeledRows<Float>.prepare([set], distance: .euclidean)[0]
    let search = NearestCenters(ready)
    let scale = 1 / ready.scale
    let centers = [-20_000.0, -19_996, 20_000, 20_004].flatMap { [$0 * scale, 0.02 * scale] }
    #expect(search.clusters(centers) == labels)
  }
}
