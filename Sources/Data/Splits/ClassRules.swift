import Settings

/// What the data sets that are read from files have in common: which classes are judged on, and how
/// small a class may be.
public struct ClassRules: Sendable {
  public var testClasses: [String] = []
  public var testFraction = 0.5
  public var seed = 0
  public var minimumPerClass = 2
  public var dropSmallClasses = false

  public init() {}

  /// Divides the classes of one set of items.
  func split(_ data: Dataset, at place: String) throws(Failure) -> DataSplit {
    try ClassSplit(testClasses: testClasses, testFraction: testFraction, seed: seed)
      .apply(to: data, at: place)
  }

  /// Fails if classes to judge on are named beside a second part, which is judged on as a whole.
  func checkNamesNone(beside part: String, at place: String) throws(Failure) {
    guard testClasses.isEmpty else {
      throw Failure(
        .badData, at: place, "\(part) and testClasses both say what to judge on",
        expected: "one of them", remedy: "leave testClasses out, or \(part)")
    }
  }

  /// Refuses or drops classes that are too small to make pairs.
  func withoutSmallClasses(_ data: Dataset, at place: String) throws(Failure) -> Dataset {
    let sizes = data.classSizes
    guard let small = sizes.firstIndex(where: { $0 < minimumPerClass }) else { return data }
    guard dropSmallClasses else {
      let items = sizes[small] == 1 ? "1 item" : "\(sizes[small]) items"
      throw Failure(
        .badData, at: place, "the class '\(data.classNames[small])' has \(items)",
        expected: "\(minimumPerClass) or more, to make pairs",
        remedy: "add items, or set dropSmallClasses: true")
    }
    let kept = sizes.indices.filter { sizes[$0] >= minimumPerClass }
    guard !kept.isEmpty else {
      throw Failure(
        .badData, at: place, "no class has \(minimumPerClass) items", remedy: "add items")
    }
    return data.keeping(classes: kept)
  }
}

/// A data set read from files, whose classes are divided by rules.
public protocol ClassRuled: DataSource {
  var classRules: ClassRules { get set }
}

extension ClassRuled {
  static var classSettings: [Setting<Self>] {
    [
      Setting(
        "testClasses", \.classRules.testClasses, "the classes to judge on; empty: by testFraction"),
      Setting(
        "testFraction", \.classRules.testFraction, "the share of classes to judge on", in: 0...1),
      Setting("seed", \.classRules.seed, "what the classes to judge on are drawn from"),
      Setting(
        "minimumPerClass", \.classRules.minimumPerClass, "the fewest items a class may have",
        in: 1...1000),
      Setting(
        "dropSmallClasses", \.classRules.dropSmallClasses,
        "whether smaller classes are left out instead of refused"),
    ]
  }
}
