import Autodiff
import Settings

/// A random change of an item that leaves its class as it is.
public protocol Augmentation: Described {
  /// Writes a changed item.
  ///
  /// - Parameters:
  ///   - shape: the shape of the item.
  ///   - random: what the change is drawn from.
  func apply(
    to source: UnsafeBufferPointer<Float>, shape: [Int],
    into target: UnsafeMutableBufferPointer<Float>, random: inout Random)
}
