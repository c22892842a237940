import Autodiff
import Foundation
import Geometry
import Losses
import Miners
import Settings
import Testing

/// One row of losses.json, what pytorch-metric-learning computes in float64, or of methods.json,
/// what the published formulas give in torch.
struct LossCase: Sendable, CustomStringConvertible {
  let id, loss: String
  let parameters: [String: JSONValue]
  let embeddings: [[Double]]
  let labels: [Int]
  let value: Double
  let gradient: [[Double]]
  let weights, weightGradient, teacher: [[Double]]?

  var description: String { id }

  init?(_ row: JSONValue) {
    guard case .string(let id)? = row["id"], case .string(let loss)? = row["loss"],
      case .object(let parameters)? = row["parameters"], let labels = row["labels"]?.numbers,
      case .number(let value)? = row["value"], let embeddings = row["embeddings"]?.rows,
      let gradient = row["gradient"]?.rows
    else { return nil }
    (self.id, self.loss, self.parameters, self.value) = (id, loss, parameters, value)
    (self.embeddings, self.gradient) = (embeddings, gradient)
    self.labels = labels.map { Int($0) }
    teacher = row["teacher"]?.rows
    (weights, weightGradient) = (row["weights"]?.rows, row["weightGradient"]?.rows)
  }

  static let peer = read("losses")
  static let methods = read("methods")
  static let all = peer + methods + dynamic
  /// Rows with settings that every loss has, or that every distance has.
  static let modified = read("modifiers")
  static let dynamic = read("modifiers", "dynamic")

  private static func read(_ name: String, _ key: String = "cases") -> [LossCase] {
    guard let url = Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"),
      let text = try? String(contentsOf: url, encoding: .utf8),
      case .array(let cases)? = (try? JSONValue(json5: text, at: name))?[key]
    else { return [] }
    return cases.compactMap { LossCase($0) }
  }

  func prepared(dtype: DType) throws -> (loss: any Loss, input: LossInput) {
    let found: any Loss = try allLosses.named(loss, kind: "loss", at: id)
    var loss = try found.setting(parameters, at: id)
    if let weights { loss.setParameters([matrix(weights).converted(to: dtype)]) }
    let input = LossInput(
      embeddings: matrix(embeddings).converted(to: dtype), labels: labels,
      teacher: teacher.map { matrix($0).converted(to: dtype) })
    return (loss, input)
  }
}

extension JSONValue {
  var numbers: [Double]? {
    guard case .array(let items) = self else { return nil }
    return items.compactMap { if case .number(let number) = $0 { number } else { nil } }
  }
  var rows: [[Double]]? {
    guard case .array(let items) = self else { return nil }
    return items.compactMap(\.numbers)
  }
}

func matrix(_ rows: [[Double]]) -> Tensor {
  Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
}

/// The largest difference, relative to the largest element expected (to 10⁻⁶ if that is less).
func largestError(_ found: Tensor, _ expected: Tensor) -> Double {
  guard found.shape == expected.shape else { return .infinity }
  let (a, b) = (found.elements(as: Double.self), expected.elements(as: Double.self))
  let scale = b.reduce(1e-6) { max($0, abs($1)) }
  return zip(a, b).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - $1.1) / scale) : .infinity }
}

@Suite struct GoldenTests {
  @Test func everyLossHasGoldenRows() {
    #expect(LossCase.peer.count == 112)
    #expect(LossCase.methods.count == 36)
    let golden = Set(LossCase.all.map(\.loss))
    // These have no published values; ComposedTests has a reference of its own for each.
    let composed = Set(
      ComposedLoss.all.map(\.name) + ["embedding-distillation"]  // EmbeddingDistillationLossTests
        + ColumnCase.all.map(\.loss))
    #expect(allLosses.map(\.name).filter { !golden.contains($0) && !composed.contains($0) } == [])
  }

  @Test(arguments: LossCase.all) func valueAndGradientsMatch(_ row: LossCase) throws {
    let (loss, input) = try row.prepared(dtype: .float64)
    try loss.validate(input, at: row.id)
    let (value, gradients) = loss.valueWithGradients(input)
    #expect(abs(value - row.value) <= 1e-9 * max(1e-6, abs(row.value)))
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
}
