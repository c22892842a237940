import Autodiff
import Data
import Settings

/// The data of a run: what is trained on, what is watched meanwhile, and what is judged at the end.
public struct TrainingData: Sendable {
  public let train: Dataset
  /// Training classes that were kept aside, if the recipe asks for it.
  public let validation: Dataset?
  public let test: Dataset
  /// How the classes that are judged on relate to those trained on.
  public let overlap: ClassOverlap
  /// What a user should know of how the data were read.
  public let notes: [String]
  /// What a teacher makes of the training items, one row each; nil without a teacher.
  public var teacher: Tensor?

  /// What the evaluations during the run look at.
  public var watched: Dataset { validation ?? test }
  /// What to call them.
  public var watchedName: String {
    validation == nil ? "test classes" : isGiven ? "validation part" : "validation classes"
  }
  /// Whether the validation items are a part that the data came with.
  private let isGiven: Bool

  public init(_ recipe: Recipe, root: String) throws(Failure) {
    self.init(
      try recipe.data.value.load(root: root), validation: recipe.training.validation,
      random: recipe.validationRandom)
    teacher = try recipe.teacher?.vectors(of: self, recipe: recipe, root: root)
  }

  /// - Parameter validation: the share of training classes to keep aside.
  public init(_ split: DataSplit, validation share: Double, random: Random) {
    test = split.test
    let classCount = split.train.classNames.count
    let held = Int((share * Double(classCount)).rounded())
    isGiven = !(held > 0 && held < classCount) && split.validation != nil
    if held > 0, held < classCount {
      var random = random
      let order = random.permutation(classCount)
      train = split.train.keeping(classes: order.dropFirst(held).sorted())
      validation = split.train.keeping(classes: order.prefix(held).sorted())
    } else {
      (train, validation) = (split.train, split.validation)
    }
    overlap = ClassOverlap(train: train, test: test)
    notes = split.notes
  }

  /// The refusal of a sampler, with what became of the classes.
  func explaining(_ failure: Failure) -> Failure {
    let judged = test.classNames.count
    guard overlap.shared == 0, judged > 0, train.classNames.count < 8 else { return failure }
    let held = validation.map(\.classNames.count) ?? 0
    let all = train.classNames.count + judged + (isGiven ? 0 : held)
    var failure = failure
    failure.found =
      "\(all) class\(all == 1 ? "" : "es"), of which \(train.classNames.count) "
      + (train.classNames.count == 1 ? "is" : "are")
      + " left for training and \(judged) to judge on"
      + (held > 0 && !isGiven ? " (\(held) kept aside)" : "") + "; \(failure.found)"
    failure.remedy =
      "set data.testFraction lower"
      + (failure.remedy.isEmpty
        ? " or give a second part to judge on"
        : ", give a second part to judge on, or \(failure.remedy)")
    return failure
  }
}

/// Where data sets lie: `$KINDRED_DATA`, or `./data`.
public func dataRoot(environment: [String: String]) -> String {
  environment["KINDRED_DATA"].flatMap { $0.isEmpty ? nil : $0 } ?? "data"
}
