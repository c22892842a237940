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
/// | `checkpoint/previous.safetensors` | the checkpoint before, should that one be damaged |
/// | `lock` | who is training into the folder just now |
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
  public var previousCheckpoint: String { checkpointFolder + "/previous.safetensors" }
  /// Where a checkpoint is until it is whole.
  var nextCheckpoint: String { checkpointFolder + "/next.safetensors" }
  package var lock: String { path + "/lock" }
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
    try RunLock.check(self)
    if let name = try FileSystem.list(path).first { throw isNotEmpty(name) }
  }

  /// Whether there is something to go on from.
  var hasCheckpoint: Bool {
    FileSystem.exists(checkpoint) || FileSystem.exists(previousCheckpoint)
  }

  /// Whether the folder is there and holds at most what a run has before its first checkpoint.
  func isOnlyBegun() throws(Failure) -> Bool {
    guard FileSystem.isFolder(path) else { return false }
    let own =
      [recipe, environment, metrics].flatMap { [$0, $0 + ".partial"] } + [checkpointFolder, lock]
    return try FileSystem.list(path).allSatisfy { own.contains(path + "/" + $0) }
  }

  /// Fails unless there is a run to go on with, from a checkpoint or from its first step.
  func checkCanGoOn() throws(Failure) {
    if hasCheckpoint { return }
    guard try !isOnlyBegun() else { return }
    throw Failure(
      .noInput, at: checkpoint, "there is no checkpoint to go on from",
      remedy: "train without --resume")
  }

  /// Makes the folder with what is known before the first step.
  ///
  /// When that fails, what was made is taken away again.
  /// - Parameter lock: the lock of the folder if it is one's own already; what a run has before its
  ///   first checkpoint may lie there then.
  func start(
    _ recipeValue: JSONValue, environment environmentValue: JSONValue, lock held: RunLock?
  ) throws(Failure) -> RunLock {
    let existed = FileSystem.exists(path)
    try FileSystem.makeFolder(path)
    let lock: RunLock
    if let held { lock = held } else { lock = try RunLock(self) }
    do throws(Failure) {
      // Another training may have begun here since the folder was looked at.
      if held == nil, let name = try FileSystem.list(path).first(where: { $0 != "lock" }) {
        throw isNotEmpty(name)
      }
    } catch {
      lock.release()
      throw error
    }
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
      lock.release()
      if !existed { rmdir(path) }
      throw error
    }
    return lock
  }

  private func isNotEmpty(_ name: String) -> Failure {
    Failure(
      .cannotWrite, at: path, "the folder is not empty (\(name) lies in it)",
      remedy: "choose another --out, or add --resume to go on with the run in it")
  }
}
