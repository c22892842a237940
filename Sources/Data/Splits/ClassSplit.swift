import Autodiff
import Settings

/// How the classes of one set of items are divided into those to train and those to judge on.
///
/// By list if `testClasses` names any, else `testFraction` of the classes at random; a class is
/// never on both sides.
package struct ClassSplit: Sendable {
  package var testClasses: [String]
  package var testFraction: Double
  package var seed: Int

  package init(testClasses: [String], testFraction: Double, seed: Int) {
    (self.testClasses, self.testFraction, self.seed) = (testClasses, testFraction, seed)
  }

  package func apply(to data: Dataset, at place: String) throws(Failure) -> DataSplit {
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
