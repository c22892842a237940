import Autodiff
import Settings

/// Chooses which items of a training set make each batch.
public protocol Sampler: Described {
  /// How many items a batch has; every batch is whole.
  var batchSize: Int { get }

  /// Checks that batches can be made of items with these labels.
  func validate(labels: [Int], at place: String) throws(Failure)

  /// The items of a batch.
  ///
  /// A batch depends on its number and on `random` only, so a run that is resumed draws the
  /// batches that it would have drawn.
  /// - Parameters:
  ///   - step: the number of the batch, from 0.
  ///   - labels: the class of each item, which ``validate(labels:at:)`` accepts.
  func batch(_ step: Int, of labels: [Int], random: Random) -> [Int]
}
