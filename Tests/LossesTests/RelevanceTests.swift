import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// Losses whose pairs are positive by more than equal labels.
@Suite struct RelevanceTests {
  static let overPairs = allLosses.filter { $0.value.labelUse == .pairs }
  static let withoutPoints = allLosses.filter { $0.value.labelUse != .numbers }
  static let labels = [0, 0, 1, 1, 2, 0, 3, 2]

  /// A class label in three other words: a set of one label, a path of one level, a score of 1.
  @Test(arguments: overPairs) func classLabelsAreARelevance(_ named: Named<any Loss>) throws {
    var (loss, input) = batch(named.value, Self.labels, .float64)
    var scores: [LabelPair: Double] = [:]
    for a in 0..<4 { for b in 0..<a { scores[LabelPair(b, a)] = 0 } }
    scores[LabelPair(0, 0)] = 1
    let words: [Relevance] = [
      .labelSets([[7], [5], [6], [4]]), .hierarchy([[7], [5], [6], [4]], weights: [1]),
      .scores(scores),
    ]
    let (_, others) = batch(named.value, [1, 3, 3, 0, 2, 2], .float64)
    for reference in [nil, ReferenceSet(embeddings: others.embeddings, labels: others.labels)] {
      input.reference = reference
      let expected = loss.valueWithGradients(input)
      for relevance in words {
        try loss.validate(input, relevance: relevance, at: "")
        let found = loss.valueWithGradients(input, relevance: relevance)
        #expect(found.value == expected.value)
        #expect(
          found.gradients[0].elements(as: Double.self)
            == expected.gradients[0].elements(as: Double.self))
      }
    }
  }

  @Test(arguments: withoutPoints) func levelsOfAHierarchyAreAdded(_ named: Named<any Loss>) throws {
    let (loss, input) = batch(named.value, Self.labels, .float64)
    let relevance = Relevance.hierarchy([[0, 0], [0, 1], [1, 0], [1, 1]], weights: [0.25, 2])
    try loss.validate(input, relevance: relevance, at: "")
    var coarse = input
    coarse.labels = input.labels.map { $0 / 2 }
    let expected = 0.25 * loss(coarse).value.item + 2 * loss(input).value.item
    let value = loss(input, relevance: relevance).value.item
    #expect(abs(value - expected) <= 1e-12 * max(1, abs(expected)))
  }

  @Test(arguments: overPairs)
  func gradientsFitDifferences(_ named: Named<any Loss>) throws {
    let relevances: [Relevance] = [
      .labelSets([[0, 1], [1, 2], [2, 3], [4]]),
      .scores([
        LabelPair(0, 1): 0.5, LabelPair(0, 2): 1, LabelPair(1, 2): 0, LabelPair(1, 3): 0,
        LabelPair(2, 3): -1,
      ]),
    ]
    let (prepared, input) = batch(named.value, Self.labels, .float64)
    for relevance in relevances {
      for miner in [nil, BatchHardMiner()] as [BatchHardMiner?] {
        try prepared.validate(input, relevance: relevance, miner: miner, at: "")
        // Held weights are those of the plain batch, which differ on other levels.
        let loss =
          ["contextual", "focal-info-nce", "noise-contrastive"].contains(named.name)
          ? prepared.holdingWeights(of: input) : prepared
        guard !["circle", "equiangular-basis"].contains(named.name) else { continue }
        let check = GradientCheck(named.name, at: [input.embeddings]) { point in
          var input = input
          input.embeddings = point[0]
          return loss(input, relevance: relevance, miner: miner).value
        }
        let outcome = check.run()
        #expect(outcome.passes, "\(outcome)")
      }
    }
  }

  /// By hand: items 0 and 1 share a label, 0 and 2 another, 1 and 2 none.
  @Test func labelSetsNeedNotBeTransitive() {
    let (_, input) = batch(ContrastiveLoss(), [0, 1, 2], .float64)
    let d = Distance.euclidean.matrix(input.embeddings).elements(as: Double.self)
    let positives = [d[1], d[3], d[2], d[6]]
    let negatives = [d[5], d[7]].map { max(0, 3 - $0) }
    let expected = positives.reduce(0, +) / 4 + negatives.reduce(0, +) / 2
    let loss = ContrastiveLoss(positiveMargin: 0, negativeMargin: 3)
    let value = loss(input, relevance: .labelSets([[0, 1], [0], [1]])).value.item
    #expect(abs(value - expected) < 1e-12)
  }

  /// A pair's terms are weighted by its score in all, and labels without a score make no pair.
  @Test func scoresAreSummedOverThresholds() {
    let (_, input) = batch(AlignmentUniformityLoss(), [0, 1, 2], .float64)
    var loss = AlignmentUniformityLoss()
    loss.uniformity = 0
    let d = Distance(.squaredEuclidean).matrix(input.embeddings).elements(as: Double.self)
    let value = loss(input, relevance: .scores([LabelPair(0, 1): 0.25, LabelPair(0, 2): 1])).value
      .item
    // To 0.25 both pairs are positive, from there to 1 the second is.
    #expect(abs(value - (0.25 * (d[1] + d[2]) / 2 + 0.75 * d[2])) < 1e-12)
  }

  @Test func whatCannotBeIsRefused() throws {
    let (loss, input) = batch(ContrastiveLoss(), [0, 1, 2], .float64)
    for relevance: Relevance in [
      .labelSets([[0], [1]]), .hierarchy([[0], [1], [2]], weights: []), .scores([:]),
      .hierarchy([[0], [1, 2], [2]], weights: [1]), .hierarchy([[0], [1], [2]], weights: [-1]),
      .scores([LabelPair(0, 1): .nan]),
    ] {
      #expect(throws: Failure.self) { try loss.validate(input, relevance: relevance, at: "") }
    }
    let sets = Relevance.labelSets([[0], [1], [2]])
    #expect(throws: Failure.self) {
      try loss.validate(input, relevance: sets, miner: HDCMiner(), at: "")
    }
    for named in allLosses where named.value.labelUse != .pairs {
      let (loss, input) = batch(named.value, [0, 1, 2], .float64)
      #expect(throws: Failure.self) { try loss.validate(input, relevance: sets, at: "") }
    }
  }

  @Test(arguments: [
    "{ labelSets: [[0, 'a'], []] }", "{ hierarchy: [[0, 1], [0, 2]], weights: [0.5, 1] }",
    "{ hierarchy: [['animal', 'cat'], ['animal', 'dog']] }", "{ scores: [[1, 0, 0.5]] }",
  ])
  func filesAreRead(_ text: String) throws {
    let relevance = try Relevance(JSONValue(json5: text, at: ""), at: "")
    try relevance.validate(labels: [0, 1], at: "")
    if case .hierarchy(let paths, _) = relevance { #expect(paths == [[0, 1], [0, 2]]) }
    if case .scores(let scores) = relevance { #expect(scores == [LabelPair(0, 1): 0.5]) }
  }

  @Test(arguments: [
    "[]", "{}", "{ labelSets: [3] }", "{ labelSets: [[{}]] }", "{ scores: [[0, 1]] }",
    "{ scores: [[0.5, 1, 1]] }", "{ hierarchy: [[0]], weights: [1, 2] }", "{ labelSets: [], a: 1 }",
  ])
  func wrongFilesAreRefused(_ text: String) throws {
    #expect(throws: Failure.self) {
      try Relevance(JSONValue(json5: text, at: ""), at: "").validate(labels: [0], at: "")
    }
  }
}
