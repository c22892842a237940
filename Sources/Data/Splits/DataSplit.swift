import Settings

/// What is trained on and what is judged on; by default they have no class in common.
public struct DataSplit: Sendable {
  public var train, test: Dataset
  /// Items to watch during the training, if the data come with some.
  public var validation: Dataset?
  /// What a user should know of how the data were read, each in a line.
  public var notes: [String] = []

  public init(train: Dataset, test: Dataset, validation: Dataset? = nil, notes: [String] = []) {
    (self.train, self.test, self.validation) = (train, test, validation)
    self.notes = notes
  }
}

/// Which of the classes that are judged on were trained on, by their names.
///
/// *Open-set*: none, as metric learning is judged; *closed-set*: all; else *mixed*.
public struct ClassOverlap: Sendable, Equatable {
  public enum Setting: String, Sendable {
    case openSet = "open-set"
    case closedSet = "closed-set"
    case mixed
  }

  /// Classes trained on, classes judged on, and how many of the latter were trained on.
  public let trained, judged, shared: Int
  /// Items judged on, and how many of them are of shared classes.
  public let items, sharedItems: Int
  /// Whether the items judged on are those trained on.
  public let isSameItems: Bool

  public init(train: Dataset, test: Dataset) {
    self.init(
      trained: train.classNames, test: test,
      isSameItems: train.classNames == test.classNames && train.hash == test.hash)
  }

  /// - Parameter classNames: the classes that were trained on.
  public init(trained classNames: [String], test: Dataset, isSameItems: Bool = false) {
    self.isSameItems = isSameItems
    let known = Set(classNames.map { Array($0.utf8) })
    let isShared = test.classNames.map { known.contains(Array($0.utf8)) }
    (trained, judged) = (classNames.count, test.classNames.count)
    shared = isShared.count { $0 }
    items = test.count
    sharedItems = test.labels.count { isShared[$0] }
  }

  public var setting: Setting {
    shared == 0 ? .openSet : shared == judged ? .closedSet : .mixed
  }

  /// What the classes are that are judged on, as in "classes never seen in training".
  public var words: String {
    if isSameItems { return "the items trained on" }
    return switch setting {
    case .openSet: "classes never seen in training"
    case .closedSet: "other items of the classes trained on (closed-set)"
    case .mixed:
      "classes of which \(shared) of \(judged) were trained on (mixed, \(sharedItems) of \(items) items)"
    }
  }

  public var json: JSONValue {
    [
      "setting": .string(setting.rawValue), "trained": JSONValue(trained),
      "judged": JSONValue(judged), "shared": JSONValue(shared), "items": JSONValue(items),
      "sharedItems": JSONValue(sharedItems), "sameItems": .bool(isSameItems),
    ]
  }
}
