import Autodiff
import Data
import Settings

/// The data of a run: what is trained on, what is watched meanwhile, and what is judged at the end.
public struct TrainingData: Sendable {
  public let train: Dataset
  /// Training classes that were kept aside, if the recipe asks for it.
  public let validation: Dataset?
  public let test: Dataset

  /// What the evaluations during the run look at.
  public var watched: Dataset { validation ?? test }
  /// What to call them.
  public var watchedName: String { validation == nil ? "test classes" : "validation classes" }

  public init(_ recipe: Recipe, root: String) throws(Failure) {
    self.init(
      try recipe.data.value.load(root: root), validation: recipe.training.validation,
      random: Random(seed: UInt64(recipe.training.seed)).split("validation"))
  }

  /// - Parameter validation: the share of training classes to keep aside.
  public init(_ split: DataSplit, validation share: Double, random: Random) {
    test = split.test
    let classCount = split.train.classNames.count
    let held = Int((share * Double(classCount)).rounded())
    guard held > 0, held < classCount else {
      (train, validation) = (split.train, nil)
      return
    }
    var random = random
    let order = random.permutation(classCount)
    train = split.train.keeping(classes: order.dropFirst(held).sorted())
    validation = split.train.keeping(classes: order.prefix(held).sorted())
  }
}

/// Where data sets lie: `$KINDRED_DATA`, or `./data`.
public func dataRoot(environment: [String: String]) -> String {
  environment["KINDRED_DATA"].flatMap { $0.isEmpty ? nil : $0 } ?? "data"
}
