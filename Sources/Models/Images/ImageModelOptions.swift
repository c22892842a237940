import Files
import Settings
import Texts

/// What an encoder's tensors do not tell: given by the caller, by config.json or by the file.
public struct ImageModelOptions: Configurable, Equatable {
  /// Attention heads; 0 for width / 64.
  public var heads = 0
  /// The stride of each block (torchvision's names) or stage (timm's); empty for the family's.
  public var strides: [Int] = []
  /// What is added to variances; 0 for the family's.
  public var epsilon = 0.0
  /// The function in feed-forward parts; empty for the family's.
  public var activation = ""
  /// The stride of a residual network's last stage.
  public var lastStride = 2
  /// Whether maps are padded as TensorFlow does; empty for what the kernels tell.
  public var padding = ""

  public init() {}

  public static let settings: [Setting<Self>] = [
    Setting("heads", \Self.heads, "attention heads, 0 for width / 64", in: 0...4096),
    Setting(
      "strides", \Self.strides,
      "the stride of each block (torchvision's names) or stage (timm's)", in: 1...4),
    Setting("epsilon", \Self.epsilon, "what is added to variances, 0 for the usual", in: 0...0.1),
    Setting("activation", \Self.activation, "as config.json spells it: gelu, quick_gelu, ..."),
    Setting("lastStride", \Self.lastStride, "the stride of ResNet's last stage", in: 1...2),
    Setting("padding", \Self.padding, "of kernels: same (TensorFlow's) or zeros"),
  ]

  public func validate(at place: String) throws(Failure) {
    guard ["", "same", "zeros"].contains(padding) else {
      throw Failure(
        .badUsage, at: "\(place): padding", "'\(padding)'", expected: "'same' or 'zeros'")
    }
    guard activation.isEmpty || SmoothFunction(name: activation) != nil else {
      throw Failure(
        .badUsage, at: "\(place): activation", "'\(activation)' is not supported",
        remedy: suggestion(for: activation, among: SmoothFunction.names))
    }
  }
}

/// What lies beside an encoder's tensors, in the order in which it counts.
struct ImageHints: Sendable {
  /// The caller's settings, filled up by what the files say.
  private(set) var options: ImageModelOptions
  /// timm's name of the architecture; transformers' kind of model.
  private(set) var architecture, modelType: String?
  /// Whether the caller or the files said which stride and padding there is.
  let place: String

  /// - Parameters:
  ///   - config: config.json beside the weights.
  ///   - metadata: what the file of weights says of itself: `heads` and `strides`, numbers by spaces.
  init(
    _ options: ImageModelOptions, config: (JSONNode, place: String)?, metadata: [String: String],
    at place: String
  ) throws(Failure) {
    self.options = options
    self.place = place
    if let (config, place) = config { try read(config, at: place) }
    func numbers(_ key: String) -> [Int]? {
      metadata[key].map { $0.split(separator: " ").compactMap { Int($0) } }
    }
    if self.options.heads == 0, let heads = numbers("heads")?.first, (1...4096).contains(heads) {
      self.options.heads = heads
    }
    if self.options.strides.isEmpty, let strides = numbers("strides"),
      strides.allSatisfy({ (1...4).contains($0) })
    {
      self.options.strides = strides
    }
  }

  private mutating func read(_ whole: JSONNode, at place: String) throws(Failure) {
    modelType = whole["model_type"]?.string
    architecture = whole["architecture"]?.string
    // A whole CLIP tells of its two towers.
    let config = whole["vision_config"] ?? whole
    if options.heads == 0, let heads = config["num_attention_heads"] {
      guard let count = heads.id, (1...4096).contains(count) else {
        throw Failure(
          .badData, at: "\(place): num_attention_heads", "this is \(heads.kind)",
          expected: "a whole number from 1")
      }
      options.heads = count
    }
    if options.activation.isEmpty, let name = config["hidden_act"]?.string {
      guard SmoothFunction(name: name) != nil else {
        throw Failure(
          .badData, at: "\(place): hidden_act", "the activation '\(name)' is not supported",
          remedy: suggestion(for: name, among: SmoothFunction.names))
      }
      options.activation = name
    }
    if options.epsilon == 0, let node = config["layer_norm_eps"] {
      guard let epsilon = node.number, epsilon > 0, epsilon < 0.1 else {
        throw Failure(
          .badData, at: "\(place): layer_norm_eps", "this is no such number",
          expected: "a small positive number")
      }
      options.epsilon = epsilon
    }
  }

  func epsilon(usual: Double) -> Double { options.epsilon > 0 ? options.epsilon : usual }

  func activation(usual: SmoothFunction) -> SmoothFunction {
    SmoothFunction(name: options.activation) ?? usual
  }

  /// The number of heads, by the settings or by the width.
  func heads(width: Int) throws(Failure) -> Int {
    let heads = options.heads > 0 ? options.heads : width == 1280 ? 16 : width / 64
    guard heads > 0, width % heads == 0, options.heads > 0 || width % 64 == 0 else {
      throw Failure(
        .badData, at: place,
        options.heads > 0
          ? "\(heads) heads do not divide a width of \(width)"
          : "nothing tells how many heads share a width of \(width)",
        expected: options.heads > 0 ? "heads of equal width" : "a multiple of 64",
        remedy: "give --model '{heads: N}'")
    }
    return heads
  }
}
