import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// A batch compared with others than itself.
@Suite struct ReferenceSetTests {
  /// The losses for which references have no meaning, which their comments explain.
  static let refusing = ["embedding-distillation", "relational-distillation"]

  /// Losses that split a batch into queries and support, or into two views, which references change.
  static let splitting = [
    "angular-prototypical", "barlow-twins", "proto-triplet", "prototypical", "vicreg",
  ]

  @Test(arguments: allLosses) func everyLossTakesAReferenceSet(_ named: Named<any Loss>) throws {
    var (loss, input) = batch(named.value, [0, 0, 1, 1, 2, 3], .float64)
    let others = batch(named.value, [1, 0, 0, 3, 3, 2, 1, 0], .float64).1
    input.reference = ReferenceSet(embeddings: others.embeddings, labels: others.labels)
    guard !Self.refusing.contains(named.name) else {
      #expect(throws: Failure.self) { try loss.validate(input, at: "") }
      return
    }
    try loss.validate(input, at: "")
    let checks = gradientChecks(for: named).filter {
      $0.name.contains("reference set") || $0.name.contains("memory")
    }
    // RegistryTests runs them.
    #expect(checks.count == 3)
    let value = loss(input).value.item
    input.reference?.embeddings = others.embeddings.scaled(by: -0.5).shifted(by: 0.3)
    #expect(loss(input).value.item != value)
  }

  /// With the batch as its own reference, a row's place excluded, nothing changes but the gradient,
  /// which reaches anchors only.
  @Test(arguments: allLosses.filter { !(refusing + splitting).contains($0.name) })
  func theBatchItselfGivesTheSameLoss(_ named: Named<any Loss>) {
    let labels = [0, 0, 0, 1, 1, 2]
    let (loss, input) = batch(named.value, labels, .float64)
    var referred = input
    referred.reference = ReferenceSet(
      embeddings: input.embeddings, labels: labels, places: labels.indices.map { $0 })
    let value = loss(input).value.item
    #expect(abs(value - loss(referred).value.item) < 1e-12 * max(1, abs(value)))
  }

  /// The positive of a swapped triplet, and the negatives that it faces, are references.
  @Test(arguments: [nil, MultiSimilarityMiner(), BatchHardMiner()] as [(any Miner)?])
  func swapLooksAtTheReferences(_ miner: (any Miner)?) {
    var (_, input) = batch(TripletMarginLoss(), [0, 1, 2], .float64)
    let (_, others) = batch(TripletMarginLoss(), [0, 0, 1, 2, 2], .float64)
    input.reference = ReferenceSet(embeddings: others.embeddings, labels: others.labels)
    input.tuples = miner?.mine(
      input.embeddings, labels: input.labels, reference: input.reference, random: Random(seed: 0))
    let distances = Distance.euclidean.matrix(input.embeddings, others.embeddings)
      .elements(as: Double.self)
    let inside = Distance.euclidean.matrix(others.embeddings).elements(as: Double.self)
    var terms: [Double] = []
    for (a, p, n) in triplets(of: input) {
      let negative = min(distances[a * 5 + n], inside[p * 5 + n])
      terms.append(max(0, distances[a * 5 + p] - negative + 0.4))
    }
    terms.removeAll { $0 == 0 }
    let expected = terms.reduce(0, +) / Double(terms.count)
    let value = TripletMarginLoss(margin: 0.4, swap: true)(input).value.item
    #expect(abs(value - expected) < 1e-12)
  }

  private func triplets(of input: LossInput) -> [(Int, Int, Int)] {
    let others = input.reference?.labels ?? []
    if case .triplets(let given) = input.tuples {
      return given.map { ($0.anchor, $0.positive, $0.negative) }
    }
    var positive: [Pair] = []
    var negative: [Pair] = []
    if case .pairs(let p, let n) = input.tuples {
      (positive, negative) = (p, n)
    } else {
      for (i, label) in input.labels.enumerated() {
        for (j, other) in others.enumerated() {
          if label == other { positive.append(Pair(i, j)) } else { negative.append(Pair(i, j)) }
        }
      }
    }
    return positive.flatMap { p in
      negative.filter { $0.anchor == p.anchor }.map { (p.anchor, p.other, $0.other) }
    }
  }
}
