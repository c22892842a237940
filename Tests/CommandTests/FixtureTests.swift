import Files
import Foundation
import Settings
import Testing

/// The golden rows once more, through the command line and files.
@Suite struct Fixtures {
  private static func cases(_ path: String) throws -> [JSONValue] {
    let file = packageRoot + "/Tests/" + path
    guard
      case .array(let cases)? = try JSONValue(json5: FileSystem.readText(file), at: file)["cases"]
    else { return [] }
    return cases
  }

  @Test func lossesAgree() throws {
    let cases =
      try Self.cases("LossesTests/Fixtures/losses.json")
      + Self.cases("LossesTests/Fixtures/methods.json")
    #expect(cases.count == 112 + 36)
    try agree(cases)
  }

  /// Reducers, distances and modifiers, of which one row in nine stands for the others.
  @Test func modifiedLossesAgree() throws {
    let cases = try Self.cases("LossesTests/Fixtures/modifiers.json")
    #expect(cases.count >= 200)
    try agree(cases.enumerated().filter { $0.offset % 9 == 0 }.map(\.element) + cases.suffix(3))
  }

  private func agree(_ cases: [JSONValue]) throws {
    let scratch = try Scratch()
    for row in cases {
      let id = try #require(row["id"]?.text)
      var words = try [
        "loss", #require(row["loss"]?.text), "--json", "--params",
        #require(row["parameters"]).description, "--gradient", scratch.path + "/g.npy",
      ]
      words += try inputs(row, in: scratch.path)
      if let weights = row["weights"] {
        try matrix(weights).write(to: scratch.path + "/w.npy")
        words += [
          "--weights", scratch.path + "/w.npy", "--weight-gradient", scratch.path + "/v.npy",
        ]
      }
      if let teacher = row["teacher"] {
        try matrix(teacher).write(to: scratch.path + "/t.npy")
        words += ["--teacher", scratch.path + "/t.npy"]
      }
      let outcome = try kindred(words)
      #expect(outcome.status == 0, "\(id): \(outcome.error)")
      let object = try JSONValue(json5: outcome.output, at: id)
      let (value, expected) = try (
        #require(object["value"]?.number), #require(row["value"]?.number)
      )
      #expect(abs(value - expected) <= 1e-9 * max(1, abs(expected)), "\(id)")
      try expect(scratch.path + "/g.npy", is: #require(row["gradient"]), id)
      if let expected = row["weightGradient"] {
        try expect(scratch.path + "/v.npy", is: expected, id + " weights")
      }
    }
  }

  @Test func minersAgree() throws {
    let scratch = try Scratch()
    let cases = try Self.cases("MinersTests/Fixtures/miners.json")
    #expect(cases.count == 42)
    for row in cases {
      let id = try #require(row["id"]?.text)
      let outcome = try kindred(
        try [
          "mine", #require(row["miner"]?.text), "--json", "--params",
          #require(row["parameters"]).description,
        ] + inputs(row, in: scratch.path))
      #expect(outcome.status == 0, "\(id): \(outcome.error)")
      let object = try JSONValue(json5: outcome.output, at: id)
      for key in ["triplets", "positivePairs", "negativePairs"] {
        #expect(object[key] == row[key], "\(id) \(key)")
      }
    }
  }

  /// Writes the embeddings and labels of a row; returns the options that name them.
  private func inputs(_ row: JSONValue, in folder: String) throws -> [String] {
    try matrix(#require(row["embeddings"])).write(to: folder + "/e.npy")
    let labels = try #require(row["labels"]?.numbers).map { Int64($0) }
    try NumPyArray(shape: [labels.count], elements: .int64(labels)).write(to: folder + "/y.npy")
    return ["--embeddings", folder + "/e.npy", "--labels", folder + "/y.npy"]
  }

  private func matrix(_ value: JSONValue) throws -> NumPyArray {
    guard case .array(let rows) = value else { throw Failure(.badData, at: "fixture", "no rows") }
    let numbers = rows.map { $0.numbers ?? [] }
    return NumPyArray(
      shape: [numbers.count, numbers.first?.count ?? 0], elements: .float64(numbers.flatMap { $0 }))
  }

  private func expect(_ path: String, is value: JSONValue, _ id: String) throws {
    let found = try NumPyArray.read(path).matrix(at: path, as: Double.self).values
    let expected = try matrix(value).matrix(at: id, as: Double.self).values
    let scale = expected.reduce(1) { max($0, abs($1)) }
    #expect(found.count == expected.count)
    let error = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(error <= 1e-9 * scale, "\(id)")
  }
}

extension JSONValue {
  fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
  fileprivate var number: Double? { if case .number(let number) = self { number } else { nil } }
  fileprivate var numbers: [Double]? {
    guard case .array(let items) = self else { return nil }
    return items.compactMap(\.number)
  }
}
