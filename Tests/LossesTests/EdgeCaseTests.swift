import Autodiff
import Foundation
import Geometry
import Losses
import Miners
import Settings
import Testing

/// What every loss gives for batches that have nothing to learn from, or nothing to divide by.
@Suite struct EdgeCaseTests {
  static let takingReferences = allLosses.filter {
    !ReferenceSetTests.refusing.contains($0.name)
  }

  @Test(arguments: takingReferences, DType.allCases)
  func degenerateReferencesAreFinite(_ named: Named<any Loss>, dtype: DType) throws {
    for labels in [[0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 2, 3], [2], []] {
      var (loss, input) = batch(named.value, labels, dtype)
      loss.makeParameters(classCount: 4, dimension: 6, dtype: dtype, random: Random(seed: 4))
      let own = input.embeddings
      let first = labels.isEmpty ? own : own.rows([0, 0, 0])
      let references: [(Tensor, [Int], [Int?])] = [
        (Tensor(zeros: [0, 6], dtype: dtype), [], []),
        (own, labels, []), (own, labels, labels.indices.map { $0 }),
        (first, labels.isEmpty ? [] : [0, 1, 2], []),
        (Tensor(zeros: [2, 6], dtype: dtype), [0, 1], []),
      ]
      for (embeddings, others, places) in references {
        input.reference = ReferenceSet(embeddings: embeddings, labels: others, places: places)
        for tuples in [nil, Tuples.pairs(positive: [], negative: []), .triplets([])] {
          input.tuples = tuples
          for chunk in [nil, 1] {
            input.chunk = chunk
            try loss.validate(input, at: named.name)
            let (value, gradients) = loss.valueWithGradients(input)
            #expect(value.isFinite, "\(labels) \(others)")
            for gradient in gradients {
              let isFinite = gradient.elements(as: Double.self).allSatisfy { $0.isFinite }
              #expect(isFinite, "\(labels) \(others)")
            }
          }
        }
      }
    }
  }

  /// With KINDRED_WRITE_DOCUMENTATION set, writes Documentation/EdgeCases.md instead of comparing it.
  @Test func theTableIsUpToDate() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Documentation/EdgeCases.md")
    let expected = Self.table()
    if ProcessInfo.processInfo.environment["KINDRED_WRITE_DOCUMENTATION"] != nil {
      try expected.write(to: file, atomically: true, encoding: .utf8)
    }
    let isUpToDate = try String(contentsOf: file, encoding: .utf8) == expected
    #expect(
      isUpToDate, "KINDRED_WRITE_DOCUMENTATION=1 swift test --filter IsUpToDate writes it again")
  }

  private static let cases: [(name: String, labels: [Int], change: Change)] = [
    ("no tuples", [0, 0, 1, 1], .noTuples), ("one class", [0, 0, 0, 0], .none),
    ("distinct", [0, 1, 2, 3], .none), ("one row", [0], .none),
    ("equal rows", [0, 0, 1, 1], .collapsed), ("zeros", [0, 0, 1, 1], .zeros),
    ("on proxies", [0, 0, 1, 1], .onProxies),
  ]

  private enum Change { case none, noTuples, collapsed, zeros, onProxies }

  private static func table() -> String {
    var text = """
      # Edge cases

      What every loss gives, in float64 and with its defaults, where there is nothing to learn from or
      nothing to divide by. Made by
      `KINDRED_WRITE_DOCUMENTATION=1 swift test --filter IsUpToDate`.
      A number is the value to two digits, ∇ a gradient in the embeddings that is not 0, and a dash that
      a loss has no proxies. Rows are drawn at random but where said otherwise: no tuples is a miner that
      found none, distinct is four rows of four classes, equal rows are four of two classes, zeros are
      four rows of length 0, and on proxies every row is the first proxy of its class. All of it is
      finite in float32 too, which a test shows for these and for huge, tiny and repeated rows, and for
      reference sets of the same kinds.

      | loss |
      """
    text += cases.map { " \($0.name) |" }.joined()
    text += "\n|---|" + cases.map { _ in "---|" }.joined() + "\n"
    for named in allLosses {
      text += "| `\(named.name)` |"
      for (_, labels, change) in cases { text += " \(cell(named.value, labels, change)) |" }
      text += "\n"
    }
    return text
  }

  private static func cell(_ loss: any Loss, _ labels: [Int], _ change: Change) -> String {
    var (loss, input) = batch(loss, labels, .float64)
    switch change {
    case .none: break
    case .noTuples: input.tuples = .triplets([])
    case .collapsed: input.embeddings = input.embeddings.rows([0, 0, 0, 0])
    case .zeros: input.embeddings = input.embeddings.scaled(by: 0)
    case .onProxies:
      guard let proxies = (loss as? any ProxyLoss)?.proxies, proxies.shape[0] > 0 else {
        return "–"
      }
      input.embeddings = proxies.rows(labels.map { $0 * proxies.shape[0] / 2 })
    }
    let (value, gradients) = loss.valueWithGradients(input)
    let isFlat = gradients[0].elements(as: Double.self).allSatisfy { abs($0) < 1e-9 }
    return rounded(value) + (isFlat ? "" : " ∇")
  }

  /// To two digits, so that no instruction set rounds it another way.
  private static func rounded(_ value: Double) -> String {
    guard abs(value) >= 1e-9 else { return "0" }
    return String(format: "%.2g", value)
  }
}
