import Autodiff
import Data
import Settings
import Testing

@Suite("Data sets")
struct DatasetTests {
  /// Five items of two numbers; the class "b" has none.
  private let data = Dataset(
    name: "some", itemShape: [2], values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    labels: [2, 0, 2, 3, 0], classNames: ["a", "b", "c", "d"],
    itemNames: ["one", "two", "three", "four", "five"])

  @Test("Classes without items are dropped and the others numbered in their order")
  func labelsAreConsecutive() {
    #expect(data.classNames == ["a", "c", "d"])
    #expect(data.labels == [1, 0, 1, 2, 0])
    #expect(data.classSizes == [2, 2, 1])
    #expect(data.count == 5)
  }

  @Test("Keeping classes keeps their items, names and order")
  func keeping() {
    let kept = data.keeping(classes: [2, 1], name: "part")
    #expect(kept.name == "part")
    #expect(kept.values == [0, 1, 4, 5, 6, 7])
    #expect(kept.classNames == ["c", "d"])
    #expect(kept.labels == [0, 0, 1])
    #expect(kept.itemNames == ["one", "three", "four"])
  }

  @Test("The hash tells values, labels and shapes apart, and nothing else")
  func hash() {
    func hash(_ values: [Float], _ labels: [Int], _ shape: [Int], name: String = "x") -> UInt64 {
      Dataset(
        name: name, itemShape: shape, values: values, labels: labels, classNames: ["a", "b"],
        itemNames: labels.map { "\($0)" }
      ).hash
    }
    let original = hash([1, 2, 3, 4], [0, 1], [2])
    #expect(original == hash([1, 2, 3, 4], [0, 1], [2], name: "y"))
    #expect(original != hash([1, 2, 4, 3], [0, 1], [2]))
    #expect(original != hash([1, 2, 3, 4], [1, 0], [2]))
    #expect(original != hash([1, 2, 3, 4], [0, 1], [2, 1, 1]))
  }

  @Test("A batch holds the items asked for, in that order, again if asked again")
  func batch() {
    let batch = data.batch([3, 0, 3])
    #expect(batch.shape == [3, 2])
    #expect(batch.elements(as: Float.self) == [6, 7, 0, 1, 6, 7])
    #expect(data.batch([]).shape == [0, 2])
    #expect(data.flattened.shape == [5, 2])
  }

  @Test("The registry's names are their own and every entry says what it is")
  func registry() throws {
    #expect(Set(allDatasets.map(\.name)).count == allDatasets.count)
    for entry in allDatasets {
      let kind = type(of: entry.value)
      #expect(!kind.summary.isEmpty)
      #expect(entry.name.allSatisfy { $0.isLowercase || $0 == "-" }, "\(entry.name)")
      for setting in kind.settingDescriptions {
        #expect(!setting.summary.isEmpty && !setting.summary.hasSuffix("."), "\(setting.name)")
      }
      let same = try entry.value.setting(entry.value.settingValues, at: entry.name)
      #expect(same.settingValues == entry.value.settingValues)
      let message = failure { _ = try entry.value.setting(["wrong": 1], at: "recipe") }
      #expect(message.kind == .badData && message.found.contains("'wrong'"))
    }
  }
}

@Suite("Batches from several threads", .serialized)
struct ThreadedBatchTests {
  /// A hundred pictures of 9×7 with two channels.
  private let data: Dataset = {
    var random = Random(seed: 5)
    return Dataset(
      name: "noise", itemShape: [9, 7, 2],
      values: (0..<100 * 126).map { _ in Float(random.uniform()) },
      labels: (0..<100).map { $0 / 10 }, classNames: (0..<10).map(String.init),
      itemNames: (0..<100).map(String.init))
  }()

  @Test("An augmented batch is the same bits for any number of threads")
  func threads() {
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let items = (0..<100).map { ($0 * 37) % 100 }
    let batches = [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      return data.batch(items, augmentation: AffineJitter(), random: Random(seed: 9))
        .elements(as: Float.self).map(\.bitPattern)
    }
    #expect(batches[0] == batches[1])
    #expect(batches[0] == batches[2])
  }

  @Test("Every place in a batch draws for itself")
  func streams() {
    let jitter = AffineJitter()
    func batch(_ items: [Int], seed: UInt64) -> [Float] {
      data.batch(items, augmentation: jitter, random: Random(seed: seed)).elements()
    }
    let width = data.itemWidth
    let pair = batch([4, 4], seed: 1)
    #expect(pair.prefix(width) != pair.suffix(width))
    // What follows in a batch does not change what comes first.
    #expect(pair == Array(batch([4, 4, 8, 15], seed: 1).prefix(2 * width)))
    #expect(pair != batch([4, 4], seed: 2))
  }
}
