import Autodiff
import Files
import Settings
import Texts

/// What follows pooling in a sentence-transformers folder.
enum SentenceModule: Parameterized {
  case normalize
  case dense(SentenceDense)

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .normalize: x.normalizedRows()
    case .dense(let dense): dense(x)
    }
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    guard case .dense(var dense) = self else { return }
    try dense.updateParameters(body)
    self = .dense(dense)
  }
}

/// act(W x + b), perhaps with x added.
struct SentenceDense: Parameterized {
  var linear: LinearMap
  /// Added to the result: nil for nothing.
  var residual: LinearMap?
  let addsInput: Bool
  let activation: String

  private static let activations = ["Tanh", "Identity", "GELU", "ReLU", "Sigmoid", "SiLU"]

  /// Reads a Dense module's folder.
  init(folder: String, dtype: DType) throws(Failure) {
    let path = "\(folder)/config.json"
    let config = try JSONNode(try FileSystem.read(path), at: path)
    let weights = try WeightFile(folder: folder)
    // The file's own shape bounds what is allocated.
    guard let inputs = config["in_features"]?.id, let outputs = config["out_features"]?.id,
      inputs > 0, outputs > 0, weights.shape(of: "linear.weight") == [outputs, inputs]
    else {
      throw Failure(
        .badData, at: path, "in_features and out_features are not those of the weights",
        expected: "the shape of linear.weight: "
          + "\(weights.shape(of: "linear.weight").map { "\($0)" } ?? "there is none")")
    }
    let name = config["activation_function"]?.string ?? "torch.nn.modules.activation.Tanh"
    let last = name.split(separator: ".").last.map(String.init) ?? ""
    guard SentenceDense.activations.contains(last) else {
      throw Failure(
        .badData, at: path, "the activation '\(name)' is not supported",
        remedy: suggestion(for: last, among: SentenceDense.activations))
    }
    activation = last
    linear = LinearMap(
      inputs: inputs, outputs: outputs, hasBias: config["bias"]?.flag ?? true, dtype: dtype)
    let adds = config["use_residual"]?.flag ?? false
    addsInput = adds && inputs == outputs
    residual =
      adds && inputs != outputs
      ? LinearMap(inputs: inputs, outputs: outputs, hasBias: false, dtype: dtype) : nil
    _ = try TensorNames(rules: []).fill(&self, from: weights)
  }

  var inputs: Int { linear.weight.shape[1] }
  var outputs: Int { linear.weight.shape[0] }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = linear(x)
    let activated =
      switch activation {
      case "Tanh": tanh(y)
      case "GELU": gelu(y)
      case "ReLU": relu(y)
      case "Sigmoid": sigmoid(y)
      case "SiLU": silu(y)
      default: y
      }
    if addsInput { return activated + x }
    return residual.map { activated + $0(x) } ?? activated
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("linear", &linear, body)
    try update("residual", &residual, body)
  }
}
