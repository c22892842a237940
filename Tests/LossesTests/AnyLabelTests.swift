import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// Labels are any whole numbers: a loss gives what it gives for small ones, or says why it cannot.
@Suite struct AnyLabelTests {
  static let plain = [0, 0, 1, 1, 2, 2]
  /// In the order of 0, 1, 2.
  static let others: [[Int]] = [
    [.min, -1, .max], [-7, 1 << 31, 1 << 53 + 1], [1 << 40, 1 << 62, .max],
    [.max - 2, .max - 1, .max],
  ]

  @Test(arguments: allLosses) func isRightOrRefused(_ named: Named<any Loss>) throws {
    let (loss, input) = batch(named.value, Self.plain, .float64)
    let expected = loss.valueWithGradients(input)
    for numbers in Self.others {
      var input = input
      input.labels = Self.plain.map { numbers[$0] }
      for reference in [nil, ReferenceSet(embeddings: input.embeddings, labels: input.labels)] {
        input.reference = reference
        do throws(Failure) {
          try loss.validate(input, at: named.name)
        } catch {
          #expect(loss.labelUse == .numbers || reference != nil, "\(numbers): \(error)")
          continue
        }
        let found = loss.valueWithGradients(input)
        #expect(found.value.isFinite)
        guard reference == nil, loss.labelUse != .numbers else { continue }
        #expect(abs(found.value - expected.value) <= 1e-12 * max(1, abs(expected.value)))
        #expect(largestError(found.gradients[0], expected.gradients[0]) <= 1e-12)
      }
    }
  }

  /// A class for each number up to the largest label would need more memory than there is.
  @Test func parametersAreNotMadeByTheLargestLabel() throws {
    #expect([0, 3, .max].classCount == .max && [-4].classCount == 0 && [Int]().classCount == 0)
    for var loss in [IConLoss(), NBCLoss(), MarginLoss(), DSimplexLoss()] as [any Loss] {
      loss.makeParameters(classCount: .max, dimension: 6, dtype: .float32, random: Random(seed: 1))
      #expect(loss.parameters.isEmpty)
      let (_, input) = batch(loss, Self.plain, .float32)
      if (try? loss.validate(input, at: "")) != nil { #expect(loss(input).value.item.isFinite) }
    }
    var boundaries = MarginLoss()
    (boundaries.learnBeta, boundaries.betaPerClass) = (true, true)
    var (_, input) = batch(boundaries, Self.plain, .float32)
    boundaries.makeParameters(classCount: 3, dimension: 6, dtype: .float32, random: Random(seed: 1))
    #expect(throws: Never.self) { try boundaries.validate(input, at: "") }
    input.labels[3] = .max
    #expect(throws: Failure.self) { try boundaries.validate(input, at: "") }
  }

  @Test func scoresOfLargeLabelsAreRead() throws {
    let text = "{scores: [[2147483648, 1, 0.8], [-1, 9007199254740992, 0.5]]}"
    let relevance = try Relevance(JSONValue(json5: text, at: "r"), at: "r")
    #expect(
      relevance
        == .scores([LabelPair(1, 1 << 31): 0.8, LabelPair(-1, 1 << 53): 0.5]))
    let labels = [1 << 31, 1, -1, 1 << 53, .max]
    try relevance.validate(labels: labels, at: "r")
    let table = PairTable(
      labels: labels, reference: nil, likeness: try #require(relevance.levels.last).likeness)
    #expect(table.rows == 5)
    let (loss, input) = batch(ContrastiveLoss(), [0, 0, 1, 1, 2], .float64)
    var renamed = input
    renamed.labels = labels
    #expect(loss(renamed, relevance: relevance).value.item.isFinite)
    for bad in ["[1.5, 0, 1]", "[1e300, 0, 1]", "[9007199254740994, 0, 1]", "[NaN, 0, 1]"] {
      #expect(throws: Failure.self, "\(bad)") {
        try Relevance(JSONValue(json5: "{scores: [\(bad)]}", at: "r"), at: "r")
      }
    }
  }
}
