import Autodiff
import Foundation
import Geometry
import Losses
import Settings
import Testing

/// A loss over columns with the value and gradients that sentence-transformers gives (see
/// Fixtures/text_losses.py).
struct ColumnCase: Sendable, CustomStringConvertible {
  let id, loss: String
  let parameters: [String: JSONValue]
  let columns, gradients, guide: [[[Double]]]
  let targets, teacher, weight, bias: [[Double]]?
  let logScale: Double?
  let value: Double
  let note: String
  var description: String { id }

  static let all: [ColumnCase] = {
    guard let url = Bundle.module.url(forResource: "Fixtures/text-losses", withExtension: "json"),
      let text = try? String(contentsOf: url, encoding: .utf8),
      case .array(let cases)? = (try? JSONValue(json5: text, at: "text-losses"))?["cases"]
    else { return [] }
    return cases.compactMap { ColumnCase($0) }
  }()

  init?(_ row: JSONValue) {
    guard case .string(let id)? = row["id"], case .string(let loss)? = row["loss"],
      case .object(let parameters)? = row["parameters"], case .number(let value)? = row["value"],
      case .array(let columns)? = row["columns"], case .array(let gradients)? = row["gradients"]
    else { return nil }
    (self.id, self.loss, self.parameters, self.value) = (id, loss, parameters, value)
    self.columns = columns.compactMap(\.rows)
    self.gradients = gradients.compactMap(\.rows)
    func matrix(_ key: String) -> [[Double]]? {
      guard case .array(let items)? = row[key], let first = items.first else { return nil }
      if case .number = first { return row[key]?.numbers?.map { [$0] } }
      return row[key]?.rows
    }
    if case .array(let guide)? = row["guide"] {
      self.guide = guide.compactMap(\.rows)
    } else {
      guide = []
    }
    (targets, teacher) = (matrix("labels"), matrix("teacher"))
    (weight, bias) = (matrix("weight"), matrix("bias"))
    if case .number(let number)? = row["logScale"] { logScale = number } else { logScale = nil }
    if case .string(let text)? = row["note"] { note = text } else { note = "" }
  }

  var input: ColumnInput {
    var input = ColumnInput(columns.map(tensor))
    input.targets = targets.map(tensor)
    input.teacher = teacher.map(tensor)
    input.guide = guide.map(tensor)
    return input
  }

  /// The loss as a function of an input, and its own modifier's parts.
  func function() throws -> (ColumnInput) throws -> Tensor {
    var settings = parameters
    if let modifier = allColumnModifiers.first(where: { $0.name == loss })?.value {
      var inner: (any ColumnLoss)?
      if case .string(let name)? = settings.removeValue(forKey: "inner") {
        var found: any ColumnLoss = try allColumnLosses.named(name, kind: "loss", at: id)
        for key in ["scale", "similarity"] {
          guard let value = settings.removeValue(forKey: key) else { continue }
          found = try configured(found, [key: value], at: id)
        }
        inner = found
      }
      let configuredModifier = try configured(modifier, settings, at: id)
      return { [inner] input in
        try configuredModifier.check(input, at: id)
        return configuredModifier(input, inner: inner.map { loss in { loss.value($0) } })
      }
    }
    if loss.hasPrefix("batch-") { return try batchFunction() }
    var found: any ColumnLoss = try allColumnLosses.named(loss, kind: "loss", at: id)
    found = try configured(found, settings, at: id)
    found.makeParameters(dimension: columns[0][0].count, dtype: .float64, random: Random(seed: 0))
    if var classifier = found as? PairSoftmaxLoss, let weight, let bias {
      classifier.weight = tensor(weight)
      classifier.bias = Tensor(bias.map { $0[0] }, shape: [bias.count])
      found = classifier
    }
    let prepared = found
    return { input in
      try prepared.validate(input, at: id)
      return prepared(input)
    }
  }

  /// The triplet losses of a batch, as the library counts anchors without a partner.
  private func batchFunction() throws -> (ColumnInput) throws -> Tensor {
    var settings = parameters
    settings["normalize"] = .bool(false)
    let name: String
    switch loss {
    case "batch-all-triplet":
      (settings["average"], name) = ("non-zero", loss)
    case "batch-hard-triplet":
      (settings["activation"], settings["lone"], name) = ("hinge", "counted", loss)
    case "batch-hard-soft-margin-triplet":
      (settings["activation"], settings["lone"]) = ("softplus", "counted")
      name = "batch-hard-triplet"
    default: name = loss
    }
    let found: any Loss = try allLosses.named(name, kind: "loss", at: id)
    let prepared = try configured(found, settings, at: id)
    let labels = (targets ?? []).map { Int($0[0]) }
    return { prepared(LossInput(embeddings: $0.columns[0], labels: labels)).value }
  }
}

private func tensor(_ rows: [[Double]]) -> Tensor {
  Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
}

private struct Columns: Parameterized {
  var columns: [Tensor]

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in columns.indices { try body("\(i)", &columns[i]) }
  }
}

@Suite struct ColumnLossTests {
  /// All but csr, whose sparse autoencoder is not built.
  static let cases = ColumnCase.all.filter { $0.loss != "csr" }

  @Test func theFixtureIsThere() { #expect(Self.cases.count == 124) }

  @Test(arguments: cases) func fitsTheLibrary(_ row: ColumnCase) throws {
    let function = try row.function()
    let input = row.input
    let (value, gradient) = try valueWithGradient(at: Columns(columns: input.columns)) { point in
      var input = input
      input.columns = point.columns
      return try function(input)
    }
    let scale = max(1, abs(row.value))
    #expect(abs(value.item - row.value) <= 1e-9 * scale, "\(value.item) for \(row.value)")
    for (k, (found, expected)) in zip(gradient.columns, row.gradients).enumerated() {
      let numbers = found.elements(as: Double.self)
      for (i, b) in expected.enumerated() {
        let a = Array(numbers[i * b.count..<(i + 1) * b.count])
        // The library's gradient of a row of zeros is divided by a tiny number.
        if row.columns[k][i].allSatisfy({ $0 == 0 }), row.note.contains("zero") { continue }
        let error = zip(a, b).map { abs($0 - $1) }.max() ?? 0
        #expect(error <= 1e-9 * max(1, b.map(abs).max() ?? 1), "column \(k), row \(i): \(a) \(b)")
      }
    }
  }

  /// Central differences, for batches of one row, no row, equal rows and rows of zeros too.
  @Test(arguments: allColumnLosses.map(\.name)) func isFiniteOnDegenerateInput(name: String) throws
  {
    var loss: any ColumnLoss = try allColumnLosses.named(name, kind: "loss", at: "test")
    loss.makeParameters(dimension: 4, dtype: .float64, random: Random(seed: 1))
    let count = max(2, type(of: loss).columnCounts.lowerBound)
    for (rows, scale) in [(0, 1.0), (1, 1), (3, 1), (3, 0), (3, 1e60), (3, 1e-200)] {
      var random = Random(seed: 5)
      let columns = (0..<count).map { _ in
        Tensor(normal: [rows, 4], deviation: scale, dtype: .float64, random: &random)
      }
      for columns in [columns, columns.map { _ in columns[0] }] {
        var input = ColumnInput(columns, teacher: columns[0], guide: columns)
        let width = count - 1
        switch loss.targets {
        case .scores(let orDifferences):
          let columns = orDifferences ? max(1, width - 1) : width
          input.targets = Tensor(zeros: [rows, columns], dtype: .float64)
        default: input.targets = Tensor(zeros: [rows], dtype: .float64)
        }
        try loss.validate(input, at: name)
        let (value, gradient) = valueWithGradient(at: Columns(columns: columns)) { point in
          var input = input
          input.columns = point.columns
          return loss(input)
        }
        #expect(value.item.isFinite, "\(rows) rows of \(scale)")
        for part in gradient.columns {
          let isFinite = part.elements(as: Double.self).allSatisfy { $0.isFinite }
          #expect(isFinite, "\(rows) rows of \(scale)")
        }
      }
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let a = Tensor(zeros: [3, 4], dtype: .float64)
    let loss = MultipleNegativesRankingLoss()
    for columns in [[a], [a, Tensor(zeros: [2, 4], dtype: .float64)], []] {
      #expect(throws: Failure.self) { try loss.validate(ColumnInput(columns), at: "test") }
    }
    #expect(throws: Failure.self) { try CoSENTLoss().validate(ColumnInput([a, a]), at: "test") }
    #expect(throws: Failure.self) {
      let targets = Tensor([0, 1, 7.0], shape: [3])
      try PairSoftmaxLoss().validate(ColumnInput([a, a], targets: targets), at: "test")
    }
    #expect(throws: Failure.self) {
      let loss = try loss.setting(["directions": ["query-to-docs"]], at: "test")
      try loss.validate(ColumnInput([a, a]), at: "test")
    }
  }
}
