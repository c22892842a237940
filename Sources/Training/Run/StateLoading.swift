import Autodiff
import Losses
import Miners
import Models
import Settings

// What a file holds, put in the place of what was freshly made: names, shapes and types must be the
// same, and every number finite.

extension Trainer {
  /// Takes what the sampler has learnt of the items.
  mutating func loadSampler(
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
func fitting(
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

func matching(
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
  guard found.isFinite else {
    throw Failure(
      .badData, at: path, "the tensor '\(name)' holds NaN or infinity", expected: "finite numbers",
      remedy: "train again with a lower optimizer.learningRate or with training.gradientClip")
  }
  return found
}
