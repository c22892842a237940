import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

@Suite struct RelevanceChoiceTests {
  private let names = ["cat/tabby", "cat/manx", "dog/pug"]
  private let labels = [0, 0, 1, 1, 2, 2]
  private var embeddings: Tensor {
    var random = Random(seed: 3)
    return Tensor(normal: [6, 4], deviation: 1, dtype: .float64, random: &random)
  }

  private func relevance(_ json: JSONValue) throws -> Relevance {
    try RelevanceChoice(json, at: "here").relevance(ofClasses: names)
  }

  @Test func readsEveryFormByName() throws {
    let hierarchy = Relevance.hierarchy([[0, 1], [0, 2], [3, 4]], weights: [0.5, 0.5])
    #expect(try relevance("class-names") == hierarchy)
    #expect(
      try relevance([
        "hierarchy": [
          "dog/pug": ["dog", "pug"], "cat/tabby": ["cat", "tabby"], "cat/manx": ["cat", "manx"],
        ]
      ]) == hierarchy)
    #expect(
      try relevance(["labelSets": ["cat/tabby": [1], "cat/manx": [2], "dog/pug": [1, 2]]])
        == .labelSets([[0], [1], [0, 1]]))
    #expect(
      try relevance(["scores": [["cat/tabby", "cat/manx", 0.5], ["cat/tabby", "unknown", 1]]])
        == .scores([LabelPair(0, 1): 0.5]))
  }

  @Test func refusesWhatDoesNotFit() {
    #expect(throws: Failure.self) { try RelevanceChoice(3, at: "here") }
    #expect(throws: Failure.self) { try relevance(["labelSets": ["cat/tabby": [1]]]) }
    #expect(throws: Failure.self) {
      try RelevanceChoice("class-names", at: "here").relevance(ofClasses: ["cat", "dog"])
    }
    #expect(throws: Failure.self) {
      try RelevanceChoice("class-names", at: "here").relevance(ofClasses: ["a/b", "c/d/e"])
    }
  }

  /// A term of a recipe with a relevance, a miner and a modifier is the modifier around the loss by
  /// relevance.
  @Test func standsInForLabelsInATerm() throws {
    let choice = try LossChoice(
      [
        "name": "contrastive", "relevance": "class-names", "chunk": 2,
        "miner": ["name": "batch-hard"], "modifiers": [["name": "lp", "weight": 0.5]],
      ], at: "here")
    let relevance = try #require(try choice.relevance?.relevance(ofClasses: names))
    var composite = CompositeLoss([LossTerm(choice)])
    composite.terms[0].relevance = relevance
    let input = LossInput(embeddings: embeddings, labels: labels)
    try composite.validate(input, at: "here")
    let value = composite(embeddings, labels: labels, random: Random(seed: 1)).value.item

    var plain = LossTerm(choice)
    plain.modifiers = []
    let byRelevance = ContrastiveLoss()(input, relevance: relevance, miner: BatchHardMiner())
    let byLabels = plain(input).value.item
    var penalty = LossTerm(choice)
    penalty.miner = nil
    let withPenalty = penalty(input).value.item
    #expect(abs(value - byRelevance.value.item - (withPenalty - byLabels)) < 1e-12)
    #expect(abs(byRelevance.value.item - byLabels) > 1e-3)
  }

  @Test(arguments: ["metrix", "self-supervised"])
  func refusesModifiersThatChangeLabels(name: String) throws {
    var term = LossTerm(
      try LossChoice(["name": "contrastive", "modifiers": [["name": .string(name)]]], at: "here"))
    let input = LossInput(embeddings: embeddings, labels: labels)
    try term.validate(input, at: "here")
    term.relevance = .hierarchy([[0], [1], [2]], weights: [1])
    #expect(throws: Failure.self) { try term.validate(input, at: "here") }
  }

  @Test func chunksAreForLossesThatGoByRows() throws {
    let choice = try LossChoice(["name": "nt-xent", "chunk": 2], at: "here")
    #expect(choice.chunk == 2)
    #expect(try LossChoice(choice.json, at: "here").chunk == 2)
    let input = LossInput(embeddings: embeddings, labels: labels)
    var whole = LossTerm(choice)
    whole.chunk = nil
    #expect(abs(LossTerm(choice)(input).value.item - whole(input).value.item) < 1e-12)
    for json: JSONValue in [["name": "icnn", "chunk": 2], ["name": "nt-xent", "chunk": 0]] {
      #expect(throws: Failure.self) { try LossChoice(json, at: "here") }
    }
  }
}
