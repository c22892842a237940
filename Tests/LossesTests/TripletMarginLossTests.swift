import Autodiff
import Geometry
import Losses
import Miners
import Testing

@Suite struct TripletMarginLossTests {
  /// Many positives take the way that sorts; listing the triplets takes the plain one.
  @Test(arguments: [false, true]) func allTripletsEqualTheListOfThem(swap: Bool) {
    let labels = (0..<206).map { $0 < 200 ? 0 : 1 }
    let (_, input) = batch(TripletMarginLoss(), labels, .float64)
    for distance in [Distance.euclidean, .cosine] {
      for smooth in [false, true] {
        let loss = TripletMarginLoss(margin: 0.3, swap: swap, smooth: smooth, distance: distance)
        var listed = input
        listed.tuples = .triplets(allTriplets(labels))
        let (value, gradients) = loss.valueWithGradients(input)
        let (listedValue, listedGradients) = loss.valueWithGradients(listed)
        #expect(abs(value - listedValue) < 1e-12)
        #expect(largestError(gradients[0], listedGradients[0]) < 1e-12)
        #expect(abs(loss(input).active - loss(listed).active) < 1e-12)
      }
    }
  }

  @Test func pairsAreJoinedAtTheirAnchor() {
    let (_, input) = batch(TripletMarginLoss(), [0, 0, 1, 1, 0], .float64)
    var pairs = input
    pairs.tuples = .pairs(
      positive: [Pair(0, 1), Pair(0, 4), Pair(0, 4)],
      negative: [Pair(0, 2), Pair(0, 3), Pair(1, 3)])
    var triplets = input
    triplets.tuples = .triplets([
      Triplet(0, 1, 2), Triplet(0, 1, 3), Triplet(0, 4, 2), Triplet(0, 4, 3), Triplet(0, 4, 2),
      Triplet(0, 4, 3),
    ])
    for swap in [false, true] {
      let loss = TripletMarginLoss(margin: 0.4, swap: swap)
      let (value, gradients) = loss.valueWithGradients(pairs)
      let (other, otherGradients) = loss.valueWithGradients(triplets)
      #expect(abs(value - other) < 1e-14)
      #expect(largestError(gradients[0], otherGradients[0]) < 1e-14)
    }
  }

  @Test func collapsedEmbeddingsGiveTheMarginAndNoGradient() {
    var (_, input) = batch(TripletMarginLoss(), [0, 0, 1, 1], .float32)
    input.embeddings = input.embeddings.rows([0, 0, 0, 0])
    let (value, gradients) = TripletMarginLoss(margin: 0.25).valueWithGradients(input)
    #expect(abs(value - 0.25) < 1e-7)
    #expect(gradients[0].elements(as: Double.self).allSatisfy { $0 == 0 })
    #expect(TripletMarginLoss(margin: 0.25)(input).active == 1)
  }

  private func allTriplets(_ labels: [Int]) -> [Triplet] {
    labels.indices.flatMap { a in
      labels.indices.filter { $0 != a && labels[$0] == labels[a] }.flatMap { p in
        labels.indices.filter { labels[$0] != labels[a] }.map { Triplet(a, p, $0) }
      }
    }
  }
}
