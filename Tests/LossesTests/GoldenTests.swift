import Autodiff
import Foundation
import Losses
import Miners
import Settings
import Testing

/// One row of losses.json: what pytorch-metric-learning computes in float64.
struct LossCase: Decodable, Sendable, CustomStringConvertible {
  let id, loss: String
  let parameters: [String: JSONValue]
  let embeddings: [[Double]]
  let labels: [Int]
  let value: Double
  let gradient: [[Double]]
  let weights, weightGradient: [[Double]]?

  var description: String { id }

  static let all: [LossCase] = {
    struct File: Decodable { let cases: [LossCase] }
    guard let url = Bundle.module.url(forResource: "Fixtures/losses", withExtension: "json"),
      let file = try? JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    else { return [] }
    return file.cases.filter { entry in allLosses.contains { $0.name == entry.loss } }
  }()

  func prepared(dtype: DType) throws -> (loss: any Loss, input: LossInput) {
    let found: any Loss = try allLosses.named(loss, kind: "loss", at: id)
    var loss = try found.setting(parameters, at: id)
    if let weights { loss.setParameters([matrix(weights).converted(to: dtype)]) }
    return (loss, LossInput(embeddings: matrix(embeddings).converted(to: dtype), labels: labels))
  }
}

func matrix(_ rows: [[Double]]) -> Tensor {
  Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
}

/// The largest difference, relative to the largest element expected or to 1.
func largestError(_ found: Tensor, _ expected: Tensor) -> Double {
  guard found.shape == expected.shape else { return .infinity }
  let (a, b) = (found.elements(as: Double.self), expected.elements(as: Double.self))
  let scale = b.reduce(1) { max($0, abs($1)) }
  return zip(a, b).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - $1.1) / scale) : .infinity }
}

@Suite struct GoldenTests {
  @Test func everyLossHasGoldenRows() {
    let golden = Set(LossCase.all.map(\.loss))
    #expect(allLosses.map(\.name).filter { !golden.contains($0) } == [])
  }

  @Test(arguments: LossCase.all) func valueAndGradientsMatch(_ row: LossCase) throws {
    let (loss, input) = try row.prepared(dtype: .float64)
    try loss.validate(input, at: row.id)
    let (value, gradients) = loss.valueWithGradients(input)
    #expect(abs(value - row.value) <= 1e-9 * max(1, abs(row.value)))
    #expect(largestError(gradients[0], matrix(row.gradient)) <= 1e-9)
    if let expected = row.weightGradient {
      #expect(largestError(gradients[1], matrix(expected)) <= 1e-9)
    }
  }

  @Test(arguments: LossCase.all) func float32FollowsFloat64(_ row: LossCase) throws {
    let (loss, input) = try row.prepared(dtype: .float32)
    let (value, gradients) = loss.valueWithGradients(input)
    #expect(abs(value - row.value) <= 1e-4 * max(1, abs(row.value)))
    #expect(largestError(gradients[0], matrix(row.gradient)) <= 1e-3)
  }

  /// Values of the closed-form batch of peer-parity: a loss over what a miner chose.
  @Test func minedLossesMatch() {
    let embeddings = grid(8, 4) { i, j in sin(1 + 0.7 * i + 1.3 * j + 0.11 * i * j) }
    let labels = [0, 0, 0, 1, 1, 2, 2, 3]
    let tuples = MultiSimilarityMiner().mine(
      embeddings, labels: labels, reference: nil, random: Random(seed: 0))
    let input = LossInput(embeddings: embeddings, labels: labels, tuples: tuples)
    let (value, gradients) = MultiSimilarityLoss().valueWithGradients(input)
    #expect(abs(value - 0.3796101154) < 1e-9)
    #expect(abs((gradients[0] * gradients[0]).sum().item.squareRoot() - 0.42346894) < 1e-7)

    var anchor = ProxyAnchorLoss()
    anchor.proxies = grid(4, 4) { b, a in cos(0.3 + 0.9 * a + 0.5 * b + 0.07 * a * b) }
    let proxyAnchor = anchor.valueWithGradients(input)
    #expect(abs(proxyAnchor.value - 41.0749517686) < 1e-8)
    let square = proxyAnchor.gradients[0] * proxyAnchor.gradients[0]
    #expect(abs(square.sum().item.squareRoot() - 12.66389119) < 1e-6)
  }

  private func grid(_ rows: Int, _ columns: Int, _ f: (Double, Double) -> Double) -> Tensor {
    matrix((0..<rows).map { i in (0..<columns).map { f(Double(i), Double($0)) } })
  }
}
