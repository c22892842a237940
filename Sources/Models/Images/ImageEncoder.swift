import Autodiff

/// A network that makes a vector of an image: the features before any classifier.
public protocol ImageEncoder: Layer {
  /// Channels of an image.
  var channels: Int { get }
  /// Numbers of a vector.
  var featureCount: Int { get }
  /// Rows and columns that an image has at least.
  var smallestSide: Int { get }
}

/// Parameters and statistics of a layer as one: all that a file of weights has.
struct AllTensors<Inner: Layer>: Parameterized {
  var layer: Inner

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try layer.updateParameters(body)
    try layer.updateStatistics(body)
  }
}
