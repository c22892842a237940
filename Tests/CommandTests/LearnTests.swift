import Files
import Foundation
import Settings
import Testing

/// `kindred learn` from files to a run that the other commands take.
@Suite struct LearnTests {
  /// Classes along a direction that two noisy columns hide, in a folder of its own.
  private static func folder(classes: Int = 3) throws -> String {
    let path = NSTemporaryDirectory() + "kindred-learn-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    var state: UInt64 = 9
    func noise() -> Double {
      (0..<4).reduce(0) { sum, _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return sum + Double(state >> 11) * 0x1p-53 - 0.5
      }
    }
    var (x, y) = ([Double](), [Int64]())
    for i in 0..<90 {
      let label = i % classes
      x += [noise() + 1.5 * Double(label), 5 * noise(), noise() - Double(label), 100 + 8 * noise()]
      y.append(Int64(label))
    }
    try NumPyArray(shape: [90, 4], elements: .float64(x)).write(to: path + "/x.npy")
    try NumPyArray(shape: [90], elements: .int64(y)).write(to: path + "/y.npy")
    return path
  }

  @Test func copiesAreNoOtherRows() throws {
    let folder = try LearnTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let lines = (0..<24).map { "\($0 % 3).\($0),\($0 * $0 % 7).5,\(["a", "b", "c"][$0 % 3])\n" }
    try FileSystem.write("x,y,kind\n" + lines.joined(), to: folder + "/t.csv")
    try FileSystem.write("x,y,kind\n" + lines.prefix(9).joined(), to: folder + "/u.csv")
    func learn(_ test: String) throws -> Outcome {
      try kindred(
        "learn", "nca", "--table", folder + "/t.csv", "--label", "kind", "--test",
        "\(folder)/\(test).csv", "--out", "\(folder)/\(test)")
    }
    let same = try learn("t")
    #expect(same.status == 65 && same.error.contains("one file"), "\(same)")
    let copies = try learn("u")
    #expect(copies.status == 0, "\(copies)")
    #expect(copies.output.contains("on 9 rows, 9 of them copies of rows learned from"), "\(copies)")
  }

  private func json(_ outcome: Outcome) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return try #require(object as? [String: Any])
  }

  @Test func aRunLikeAnyOther() throws {
    // A threshold is checked on other classes than it is fitted on, two at least.
    let folder = try LearnTests.folder(classes: 6)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = folder + "/run"
    let learned = try kindred([
      "learn", "lmnn", "--embeddings", folder + "/x.npy", "--labels", folder + "/y.npy",
      "--standardize", "--test-rows", "1/3", "--out", run, "--json",
    ])
    #expect(learned.status == 0, "\(learned)")
    let told = try json(learned)
    for key in ["objective", "iterations", "seconds", "certificate"] {
      #expect(told[key] is NSNumber, "\(key)")
    }
    #expect(told["rows"] as? Int == 60 && told["judged"] as? Int == 30)
    let archive = try ZipDirectory.read(run + "/metric.npz")
    #expect(archive.members.map(\.name).sorted() == ["L.npy", "M.npy", "mean.npy", "scale.npy"])

    #expect(try kindred("evaluate", run, "--json").status == 0)
    let embedded = folder + "/e.npy"
    #expect(
      try kindred("embed", run, "--input", folder + "/x.npy", "--out", embedded).status == 0)
    // The encoder gives what metric.npz says.
    func matrix(_ name: String) throws -> NumPyArray {
      let member = try #require(archive.members.first { $0.name == name })
      return try NumPyArray(bytes: try archive.bytes(of: member), at: name)
    }
    guard case .float64(let map) = try matrix("L.npy").elements,
      case .float64(let mean) = try matrix("mean.npy").elements,
      case .float64(let scale) = try matrix("scale.npy").elements
    else { return #expect(Bool(false), "float64") }
    let x = try NumPyArray.read(folder + "/x.npy").matrix(at: "x", as: Double.self)
    let e = try NumPyArray.read(embedded).matrix(at: "e", as: Double.self)
    let k = e.columns
    for row in 0..<90 {
      for i in 0..<k {
        let expected = (0..<4).reduce(0.0) {
          $0 + map[i * 4 + $1] * (x.values[row * 4 + $1] - mean[$1]) / scale[$1]
        }
        #expect(abs(e.values[row * k + i] - expected) < 1e-3 * (1 + abs(expected)))
      }
    }
    // 75 pairs of each half do not match, and ten of them must be let through.
    let calibrated = try kindred("calibrate", run, "--far", "0.2")
    #expect(calibrated.status == 0, "\(calibrated)")
    #expect(
      try kindred("search", run, "--query", folder + "/x.npy", "--top", "2").status != 70)
    for format in ["onnx", "safetensors"] {
      let outcome = try kindred("export", run, "--format", format, "--out", folder + "/m." + format)
      #expect(outcome.status == 0, "\(format): \(outcome)")
    }
    let again = try kindred("train", run + "/recipe.json5", "--out", folder + "/again", "--json")
    #expect(again.status == 0, "\(again)")
    #expect(
      try FileSystem.read(run + "/metric.npz") == FileSystem.read(folder + "/again/metric.npz"))
  }

  @Test(arguments: [
    (["lmmn"], 64, "did you mean 'lmnn'?"),
    (["lmnn"], 64, "nothing that it can learn from"),
    (["mlkr"], 64, "targets"),
    (["itml", "--pairs", "p3.npy", "--pair-labels", "y.npy"], 65, "[n, 2]"),
    (["itml", "--pairs", "far.npy", "--pair-labels", "signs.npy"], 65, "rows 0 to 89"),
    (["itml", "--pairs", "pairs.npy"], 64, "--pair-labels"),
    (["lfda", "--labels", "y.npy", "--components", "5"], 65, "4 components or fewer"),
    (["lmnn", "--labels", "y.npy", "--params", "{ neighbor: 2 }"], 65, "'neighbors'"),
    (["lmnn", "--labels", "y.npy", "--params", "{ neighbors: 40 }"], 65, "41 or more"),
    (["lmnn", "--labels", "y.npy", "--test-rows", "1.5"], 64, "a share"),
    (["lmnn", "--labels", "signs.npy"], 65, "one for each row"),
    (["sdml", "--labels", "y.npy", "--params", "{ balance: 5 }"], 65, "balance below"),
    (
      ["rca", "--pairs", "pairs.npy", "--pair-labels", "signs.npy"], 64, "does not learn from pairs"
    ),
  ])
  func mistakes(words: [String], status: Int, message: String) throws {
    let folder = try LearnTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func write(_ name: String, _ shape: [Int], _ numbers: [Int64]) throws {
      try NumPyArray(shape: shape, elements: .int64(numbers)).write(to: "\(folder)/\(name).npy")
    }
    try write("pairs", [2, 2], [0, 3, 0, 1])
    try write("p3", [2, 3], [0, 3, 1, 0, 1, 2])
    try write("far", [2, 2], [0, 3, 0, 90])
    try write("signs", [2], [1, -1])
    let outcome = try kindred(
      ["learn"] + words.map { $0.hasSuffix(".npy") ? "\(folder)/\($0)" : $0 }
        + ["--embeddings", folder + "/x.npy", "--out", folder + "/run"])
    #expect(outcome.status == Int32(status), "\(words): \(outcome)")
    #expect(outcome.error.contains(message), "\(words): \(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1)
    #expect(!FileSystem.exists(folder + "/run"), "nothing is left")
  }

  /// It says what it does before it takes its time, and what it was judged on.
  @Test func aLearnedRunHasAPage() throws {
    let folder = try LearnTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = folder + "/run"
    let learned = try kindred([
      "learn", "lfda", "--embeddings", folder + "/x.npy", "--labels", folder + "/y.npy", "--out",
      run,
    ])
    #expect(learned.output.hasPrefix("lfda learns from 90 rows of 4 columns"), "\(learned)")
    #expect(learned.output.contains("kindred report \(run)"), "\(learned)")
    #expect(try kindred("report", run).status == 0)
    let page = try FileSystem.readText(run + "/report.html")
    #expect(page.contains("Judged on the items trained on"))
    #expect(page.contains("<dt>Time of training</dt>"))
    // Settings without a value are left to the recipe at the end of the page.
    let learner = try #require(page.split(separator: "<dt>Learner</dt>").dropFirst().first)
    #expect(!learner.prefix { $0 != "/" }.contains("pairLabels"))
  }

  @Test func distancesOfPoints() throws {
    let folder = try LearnTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try NumPyArray(shape: [3, 3], elements: .float64([0, 1, 4, 1, 0, 1, 4, 1, 0]))
      .write(to: folder + "/d.npy")
    let outcome = try kindred(
      "learn", "metric-nearness", "--matrix", folder + "/d.npy", "--out", folder + "/run", "--json")
    #expect(outcome.status == 0, "\(outcome)")
    let objective = try #require(try json(outcome)["objective"] as? Double)
    #expect(abs(objective - 2.0 / 3) < 1e-9)
    #expect(FileSystem.exists(folder + "/run/nearest.npy"))
  }
}
