import Autodiff
import Foundation
import Geometry
import Losses
import Miners
import Settings
import Testing

/// Losses of a batch that has a closed form, with settings that losses.json has no rows for.
@Suite struct ClosedFormTests {
  /// A loss, its settings, and the peer's value, norm of the gradient and first derivative.
  struct Row: Sendable, CustomStringConvertible {
    let loss: String
    let parameters: [String: JSONValue]
    let value, norm, first: Double
    var description: String { "\(loss) \(JSONValue.object(parameters))" }
  }

  static let rows = [
    Row(
      loss: "contrastive",
      parameters: ["positiveMargin": 0.8, "negativeMargin": 0.2, "distance": "cosine"],
      value: 0.5777935554, norm: 0.69998347, first: -0.24837217),
    Row(
      loss: "snr-contrastive", parameters: [:], value: 1.2138301974, norm: 1.44003358,
      first: -0.40579327),
    Row(
      loss: "triplet-margin", parameters: ["margin": 0.2, "swap": true], value: 0.3531813015,
      norm: 0.84349624, first: -0.24203497),
    Row(
      loss: "triplet-margin", parameters: ["smooth": true], value: 0.4638836703, norm: 0.19472199,
      first: -0.05626197),
    Row(
      loss: "margin", parameters: ["nu": 0.1, "learnBeta": true, "betaPerClass": true],
      value: 0.6884958862, norm: 0.42083870, first: -0.18002780),
    Row(
      loss: "nca", parameters: [:], value: 0.8053290308, norm: 0.67190942, first: -0.13019163),
    Row(
      loss: "pnp", parameters: ["variant": "Dq"], value: 0.1203092562, norm: 0.65915192,
      first: -0.00057846),
    Row(
      loss: "ranked-list", parameters: ["margin": 1, "negativeTemperature": 1],
      value: 0.4060552700, norm: 0.34554500, first: -0.06989829),
    Row(
      loss: "sub-center-arc-face", parameters: ["subCenters": 2], value: 45.6481271902,
      norm: 16.54983217, first: 0),
    Row(
      loss: "soft-triple", parameters: ["centersPerClass": 2], value: 6.9539903632,
      norm: 4.74944742, first: -0.00000002),
    Row(
      loss: "sphere-face", parameters: [:], value: 5.7682440336, norm: 1.61610998,
      first: -0.12250882),
  ]

  @Test(arguments: rows) func matchesThePeer(_ row: Row) throws {
    let found: any Loss = try allLosses.named(row.loss, kind: "loss", at: "")
    let loss = ClosedForm.prepared(try found.setting(row.parameters, at: ""))
    let (value, gradients) = loss.valueWithGradients(ClosedForm.input)
    #expect(abs(value - row.value) < 1e-8)
    #expect(abs(norm(gradients[0]) - row.norm) < 1e-7)
    #expect(abs(gradients[0].elements(as: Double.self)[0] - row.first) < 1e-7)
  }

  @Test func minedLossesMatchThePeer() {
    var input = ClosedForm.input
    input.tuples = MultiSimilarityMiner().mine(
      input.embeddings, labels: input.labels, reference: nil, random: Random(seed: 0))
    let pairs = MultiSimilarityLoss().valueWithGradients(input)
    #expect(abs(pairs.value - 0.3796101154) < 1e-9)
    #expect(abs(norm(pairs.gradients[0]) - 0.42346894) < 1e-7)
    let proxies = ClosedForm.prepared(ProxyAnchorLoss()).valueWithGradients(input)
    #expect(abs(proxies.value - 41.0749517686) < 1e-8)
    #expect(abs(norm(proxies.gradients[0]) - 12.66389119) < 1e-6)
  }
}

/// E[i][j] = sin(1 + 0.7 i + 1.3 j + 0.11 i j); proxies W[a][b] = cos(0.3 + 0.9 a + 0.5 b + 0.07 a b).
enum ClosedForm {
  static let input = LossInput(
    embeddings: grid(8, 4) { i, j in sin(1 + 0.7 * i + 1.3 * j + 0.11 * i * j) },
    labels: [0, 0, 0, 1, 1, 2, 2, 3])

  static func prepared(_ loss: any Loss) -> any Loss {
    var loss = loss
    loss.makeParameters(classCount: 4, dimension: 4, dtype: .float64, random: Random(seed: 0))
    if let proxies = (loss as? any ProxyLoss)?.proxies {
      loss.setParameters([
        grid(proxies.shape[0], 4) { b, a in cos(0.3 + 0.9 * a + 0.5 * b + 0.07 * a * b) }
      ])
    }
    return loss
  }

  private static func grid(
    _ rows: Int, _ columns: Int, _ f: (Double, Double) -> Double
  ) -> Tensor {
    matrix((0..<rows).map { i in (0..<columns).map { f(Double(i), Double($0)) } })
  }
}

private func norm(_ x: Tensor) -> Double { (x * x).sum().item.squareRoot() }
