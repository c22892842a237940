import Autodiff
import Files
import Foundation
import Index
import Settings

/// All that a run needs to go on bit for bit, in one file that is replaced whole.
///
/// Tensors: `encoder.…` and `loss.…` as in the model file, `optimizer.I.J` for the J-th memory of
/// the I-th parameter, `memory.…` for the recent batches of a loss, `sampler.…` for what
/// the sampler learnt of the items, `watch.…` for what the guard saw,
/// `momentum.…` for the encoder of memories, and `best.…` for the best model watched. The metadata
/// hold the step, the score of the best, the recipe and a checksum of all of these.
package enum Checkpoint {
  /// Writes the newest checkpoint of a run and keeps the one before it.
  ///
  /// - Throws: if a number is NaN or infinite, or cannot be written; both stay then.
  package static func write(_ trainer: some Checkpointed, in folder: RunFolder) throws(Failure) {
    // The one before gives way when the next is on the disk, so that there are always two.
    try FileSystem.write(bytes(of: trainer), to: folder.nextCheckpoint)
    FileSystem.link(folder.checkpoint, as: folder.previousCheckpoint)
    try FileSystem.move(folder.nextCheckpoint, to: folder.checkpoint)
  }

  package static func bytes(of trainer: some Checkpointed) throws(Failure) -> [UInt8] {
    var tensors = trainer.checkpointTensors
    for (i, state) in trainer.optimizer.states.enumerated() {
      for (j, tensor) in state.enumerated() { tensors.append(("optimizer.\(i).\(j)", tensor)) }
    }
    var metadata = [
      "kind": "kindred-checkpoint", "step": "\(trainer.step)",
      "recipe": trainer.recipe.json.description,
      "data": trainer.dataIdentity,
      "evaluationsSinceBest": "\(trainer.evaluationsSinceBest)",
    ]
    if let best = trainer.bestModel {
      tensors += best.tensors.map { ("best.\($0.name)", $0.value) }
      metadata["bestStep"] = "\(best.step)"
      metadata["bestScore"] = "\(best.score)"
    }
    if let (name, _) = tensors.first(where: { !$0.value.isFinite }) {
      throw Failure(
        .badData, at: "step \(trainer.step)",
        "model \(trainer.recipe.modelName): \(words(for: name, of: trainer)) holds NaN or infinity",
        expected: "finite numbers",
        remedy: "lower optimizer.learningRate, set training.gradientClip or schedule.warmup")
    }
    let entries = tensors.map { SafetensorsEntry($0.name, $0.value) }
    return try SafetensorsFile(metadata: metadata, tensors: entries).withChecksum().bytes()
  }

  /// Goes on from the newest checkpoint of a run, or from the one before it if that is damaged.
  ///
  /// - Returns: what a person should know of it.
  static func restoreNewest(
    _ trainer: inout some Checkpointed, in folder: RunFolder
  ) throws(Failure) -> String? {
    let newest: SafetensorsFile
    do throws(Failure) {
      newest = try read(folder.checkpoint)
    } catch {
      guard let older = try? read(folder.previousCheckpoint) else { throw error }
      try restore(&trainer, from: older, at: folder.previousCheckpoint)
      // The good one takes the place of the damaged one, which would else take its own.
      try FileSystem.move(folder.previousCheckpoint, to: folder.checkpoint)
      return "the newest checkpoint cannot be used (\(error.found)); going on from the one before, "
        + "of step \(trainer.step)"
    }
    try restore(&trainer, from: newest, at: folder.checkpoint)
    return nil
  }

  /// The optimiser's memories have numbers for names; people know the parameter.
  private static func words(for name: String, of trainer: some Checkpointed) -> String {
    let parts = name.split(separator: ".")
    guard parts.first == "optimizer", let i = Int(parts[1]) else { return name }
    return "the optimizer's memory of \(trainer.parameterNames[i])"
  }

  /// Reads a checkpoint; fails if it is damaged.
  package static func read(_ path: String) throws(Failure) -> SafetensorsFile {
    let file = try SafetensorsFile.read(path)
    guard file.metadata["kind"] == "kindred-checkpoint",
      let step = file.metadata["step"].flatMap(Int.init), (0...Int(Int32.max)).contains(step)
    else {
      throw Failure(
        .badData, at: path, "this is not a checkpoint of kindred",
        remedy: "train into another folder without --resume")
    }
    guard file.hasChecksum || file.metadata["crc32"] == firstChecksum(of: file) else {
      throw Failure(
        .badData, at: path, "the checksum does not fit: the file is damaged",
        remedy: "train into another folder without --resume")
    }
    try file.verifyChecksum(at: path)
    return file
  }

  /// Puts a fresh trainer where a checkpoint of the same recipe left off.
  package static func restore(
    _ trainer: inout some Checkpointed, from file: SafetensorsFile, at path: String
  ) throws(Failure) {
    let metadata = file.metadata
    let step = metadata["step"].flatMap(Int.init) ?? 0
    try checkRecipe(metadata["recipe"] ?? "", of: trainer.recipe, step: step, at: path)
    guard content(metadata["data"] ?? "") == content(trainer.dataIdentity) else {
      throw Failure(
        .badData, at: path, "the run was started with other data (\(metadata["data"] ?? "none"))",
        expected: trainer.dataIdentity,
        remedy: "restore the data, or train into another folder")
    }
    let tensors = try file.tensorsByName(at: path)
    var restored = trainer
    try restored.load(tensors, at: path)
    for i in restored.optimizer.states.indices {
      for j in restored.optimizer.states[i].indices {
        let name = "optimizer.\(i).\(j)"
        restored.optimizer.states[i][j] = try matching(
          tensors[name], restored.optimizer.states[i][j], name, at: path)
      }
    }
    restored.optimizer.step = step
    restored.evaluationsSinceBest = metadata["evaluationsSinceBest"].flatMap(Int.init) ?? 0
    if let bestStep = metadata["bestStep"].flatMap(Int.init),
      let score = metadata["bestScore"].flatMap(Double.init)
    {
      // In the place of the fresh model, whose parameters have the same names and shapes.
      try restored.loadBest(step: bestStep, score: score, tensors, prefix: "best.", at: path)
    }
    trainer = restored
  }

  /// What an identity of data says of them, without their name, which is a path that may change.
  private static func content(_ identity: String) -> Substring {
    identity.range(of: ": ", options: .backwards).map { identity[$0.upperBound...] } ?? ""
  }

  /// The checksum of checkpoints that were written before files had one of their own.
  private static func firstChecksum(of file: SafetensorsFile) -> String {
    var crc = CRC32()
    for key in ["step", "recipe", "data", "evaluationsSinceBest", "bestStep", "bestScore"] {
      crc.update("\(key) \(file.metadata[key] ?? "")\n".utf8)
    }
    for entry in file.tensors {
      crc.update(entry.name.utf8)
      crc.update(entry.bytes)
    }
    return String(crc.value, radix: 16)
  }
}
