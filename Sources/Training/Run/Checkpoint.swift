import Autodiff
import Files
import Foundation
import Geometry
import Index
import Losses
import Miners
import Models
import Settings

/// All that a run needs to go on bit for bit, in one file that is replaced whole.
///
/// Tensors: `encoder.…` and `loss.…` as in the model file, `optimizer.I.J` for the J-th memory of
/// the I-th parameter, `memory.…` for the recent batches of a loss, `sampler.…` for what
/// the sampler learnt of the items, `watch.…` for what the guard saw,
/// `momentum.…` for the encoder of memories, and `best.…` for the best model watched. The metadata hold the step, the
/// score of the best, the recipe and a CRC-32 of all of these.
enum Checkpoint {
  static func write(_ trainer: Trainer, to path: String) throws(Failure) {
    var entries = trainer.objective.state.map { SafetensorsEntry($0.name, $0.value) }
    entries += trainer.objective.memories.map { SafetensorsEntry($0.name, $0.value) }
    var momentum = trainer.momentum
    momentum?.updateState { entries.append(SafetensorsEntry($0, $1)) }
    var collapse = trainer.collapse
    collapse.updateState { entries.append(SafetensorsEntry("watch.\($0)", $1)) }
    if var sampler = trainer.sampler as? any AdaptiveSampler {
      sampler.updateState { entries.append(SafetensorsEntry("sampler.\($0)", $1)) }
    }
    for (i, state) in trainer.optimizer.states.enumerated() {
      for (j, tensor) in state.enumerated() {
        entries.append(SafetensorsEntry("optimizer.\(i).\(j)", tensor))
      }
    }
    var metadata = [
      "kind": "kindred-checkpoint", "step": "\(trainer.step)",
      "recipe": trainer.recipe.json.description,
      "data": trainer.data.train.identity,
      "evaluationsSinceBest": "\(trainer.evaluationsSinceBest)",
    ]
    if let best = trainer.best {
      entries += best.objective.state.map { SafetensorsEntry("best.\($0.name)", $0.value) }
      metadata["bestStep"] = "\(best.step)"
      metadata["bestScore"] = "\(best.score)"
    }
    metadata["crc32"] = checksum(entries, metadata)
    try SafetensorsFile(metadata: metadata, tensors: entries).write(to: path)
  }

  /// Puts a fresh trainer of the same recipe where the checkpoint left off.
  static func restore(_ trainer: inout Trainer, from path: String) throws(Failure) {
    let file = try SafetensorsFile.read(path)
    let metadata = file.metadata
    guard metadata["kind"] == "kindred-checkpoint", let step = metadata["step"].flatMap(Int.init),
      step >= 0
    else {
      throw Failure(
        .badData, at: path, "this is not a checkpoint of kindred",
        remedy: "train into another folder without --resume")
    }
    guard metadata["crc32"] == checksum(file.tensors, metadata) else {
      throw Failure(
        .badData, at: path, "the checksum does not fit: the file is damaged",
        remedy: "train into another folder without --resume")
    }
    guard metadata["recipe"] == trainer.recipe.json.description else {
      throw Failure(
        .badData, at: path, "the run was started with another recipe",
        expected: "the same recipe, --set and --seed",
        remedy: "compare recipe.json5 in the run folder, or train into another folder")
    }
    guard metadata["data"] == trainer.data.train.identity else {
      throw Failure(
        .badData, at: path, "the run was started with other data",
        remedy: "restore the data, or train into another folder")
    }
    let tensors = try file.tensorsByName(at: path)
    var restored = trainer
    try restored.objective.load(tensors, prefix: "", at: path)
    try restored.objective.loadMemories(tensors, at: path)
    var failure: Failure?
    restored.momentum?.updateState { name, tensor in
      tensor = fitting(tensors, name, tensor, at: path, &failure)
    }
    restored.collapse.updateState { name, tensor in
      tensor = fitting(tensors, "watch." + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
    try restored.loadSampler(tensors, at: path)
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
      var objective = trainer.objective
      try objective.load(tensors, prefix: "best.", at: path)
      restored.best = Trainer.Best(step: bestStep, score: score, objective: objective)
    }
    trainer = restored
  }

  private static func checksum(
    _ entries: [SafetensorsEntry], _ metadata: [String: String]
  ) -> String {
    var crc = CRC32()
    // A file of tensors has metadata of its own, too.
    for key in ["step", "recipe", "data", "evaluationsSinceBest", "bestStep", "bestScore"] {
      crc.update("\(key) \(metadata[key] ?? "")\n".utf8)
    }
    for entry in entries {
      crc.update(entry.name.utf8)
      crc.update(entry.bytes)
    }
    return String(crc.value, radix: 16)
  }
}

extension Trainer {
  /// Takes what the sampler has learnt of the items.
  fileprivate mutating func loadSampler(
    _ tensors: [String: Tensor], at path: String
  ) throws(Failure) {
    guard var adaptive = sampler as? any AdaptiveSampler else { return }
    var failure: Failure?
    adaptive.updateState { name, tensor in
      tensor = fitting(tensors, "sampler." + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
    sampler = adaptive
  }
}

extension Objective {
  /// Takes every parameter and statistic from tensors of the same names and shapes.
  mutating func load(
    _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure) {
    try encoder.load(tensors, prefix: prefix + "encoder.", at: path)
    try loss.load(tensors, prefix: prefix + "loss.", at: path)
  }

  /// Takes what the losses remember of recent batches.
  mutating func loadMemories(_ tensors: [String: Tensor], at path: String) throws(Failure) {
    var failure: Failure?
    loss.updateMemories { name, tensor in
      tensor = fitting(tensors, "memory." + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
    for term in loss.terms { try term.memory?.validate(at: path) }
  }
}

extension CompositeLoss {
  /// Takes every parameter from tensors of the same names and shapes.
  mutating func load(
    _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure) {
    var failure: Failure?
    updateParameters { name, tensor in
      tensor = fitting(tensors, prefix + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
  }
}

extension Encoder {
  /// Takes every parameter and statistic from tensors of the same names and shapes.
  mutating func load(
    _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure) {
    var failure: Failure?
    updateParameters { name, tensor in
      tensor = fitting(tensors, prefix + name, tensor, at: path, &failure)
    }
    updateStatistics { name, tensor in
      tensor = fitting(tensors, prefix + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
  }
}

/// The tensor of a name, or the old one and the first failure.
private func fitting(
  _ tensors: [String: Tensor], _ name: String, _ old: Tensor, at path: String,
  _ failure: inout Failure?
) -> Tensor {
  do throws(Failure) {
    return try matching(tensors[name], old, name, at: path)
  } catch {
    failure = failure ?? error
    return old
  }
}

private func matching(
  _ found: Tensor?, _ expected: Tensor, _ name: String, at path: String
) throws(Failure) -> Tensor {
  guard let found else {
    throw Failure(.badData, at: path, "the tensor '\(name)' is missing")
  }
  guard found.shape == expected.shape, found.dtype == expected.dtype else {
    throw Failure(
      .badData, at: path, "the tensor '\(name)' is \(found.dtype) \(found.shape)",
      expected: "\(expected.dtype) \(expected.shape)")
  }
  return found
}
