import Data
import Files
import Settings
import Testing

@Suite("Vectors, IDX and CSV as data sets")
struct TableSourceTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  // MARK: npy

  private func writeVectors(
    _ values: [Float], columns: Int, labels: [Int64], prefix: String = ""
  ) throws {
    let rows = values.count / columns
    try scratch.write(
      NumPyArray(shape: [rows, columns], elements: .float32(values)).bytes(),
      to: "vectors/\(prefix)embeddings.npy")
    try scratch.write(
      NumPyArray(shape: [labels.count], elements: .int64(labels)).bytes(),
      to: "vectors/\(prefix)labels.npy")
  }

  private func loadVectors(_ settings: [String: JSONValue] = [:]) throws -> DataSplit {
    try VectorFiles().setting(settings, at: "test").load(root: scratch.path)
  }

  @Test("Labels may be any whole numbers; classes are in their order")
  func vectors() throws {
    try writeVectors(
      (0..<12).map(Float.init), columns: 2, labels: [700, -3, 700, 5, -3, 5], prefix: "")
    let split = try loadVectors(["testFraction": 0.3])
    #expect(split.train.itemShape == [2])
    #expect(split.train.classNames.count == 2 && split.test.classNames.count == 1)
    let names = split.train.classNames + split.test.classNames
    #expect(Set(names) == ["-3", "5", "700"])
    // Rows keep their labels: the class 700 has rows 0 and 2, and so on.
    let rows: [String: [Float]] = ["700": [0, 1, 4, 5], "-3": [2, 3, 8, 9], "5": [6, 7, 10, 11]]
    let judged = split.test.classNames[0]
    #expect(split.test.values == rows[judged])
    let listed = try loadVectors(["testClasses": ["-3"]])
    #expect(listed.test.classNames == ["-3"] && listed.train.classNames == ["5", "700"])
  }

  @Test("A pair to judge on is read when it is given")
  func vectorPairs() throws {
    try writeVectors([1, 2, 3, 4], columns: 2, labels: [0, 0])
    try writeVectors([5, 6, 7, 8], columns: 2, labels: [0, 0], prefix: "test-")
    let both: [String: JSONValue] = [
      "testEmbeddings": "vectors/test-embeddings.npy", "testLabels": "vectors/test-labels.npy",
    ]
    let split = try loadVectors(both)
    #expect(split.train.values == [1, 2, 3, 4] && split.test.values == [5, 6, 7, 8])
    let half = failure { _ = try loadVectors(["testEmbeddings": "vectors/test-embeddings.npy"]) }
    #expect(half.found.contains("testLabels"))
    try writeVectors([5, 6, 7, 8, 9, 0], columns: 3, labels: [0, 0], prefix: "test-")
    let width = failure { _ = try loadVectors(both) }
    #expect(width.found.contains("3 numbers") && width.expected == "2")
  }

  @Test("Labels of another length, NaN, a class of one and missing files are refused")
  func badVectors() throws {
    let missing = failure { _ = try loadVectors() }
    #expect(missing.kind == .noInput && missing.place.hasSuffix("vectors/embeddings.npy"))
    try writeVectors([1, 2, 3, 4], columns: 2, labels: [0, 0, 1])
    let length = failure { _ = try loadVectors() }
    #expect(length.found.contains("3 labels") && length.expected.hasPrefix("2"))
    try writeVectors([1, 2, 3, 4, .nan, 6, 7, 8], columns: 2, labels: [0, 0, 1, 1])
    #expect(failure { _ = try loadVectors() }.found.contains("row 2, column 0"))
    try writeVectors([1, 2, 3, 4, 5, 6], columns: 2, labels: [0, 0, 1])
    #expect(failure { _ = try loadVectors() }.found.contains("'1' has 1 item"))
    try writeVectors([], columns: 2, labels: [])
    #expect(failure { _ = try loadVectors() }.kind == .badData)
    try writeVectors([1, 2, 3, 4], columns: 2, labels: [6, 6])
    #expect(failure { _ = try loadVectors() }.found.contains("of 1 classes"))
  }

  // MARK: IDX

  /// An IDX file of bytes.
  private func idx(_ shape: [Int], _ values: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(shape.count)] + shape.flatMap { [0, 0, 0, UInt8($0)] } + values
  }

  private func loadIDX(_ settings: [String: JSONValue] = [:]) throws -> DataSplit {
    let ours: [String: JSONValue] = ["images": "images", "labels": "labels"]
    return try IDXFiles().setting(ours.merging(settings) { $1 }, at: "test")
      .load(root: scratch.path)
  }

  @Test("Bytes of IDX pictures are brought to 0 ... 1")
  func idxPictures() throws {
    try scratch.write(idx([4, 2, 3], (0..<24).map { $0 * 10 }), to: "images")
    try scratch.write(idx([4], [3, 1, 3, 1]), to: "labels")
    let split = try loadIDX(["testClasses": ["1"]])
    #expect(split.train.itemShape == [2, 3, 1] && split.train.classNames == ["3"])
    let expected: [Float] = [0, 10, 20, 30, 40, 50, 120, 130, 140, 150, 160, 170]
    #expect(zip(split.train.values, expected).allSatisfy { abs($0 - $1 / 255) < 1e-6 })
    try scratch.write(idx([4], [3, 1, 3, 2]), to: "labels")
    #expect(failure { _ = try loadIDX() }.found == "the class '1' has 1 item")
    let dropped = try loadIDX(["dropSmallClasses": true, "minimumPerClass": 1])
    #expect(dropped.train.count + dropped.test.count == 4)
    try scratch.write(idx([3], [3, 1, 3]), to: "labels")
    #expect(failure { _ = try loadIDX() }.found.contains("3 labels"))
    try scratch.write(idx([2, 2], [3, 1, 3, 1]), to: "labels")
    #expect(failure { _ = try loadIDX() }.expected == "one axis")
    try scratch.write(idx([4], [3, 1, 3, 1]), to: "images")
    try scratch.write(idx([4], [3, 1, 3, 1]), to: "labels")
    #expect(failure { _ = try loadIDX() }.expected == "[items, height, width]")
    #expect(failure { _ = try loadIDX(["images": "nowhere"]) }.kind == .noInput)
  }

  @Test("Fractions in IDX pictures stay as they are")
  func idxFractions() throws {
    let halves = [Float(0.5), 1, 0.25, 0].flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (24 - 8 * $0)) }
    }
    try scratch.write([0, 0, 13, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1] + halves, to: "images")
    try scratch.write(idx([4], [3, 1, 3, 1]), to: "labels")
    let split = try loadIDX(["testClasses": ["1"]])
    #expect(split.train.values == [0.5, 0.25] && split.test.values == [1, 0])
  }

  // MARK: CSV

  @Test("Columns of a CSV file are items, its last column labels")
  func csv() throws {
    let text = "x,y,kind\n1,2,pear\n3,4,fig\n5,6.5,pear\n7,8,fig\n"
    try scratch.write(Array(text.utf8), to: "table.csv")
    let split = try CSVFile().setting(["testClasses": ["pear"]], at: "test")
      .load(root: scratch.path)
    #expect(split.train.classNames == ["fig"] && split.train.values == [3, 4, 7, 8])
    #expect(split.test.classNames == ["pear"] && split.test.values == [1, 2, 5, 6.5])
    try scratch.write(Array((text + "9,9,plum\n").utf8), to: "table.csv")
    let small = failure { _ = try CSVFile().load(root: scratch.path) }
    #expect(small.found.contains("'plum' has 1 item"))
    let missing = failure { _ = try CSVFile().load(root: scratch.path + "/nowhere") }
    #expect(missing.kind == .noInput)
  }
}
