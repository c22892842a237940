import Autodiff
import Settings

/// A kind of encoder with its hyper-parameters; makes an encoder for inputs of a given shape.
public protocol Architecture: Described {
  /// Makes an encoder with freshly drawn parameters.
  ///
  /// - Throws: a ``Failure`` when inputs of this shape do not fit.
  func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder
}
