import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// What holds for every modifier around losses of several kinds, and what each is for.
@Suite struct ModifierTests {
  @Test(arguments: allModifiers) func gradientFitsDifferences(_ named: Named<any Modifier>) {
    let checks = gradientChecks(for: named)
    #expect(checks.count >= 4)
    for check in checks {
      let outcome = check.run()
      #expect(outcome.passes, "\(outcome)")
    }
  }

  @Test func variantsFitDifferences() throws {
    let variants: [(any Modifier, [String: JSONValue])] = [
      (MatryoshkaModifier(), ["dimensions": [4, 2, 3], "weights": [1, 0.5, 2]]),
      (LpRegularizer(), ["p": 1.5, "power": 2]), (LpRegularizer(), ["of": "weights"]),
      (KoLeoRegularizer(), ["of": "weights"]), (SelfSupervisedModifier(), ["symmetric": false]),
      (EnergyConfusionRegularizer(), ["draws": 2]),
      (RegularFaceRegularizer(), ["of": "embeddings"]),
      (SparseCentersRegularizer(), ["of": "embeddings"]),
    ]
    for (plain, settings) in variants {
      let checks = gradientChecks(for: Named("\(settings)", try plain.setting(settings, at: "")))
      #expect(checks.count >= 4)
      for check in checks {
        let outcome = check.run()
        #expect(outcome.passes, "\(outcome)")
      }
    }
  }

  @Test(arguments: allModifiers) func float32FollowsFloat64(_ named: Named<any Modifier>) {
    for check in precisionChecks(for: named) { #expect(check.passes, "\(check)") }
  }

  @Test(arguments: allModifiers, DType.allCases)
  func degenerateBatchesAreFinite(_ named: Named<any Modifier>, dtype: DType) {
    for labels in [[0, 0, 0, 0], [0, 1, 2, 3], [0], [0, 0, 1, 1, 1, 2]] {
      for scale in [1.0, 0, 1e30, 1e-30] {
        for loss in [SoftTripleLoss() as any Loss, MultiSimilarityLoss()] {
          var term = LossTerm(name: "", loss: loss, modifiers: [named])
          term.makeParameters(
            classCount: 4, dimension: 6, dtype: dtype, random: Random(seed: 1))
          var (_, input) = batch(loss, labels, dtype)
          input.embeddings = input.embeddings.scaled(by: scale)
          guard (try? term.validate(input, at: "")) != nil else { continue }
          let (value, gradients) = term.valueWithGradients(input)
          #expect(value.isFinite, "\(named) \(labels) \(scale)")
          for gradient in gradients {
            let isFinite = gradient.elements(as: Double.self).allSatisfy { $0.isFinite }
            #expect(isFinite, "\(named) \(labels) \(scale)")
          }
        }
      }
    }
  }

  /// With the whole embedding alone, or with the coordinates that are left, it is the loss itself.
  @Test func matryoshkaAddsTheLossesOfTheFirstCoordinates() throws {
    let (loss, input) = batch(MultiSimilarityLoss(), [0, 0, 1, 1, 2, 2, 2], .float64)
    let modifier = try MatryoshkaModifier().setting(
      ["dimensions": [6, 2], "weights": [1, 0.5]], at: "")
    let term = LossTerm(name: "", loss: loss, modifiers: [Named("matryoshka", modifier)])
    var short = input
    let values = input.embeddings.elements(as: Double.self)
    short.embeddings = Tensor((0..<7).flatMap { values[$0 * 6..<$0 * 6 + 2] }, shape: [7, 2])
    let expected = loss(input).value.item + 0.5 * loss(short).value.item
    #expect(abs(term(input).value.item - expected) <= 1e-12)
  }

  /// Symmetric: one batch in which each item is a class of its own; else views against views.
  @Test func selfSupervisedTakesEachItemAsAClass() throws {
    let (loss, input) = batch(MultiSimilarityLoss(), [0, 0, 0, 0, 0, 0], .float64)
    var relabelled = input
    relabelled.labels = [0, 1, 2, 0, 1, 2]
    var term = LossTerm(
      name: "", loss: loss, modifiers: [Named("self-supervised", SelfSupervisedModifier())])
    #expect(term.needsTwoViews)
    #expect(term(input).value.item == loss(relabelled).value.item)
    term.modifiers[0].value = try SelfSupervisedModifier().setting(["symmetric": false], at: "")
    relabelled.embeddings = input.embeddings.rows([0, 1, 2])
    relabelled.labels = [0, 1, 2]
    relabelled.reference = ReferenceSet(
      embeddings: input.embeddings.rows([3, 4, 5]), labels: [0, 1, 2])
    #expect(term(input).value.item == loss(relabelled).value.item)
  }

  /// On its class's proxy an item is trusted fully; at the other end of the sphere not at all.
  @Test func confidenceIsOneOnTheProxy() throws {
    var modifier = try ConfidenceModifier().setting(["proxyWeight": 0], at: "")
    modifier.setParameters([Tensor([1, 0, 0, 2] as [Double], shape: [2, 2])])
    let input = LossInput(
      embeddings: Tensor([3, 0, 0, 1, -2, 0, 0, -1] as [Double], shape: [4, 2]),
      labels: [0, 1, 0, 1])
    #expect(modifier.confidences(input) == [1, 1, 0, 0])
    let on = LossInput(
      embeddings: Tensor([3, 0, 0, 1, 1, 0, 0, 5] as [Double], shape: [4, 2]),
      labels: [0, 1, 0, 1])
    let term = LossTerm(
      name: "", loss: MultiSimilarityLoss(), modifiers: [Named("confidence", modifier)])
    #expect(abs(term(on).value.item - MultiSimilarityLoss()(on).value.item) <= 1e-12)
  }

  /// Each class of the two has a part in the mixed labels: exchanging them changes the loss.
  @Test func metrixAddsMixedExamples() throws {
    let (loss, input) = batch(ContrastiveLoss(), [0, 0, 0, 1, 1, 1], .float64)
    let plain = loss(input).value.item
    func value(_ weight: Double, seed: UInt64) throws -> Double {
      let modifier = try MetrixModifier().setting(["weight": .number(weight)], at: "")
      var input = input
      input.random = Random(seed: seed)
      return LossTerm(name: "", loss: loss, modifiers: [Named("metrix", modifier)])(input)
        .value.item
    }
    #expect(try value(0, seed: 1) == plain)
    let (once, twice) = (try value(1, seed: 1) - plain, try value(2, seed: 1) - plain)
    #expect(once > 0 && abs(twice - 2 * once) <= 1e-12)
    #expect(try value(1, seed: 2) != value(1, seed: 1))
    let (_, one) = batch(ContrastiveLoss(), [0, 0, 0], .float64)
    let term = LossTerm(name: "", loss: loss, modifiers: [Named("metrix", MetrixModifier())])
    #expect(term(one).value.item == loss(one).value.item)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let (_, input) = batch(ContrastiveLoss(), [0, 0, 1], .float64)
    let wrong: [(any Loss, String, [String: JSONValue])] = [
      (ContrastiveLoss(), "matryoshka", ["dimensions": [7]]),
      (ContrastiveLoss(), "matryoshka", ["dimensions": [2], "weights": [1, 2]]),
      (ContrastiveLoss(), "self-supervised", [:]), (ContrastiveLoss(), "regular-face", [:]),
      (VICRegLoss(), "confidence", [:]),
    ]
    for (loss, name, settings) in wrong {
      let modifier: any Modifier = try allModifiers.named(name, kind: "modifier", at: "")
      let term = LossTerm(
        name: "", loss: loss, modifiers: [Named(name, try modifier.setting(settings, at: ""))])
      #expect(throws: Failure.self) { try term.validate(input, at: "") }
    }
  }
}
