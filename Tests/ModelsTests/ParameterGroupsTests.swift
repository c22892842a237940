import Autodiff
import Models
import Settings
import Testing

@Suite struct ParameterGroupsTests {
  @Test(arguments: [
    ("*", "", true), ("*", "encoder.hidden1.weight", true), ("encoder.*", "loss.proxies", false),
    ("encoder.hidden?.weight", "encoder.hidden1.weight", true),
    ("encoder.hidden?.weight", "encoder.hidden12.weight", false),
    ("*weight", "encoder.hidden1.weight", true), ("*weight", "encoder.hidden1.weights", false),
    ("e*r.*.w*t", "encoder.hidden1.weight", true), ("", "a", false), ("a", "", false),
    ("**", "abc", true), ("a*a", "a", false), ("a*a", "aa", true),
  ])
  func patterns(pattern: String, name: String, isFitting: Bool) {
    let names = [name, "another"]
    let groups = ParameterGroups([ParameterGroup(pattern, frozen: true)])
    #expect(groups.isFrozen(names[0]) == isFitting)
  }

  static let names = [
    "encoder.hidden1.weight", "encoder.hidden1.bias", "encoder.blocks.0.a.weight",
    "encoder.blocks.0.b.weight", "encoder.blocks.1.a.weight", "encoder.head.weight",
    "loss.proxy-anchor.proxies",
  ]

  private func rates(_ groups: ParameterGroups) -> [ParameterRates] {
    var rule = AdamW()
    (rule.learningRate, rule.weightDecay, rule.lossLearningRate) = (1, 0.5, 10)
    return groups.rates(of: Self.names, rule: rule) { $0.hasPrefix("loss.") }
  }

  @Test func theFirstGroupThatFitsCounts() {
    let found = rates(
      ParameterGroups([
        ParameterGroup("*.bias", weightDecay: 0), ParameterGroup("encoder.hidden*", frozen: true),
        ParameterGroup("loss.*", learningRate: 3),
      ]))
    #expect(found.map(\.isFrozen) == [true, false, false, false, false, false, false])
    #expect(found.map(\.weightDecay) == [0.5, 0, 0.5, 0.5, 0.5, 0.5, 0.5])
    #expect(found.map(\.learningRate) == [1, 1, 1, 1, 1, 1, 3])
  }

  @Test func ratesFallFromLayerToLayer() {
    let found = rates(ParameterGroups(layerDecay: 0.5)).map(\.learningRate)
    #expect(found == [0.125, 0.125, 0.25, 0.25, 0.5, 1, 10])
  }

  @Test func aPatternThatFitsNothingIsRefused() {
    let misspelt = ParameterGroups([ParameterGroup("encoder.hiden*")])
    #expect(throws: Failure.self) { try misspelt.validate(Self.names, at: "optimizer") }
    let all = ParameterGroups([ParameterGroup("*", frozen: true)])
    #expect(throws: Failure.self) { try all.validate(Self.names, at: "optimizer") }
  }

  /// A frozen parameter is no leaf: nothing is recorded that depends on such parameters alone.
  @Test func whatIsFrozenHasNoGradientAndStays() throws {
    let encoder = try MLP().setting(["hidden": [8], "embedding": 4], at: "test").makeEncoder(
      inputShape: [6], random: Random(seed: 1), at: "test")
    var random = Random(seed: 2)
    let input = Tensor(normal: [5, 6], deviation: 1, dtype: .float32, random: &random)
    let target = Tensor(normal: [5, 4], deviation: 1, dtype: .float32, random: &random)
    func gradient(_ groups: ParameterGroups) -> Encoder {
      valueWithGradient(at: encoder, where: { !groups.isFrozen($0) }) { encoder in
        var pass = Pass(isTraining: true)
        return (encoder(input, in: &pass) * target).sum()
      }.gradient
    }
    let groups = ParameterGroups([ParameterGroup("hidden*", frozen: true)])
    let (part, whole) = (gradient(groups), gradient(ParameterGroups()))
    for ((name, found), (_, expected)) in zip(part.parameters, whole.parameters) {
      let numbers = found.elements(as: Float.self)
      if groups.isFrozen(name) {
        #expect(numbers.allSatisfy { $0 == 0 })
      } else {
        #expect(numbers == expected.elements(as: Float.self))
      }
    }
    var moved = encoder
    var optimizer = Optimizer(AdamW(), groups: groups, for: moved)
    optimizer.update(&moved, along: whole)
    for ((name, before), (_, after)) in zip(encoder.parameters, moved.parameters) {
      let isSame = before.elements(as: Float.self) == after.elements(as: Float.self)
      #expect(isSame == groups.isFrozen(name), "\(name)")
    }
  }

  @Test func namesOfAFileByAMap() throws {
    let map = try WeightMap(
      JSONValue(json5: "{ 'encoder.hidden*': 'fc*', 'encoder.hidden1.bias': 'b' }", at: "test"),
      at: "test")
    #expect(map.name(of: "encoder.hidden1.weight") == "fc1.weight")
    #expect(map.name(of: "encoder.hidden1.bias") == "b")
    #expect(map.name(of: "encoder.embedding.weight") == nil)
    #expect(throws: Failure.self) { try WeightMap(["a*": "b"], at: "test") }
  }
}
