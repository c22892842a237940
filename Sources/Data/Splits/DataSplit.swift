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

/// Which of the classes that are judged on were trained on, by their names, and which of the items.
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
  /// How many of the items judged on are, bit for bit, items trained on, whatever they are called;
  /// nil if these are not known.
  public let copies: Int?

  /// - Complexity: one pass over the numbers of both.
  public init(train: Dataset, test: Dataset) {
    self.init(trained: train.classNames, test: test, copies: test.copies(of: train))
  }

  /// - Parameter classNames: the classes that were trained on.
  public init(trained classNames: [String], test: Dataset) {
    self.init(trained: classNames, test: test, copies: nil)
  }

  private init(trained classNames: [String], test: Dataset, copies: Int?) {
    self.copies = copies
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

  /// Whether all that is judged on was trained on.
  public var isSameItems: Bool { setting == .closedSet && copies == items }

  /// What the classes are that are judged on, as in "classes never seen in training".
  public var words: String {
    let copied = copies ?? 0
    if isSameItems { return "the items trained on themselves (closed-set)" }
    let known =
      switch setting {
      case .openSet: "classes never seen in training"
      case .closedSet:
        "\(copied == 0 ? "other " : "")items of the classes trained on (closed-set)"
      case .mixed:
        "classes of which \(shared) of \(judged) were trained on (mixed, \(sharedItems) of \(items) items)"
      }
    return copied == 0 ? known : "\(known), \(copyWords)"
  }

  /// How many items are copies of items trained on, as in "12 of 40 items copies of items trained on".
  public var copyWords: String { "\(copies ?? 0) of \(items) items copies of items trained on" }

  public var json: JSONValue {
    [
      "setting": .string(setting.rawValue), "trained": JSONValue(trained),
      "judged": JSONValue(judged), "shared": JSONValue(shared), "items": JSONValue(items),
      "sharedItems": JSONValue(sharedItems),
      "copies": copies.map { JSONValue($0) } ?? .null,
    ]
  }
}
