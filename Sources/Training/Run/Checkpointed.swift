import Autodiff
import Miners
import Models
import Settings

/// A recipe whose runs take steps.
package protocol StepRecipe: Sendable {
  init(_ value: JSONValue, at place: String) throws(Failure)

  /// The recipe with every default spelled out.
  var json: JSONValue { get }
  var training: TrainingSettings { get }
  var schedule: Choice<any Schedule> { get }
  /// What messages call the model.
  var modelName: String { get }
}

extension Recipe: StepRecipe {
  package var modelName: String { model.name }
}

/// A trainer of which a checkpoint holds all that the next step depends on.
package protocol Checkpointed: Sendable {
  associatedtype TrainedBy: StepRecipe

  var recipe: TrainedBy { get }
  /// What tells the data from others.
  var dataIdentity: String { get }
  /// How many steps were taken.
  var step: Int { get }
  var optimizer: Optimizer { get set }
  /// What the optimiser moves, in its order.
  var parameterNames: [String] { get }
  var evaluationsSinceBest: Int { get set }
  /// All but what the optimiser remembers and the best model, by name.
  var checkpointTensors: [(name: String, value: Tensor)] { get }
  /// The best model watched so far.
  var bestModel: (step: Int, score: Double, tensors: [(name: String, value: Tensor)])? { get }

  /// Takes ``checkpointTensors`` from those of a file.
  mutating func load(_ tensors: [String: Tensor], at path: String) throws(Failure)
  /// Takes the best model from tensors whose names begin with a prefix.
  mutating func loadBest(
    step: Int, score: Double, _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure)
}

extension Trainer: Checkpointed {
  package var dataIdentity: String { data.train.identity }
  package var parameterNames: [String] { objective.parameters.map(\.name) }

  package var checkpointTensors: [(name: String, value: Tensor)] {
    var tensors = objective.state + objective.memories
    var momentum = momentum
    momentum?.updateState { tensors.append(($0, $1)) }
    var collapse = collapse
    collapse.updateState { tensors.append(("watch.\($0)", $1)) }
    if var sampler = sampler as? any AdaptiveSampler {
      sampler.updateState { tensors.append(("sampler.\($0)", $1)) }
    }
    return tensors
  }

  package var bestModel: (step: Int, score: Double, tensors: [(name: String, value: Tensor)])? {
    best.map { ($0.step, $0.score, $0.objective.state) }
  }

  package mutating func load(_ tensors: [String: Tensor], at path: String) throws(Failure) {
    try objective.load(tensors, prefix: "", at: path)
    try objective.loadMemories(tensors, at: path)
    var failure: Failure?
    momentum?.updateState { name, tensor in
      tensor = fitting(tensors, name, tensor, at: path, &failure)
    }
    collapse.updateState { name, tensor in
      tensor = fitting(tensors, "watch." + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
    try loadSampler(tensors, at: path)
  }

  package mutating func loadBest(
    step: Int, score: Double, _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure) {
    var kept = objective
    try kept.load(tensors, prefix: prefix, at: path)
    best = Best(step: step, score: score, objective: kept)
  }
}
