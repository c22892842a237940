import Files
import Foundation
import Settings

/// The files of a run.
///
/// | file | what |
/// |---|---|
/// | `recipe.json5` | the recipe, every default spelled out |
/// | `environment.json` | versions, instruction set, threads, hashes of the data |
/// | `metrics.jsonl` | a line a step, and a line an evaluation |
/// | `checkpoint/state.safetensors` | enough to go on bit for bit |
/// | `model.safetensors` | encoder and loss parameters |
/// | `evaluation.json` | the raw input and the trained embedding on the test classes |
/// | `report.html` | all of this to look at |
/// | `calibration.json` | the threshold of a match, once `kindred calibrate` was run |
public struct RunFolder: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public var recipe: String { path + "/recipe.json5" }
  public var environment: String { path + "/environment.json" }
  public var metrics: String { path + "/metrics.jsonl" }
  public var checkpointFolder: String { path + "/checkpoint" }
  public var checkpoint: String { checkpointFolder + "/state.safetensors" }
  public var model: String { path + "/model.safetensors" }
  public var evaluation: String { path + "/evaluation.json" }
  public var report: String { path + "/report.html" }
  public var calibration: String { path + "/calibration.json" }

  /// What tells the run's model from others: the CRC-32 of its file.
  public func modelChecksum() throws(Failure) -> String {
    String(CRC32.of(try FileSystem.read(model)[...]), radix: 16)
  }

  /// Fails unless the folder can be made or is empty.
  public func checkIsFree() throws(Failure) {
    guard FileSystem.exists(path) else { return }
    guard FileSystem.isFolder(path) else {
      throw Failure(
        .cannotWrite, at: path, "this is a file", expected: "a folder, or nothing there yet",
        remedy: "choose another --out")
    }
    let names = try FileSystem.list(path)
    guard names.isEmpty else {
      throw Failure(
        .cannotWrite, at: path, "the folder is not empty (\(names[0]) lies in it)",
        remedy: "choose another --out, or add --resume to go on with the run in it")
    }
  }

  /// Whether the folder is there and holds at most what a run has before its first checkpoint.
  func isOnlyBegun() throws(Failure) -> Bool {
    guard FileSystem.isFolder(path) else { return false }
    let own =
      [recipe, environment, metrics].flatMap { [$0, $0 + ".partial"] } + [checkpointFolder]
    return try FileSystem.list(path).allSatisfy { own.contains(path + "/" + $0) }
  }

  /// Makes the folder with what is known before the first step.
  ///
  /// When that fails, what was made is taken away again.
  func start(_ recipeValue: JSONValue, environment environmentValue: JSONValue) throws(Failure) {
    let existed = FileSystem.exists(path)
    do {
      try FileSystem.makeFolder(checkpointFolder)
      try FileSystem.write(recipeValue.indented, to: recipe)
      try FileSystem.write(environmentValue.indented, to: environment)
      try FileSystem.write("", to: metrics)
    } catch {
      for file in [recipe, environment, metrics] {
        try? FileManager.default.removeItem(atPath: file)
      }
      try? FileManager.default.removeItem(atPath: checkpointFolder)
      if !existed { try? FileManager.default.removeItem(atPath: path) }
      throw error
    }
  }
}

/// Lines of numbers, one JSON object each, added to a file as they come.
struct MetricsLog {
  private let path: String
  private var pending: [String] = []

  /// - Parameter lastStep: lines of later steps are dropped, since the steps will be taken again.
  init(_ path: String, keepingThrough lastStep: Int) throws(Failure) {
    self.path = path
    guard FileSystem.exists(path) else { return }
    let lines = try FileSystem.readText(path).split(separator: "\n")
    let kept = lines.filter { line in
      guard case .number(let step)? = (try? JSONValue(json5: String(line), at: path))?["step"]
      else { return false }
      return Int(step) <= lastStep
    }
    try FileSystem.write(kept.map { $0 + "\n" }.joined(), to: path)
  }

  mutating func append(_ members: [String: JSONValue]) {
    pending.append(JSONValue.object(members).description)
  }

  /// Writes what has been collected.
  mutating func flush() throws(Failure) {
    guard !pending.isEmpty else { return }
    let text = pending.map { $0 + "\n" }.joined()
    try FileSystem.append(text, to: path)
    pending.removeAll()
  }
}
