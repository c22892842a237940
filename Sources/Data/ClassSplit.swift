import Autodiff
import Settings

/// How the classes of one set of items are divided into those to train and those to judge on.
///
/// By list if `testClasses` names any, else `testFraction` of the classes at random; a class is
/// never on both sides.
struct ClassSplit: Sendable {
  var testClasses: [String]
  var testFraction: Double
  var seed: Int

  func apply(to data: Dataset, at place: String) throws(Failure) -> DataSplit {
    var test: [Int] = []
    for name in testClasses {
      guard let label = data.classNames.firstIndex(of: name) else {
        throw Failure(
          .badData, at: "\(place): testClasses", "there is no class '\(name)'",
          remedy: suggestion(for: name, among: data.classNames))
      }
      test.append(label)
    }
    if testClasses.isEmpty {
      var random = Random(seed: UInt64(seed)).split("classes")
      let count = Int((testFraction * Double(data.classNames.count)).rounded())
      test = random.permutation(data.classNames.count).prefix(count).sorted()
    }
    let judged = Set(test)
    let train = data.classNames.indices.filter { !judged.contains($0) }
    guard !train.isEmpty, !test.isEmpty else {
      throw Failure(
        .badData, at: place,
        "of \(data.classNames.count) classes, \(train.count) are left to train and \(test.count) "
          + "to judge on",
        expected: "one at least of each",
        remedy: "change testFraction or testClasses, or give a second part to judge on")
    }
    return DataSplit(
      train: data.keeping(classes: train, name: data.name + " (train)"),
      test: data.keeping(classes: test, name: data.name + " (test)"))
  }
}

/// Refuses or drops classes that are too small to make pairs.
func checkClassSizes(
  of data: Dataset, minimum: Int, dropping: Bool, at place: String
) throws(Failure) -> Dataset {
  let sizes = data.classSizes
  guard let small = sizes.firstIndex(where: { $0 < minimum }) else { return data }
  guard dropping else {
    throw Failure(
      .badData, at: place,
      "the class '\(data.classNames[small])' has \(sizes[small]) item\(sizes[small] == 1 ? "" : "s")",
      expected: "\(minimum) or more, to make pairs",
      remedy: "add items, or set dropSmallClasses: true")
  }
  let kept = sizes.indices.filter { sizes[$0] >= minimum }
  guard !kept.isEmpty else {
    throw Failure(.badData, at: place, "no class has \(minimum) items", remedy: "add items")
  }
  return data.keeping(classes: kept)
}
