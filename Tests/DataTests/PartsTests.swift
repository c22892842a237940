import Data
import Files
import Foundation
import Settings
import Testing

@Suite("Parts of the data, and what their classes have in common")
struct PartsTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// Writes two pictures of different tone for each folder.
  private func fill(_ folders: [String], in root: String = "set") throws {
    for (i, folder) in folders.enumerated() {
      for j in 0..<2 {
        let tone = UInt8(10 * i + j)
        let path = [root, folder, "\(j).pgm"].filter { !$0.isEmpty }.joined(separator: "/")
        try scratch.writeGray([UInt8](repeating: tone, count: 16), width: 4, to: path)
      }
    }
  }

  private func load(_ settings: [String: JSONValue] = [:]) throws -> DataSplit {
    let ours: [String: JSONValue] = ["path": "set", "size": 4]
    return try PictureFolder().setting(ours.merging(settings) { $1 }, at: "test")
      .load(root: scratch.path)
  }

  @Test("Folders called train and test or the like are parts with the same classes")
  func parts() throws {
    try fill(["train/a", "train/b", "val/a", "val/b", "Test/b", "Test/c"])
    let split = try load()
    #expect(split.train.classNames == ["a", "b"] && split.test.classNames == ["b", "c"])
    #expect(split.validation?.classNames == ["a", "b"])
    #expect(split.train.count == 4 && split.test.count == 4)
    let overlap = ClassOverlap(train: split.train, test: split.test)
    #expect(overlap.setting == .mixed && overlap.shared == 1 && overlap.sharedItems == 2)
    #expect(!overlap.isSameItems)
    let same = ClassOverlap(train: split.train, test: split.train)
    #expect(same.isSameItems && same.words.hasPrefix("the items trained on"))
    #expect(split.notes.count == 1)
    let listed = failure { _ = try load(["testClasses": ["a"]]) }
    #expect(listed.found.contains("testClasses"))
    let both = failure { _ = try load(["testPath": "set/val"]) }
    #expect(both.found.contains("holds the other"))
    let plain = try load(["path": "set/train", "testPath": "set/val"])
    #expect(plain.train.classNames == ["a", "b"] && plain.test.classNames == ["a", "b"])
    #expect(ClassOverlap(train: plain.train, test: plain.test).setting == .closedSet)
  }

  @Test("Two parts are enough, below other folders too", arguments: ["valid", "dev", "testing"])
  func twoParts(name: String) throws {
    try fill(["images/train/a", "images/train/b/x", "images/\(name)/c", "images/\(name)/b/x"])
    let split = try load()
    #expect(split.train.classNames == ["a", "b/x"] && split.test.classNames == ["b/x", "c"])
    #expect(split.validation == nil)
  }

  @Test("Classes that are called train are classes")
  func classesCalledTrain() throws {
    try fill(["train", "car", "test"])
    let split = try load(["testClasses": ["car"]])
    #expect(split.train.classNames == ["test", "train"])
    try fill(["train/x", "car/x"], in: "deep")
    #expect(try load(["path": "deep", "testClasses": ["car/x"]]).train.classNames == ["train/x"])
    try fill(["train/x", "train/y"], in: "one")
    let one = try load(["path": "one", "testClasses": ["train/y"]])
    #expect(one.train.classNames == ["train/x"])
  }

  @Test("Parts that cannot be meant are refused")
  func refused() throws {
    try fill(["train/a", "train/b", "val/a", "val/b", "extra/a"])
    #expect(failure { _ = try load() }.found.contains("'extra' is none"))
    try fill(["train", "val"], in: "bare")
    #expect(failure { _ = try load(["path": "bare"]) }.found.contains("without class folders"))
    try fill(["val/a", "test/a"], in: "untrained")
    #expect(failure { _ = try load(["path": "untrained"]) }.found.contains("no part to train on"))
    try fill(["a", "b"], in: "same")
    let same = failure { _ = try load(["path": "same", "testPath": "./same"]) }
    #expect(same.kind == .noInput || same.found.contains("one folder"))
    let twice = failure { _ = try load(["path": "same", "testPath": "same/../same"]) }
    #expect(twice.found.contains("one folder"))
    #expect(
      failure { _ = try load(["path": "same", "testPath": "same/a"]) }.found.contains("holds"))
  }

  @Test("Queries and a gallery are no classes, and one side beside train is what is judged on")
  func sides() throws {
    try fill(["query/a", "query/b", "gallery/a", "gallery/b"], in: "sides")
    #expect(failure { _ = try load(["path": "sides"]) }.found.contains("classes in common"))
    try fill(["train/a", "train/b", "Query/c", "Gallery/c"], in: "three")
    #expect(failure { _ = try load(["path": "three"]) }.found.contains("classes in common"))
    try fill(
      ["bounding_box_train/1", "bounding_box_train/2", "bounding_box_test/3", "query/3"],
      in: "persons")
    #expect(failure { _ = try load(["path": "persons"]) }.found.contains("classes in common"))
    try fill(["bounding_box_train", "bounding_box_test", "query"], in: "flat")
    #expect(failure { _ = try load(["path": "flat"]) }.found.contains("without class folders"))
    try fill(["train/a", "train/b", "gallery/b", "gallery/c"], in: "one")
    let one = try load(["path": "one"])
    #expect(one.train.classNames == ["a", "b"] && one.test.classNames == ["b", "c"])
    #expect(ClassOverlap(train: one.train, test: one.test).setting == .mixed)
  }

  @Test("Parts by the words of their names, if the same classes lie inside")
  func looseParts() throws {
    try fill(["cars_train/a", "cars_train/b", "cars_test/a", "cars_test/b"], in: "cars")
    let cars = try load(["path": "cars"])
    #expect(cars.train.classNames == ["a", "b"] && cars.test.classNames == ["a", "b"])
    try fill(["train1/a", "train1/b", "val1/b", "test-1/c"], in: "three")
    let three = try load(["path": "three"])
    #expect(three.validation?.classNames == ["b"] && three.test.classNames == ["c"])
    // What has nothing in common may well be classes of classes.
    try fill(["train 1/a", "train 1/b", "test tube/c", "test tube/d"], in: "words")
    let words = try load(["path": "words", "testClasses": ["train 1/b"]])
    #expect(words.train.classNames == ["test tube/c", "test tube/d", "train 1/a"])
    // A folder that is no part, with classes of its own.
    try fill(["train/a", "train/b", "val/c", "extra/x"], in: "extra")
    #expect(failure { _ = try load(["path": "extra"]) }.found.contains("'extra' is none"))
  }

  @Test("Of two paths, a folder within that is called like a part is no class")
  func nestedParts() throws {
    try fill(["train/a", "train/b"], in: "first")
    try fill(["images/test/b", "images/test/c"], in: "second")
    try fill(["test/b", "test/c"], in: "third")
    let split = try load(["path": "first", "testPath": "third"])
    #expect(split.train.classNames == ["a", "b"] && split.test.classNames == ["b", "c"])
    #expect(ClassOverlap(train: split.train, test: split.test).setting == .mixed)
    let both = failure {
      _ = try load(["path": "first", "testPath": "third", "testClasses": ["b"]])
    }
    #expect(both.found.contains("testPath and testClasses both"))
    let deep = try load(["path": "first", "testPath": "second"])
    #expect(deep.test.classNames == ["images/b", "images/c"])
  }

  @Test("Items judged on that are items trained on are counted, whatever they are called")
  func copies() throws {
    try fill(["a", "b", "c"], in: "first")
    try fill(["a", "b", "d"], in: "second")
    let same = try load(["path": "first", "testPath": "second"])
    let overlap = ClassOverlap(train: same.train, test: same.test)
    #expect(overlap.setting == .mixed && overlap.copies == 6)
    #expect(overlap.words.contains("6 of 6 items copies of items trained on"))
    #expect(overlap.json["copies"] == 6)
    try FileManager.default.removeItem(atPath: scratch.path + "/second/d")
    let known = try load(["path": "first", "testPath": "second"])
    let closed = ClassOverlap(train: known.train, test: known.test)
    #expect(closed.words == "the items trained on themselves (closed-set)")
    let apart = try load(["path": "first", "testClasses": ["c"]])
    let open = ClassOverlap(train: apart.train, test: apart.test)
    #expect(open.copies == 0 && open.words == "classes never seen in training")
    #expect(ClassOverlap(trained: ["a"], test: apart.test).json["copies"] == .null)
  }

  @Test("Links to nothing are refused, and folders without pictures are told")
  func nothing() throws {
    try fill(["a", "b"])
    try scratch.write(Array("x".utf8), to: "set/c/about.txt")
    let split = try load(["testClasses": ["b"]])
    #expect(split.notes.count == 1 && split.notes[0].hasPrefix("no pictures lie in c of "))
    #expect(symlink("../gone", scratch.path + "/set/d") == 0)
    #expect(failure { _ = try load() }.place.hasSuffix("/set/d"))
  }

  @Test("Linked class folders, linked roots and folders with the name of a picture are read")
  func links() throws {
    try fill(["a", "b.v1.png"])
    try fill([""], in: "elsewhere")
    #expect(symlink("../elsewhere", scratch.path + "/set/c") == 0)
    #expect(symlink("set", scratch.path + "/linked") == 0)
    for path in ["set", "linked"] {
      let split = try load(["path": .string(path), "testClasses": ["c"]])
      #expect(split.train.classNames == ["a", "b.v1.png"] && split.test.count == 2)
    }
  }

  @Test("Pictures that are not read are named, by their ending or by what is in them")
  func unread() throws {
    try fill(["a", "b"])
    for (name, format) in [("photo.HEIC", "HEIC"), ("x.psd", "PSD"), ("drawing.svg", "SVG")] {
      try scratch.write([1, 2, 3], to: "set/c/" + name)
      let message = failure { _ = try load() }
      #expect(message.place.hasSuffix("/set/c/" + name) && message.found.contains(format))
      #expect(message.remedy.contains("PNG"))
      try FileManager.default.removeItem(atPath: scratch.path + "/set/c/" + name)
    }
    // Endings tell nothing here.
    let png = try FileSystem.read(try fixturePath("pillow.png"))
    try scratch.write(png, to: "set/a/scan")
    try scratch.write(Array("about".utf8), to: "set/a/notes.txt")
    try scratch.write([], to: "set/a/empty")
    #expect(try load(["testClasses": ["b"]]).train.count == 3)
  }

  @Test("A palette of many pixels in few bytes is refused before it is unpacked")
  func bomb() throws {
    let header: [UInt8] = [0, 0, 0x20, 0, 0, 0, 0x20, 0, 1, 3, 0, 0, 0]
    func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
      let body = Array(type.utf8) + data
      let (size, sum) = (UInt32(data.count), CRC32.of(body[...]))
      func bytes(_ word: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(word >> $0 & 0xFF) } }
      return bytes(size) + body + bytes(sum)
    }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let rows = deflated([UInt8](repeating: 0, count: 8192 * 1025))
    let picture =
      signature + chunk("IHDR", header) + chunk("PLTE", [1, 2, 3, 4, 5, 6]) + chunk("IDAT", rows)
      + chunk("IEND", [])
    let message = failure { _ = try Image(bytes: picture, at: "bomb.png") }
    #expect(message.description.contains("the pixels would take"), "\(message)")
  }

  @Test("Given vectors tell what their classes have in common")
  func vectors() throws {
    func write(_ name: String, _ labels: NumPyArray) throws {
      let rows = labels.shape[0]
      let values = (0..<2 * rows).map { Float($0) }
      try scratch.write(
        NumPyArray(shape: [rows, 2], elements: .float32(values)).bytes(), to: "\(name).npy")
      try scratch.write(labels.bytes(), to: "\(name)-labels.npy")
    }
    func loaded(_ first: NumPyArray, _ second: NumPyArray) throws -> DataSplit {
      try write("first", first)
      try write("second", second)
      return try VectorFiles().setting(
        [
          "embeddings": "first.npy", "labels": "first-labels.npy",
          "testEmbeddings": "second.npy", "testLabels": "second-labels.npy",
        ], at: "test"
      ).load(root: scratch.path)
    }
    func numbers(_ values: [Int64]) -> NumPyArray {
      NumPyArray(shape: [values.count], elements: .int64(values))
    }
    let settings: [([Int64], ClassOverlap.Setting, Int)] = [
      ([7, 7, -1, -1], .closedSet, 2), ([9, 9, -1, -1], .mixed, 1), ([8, 8], .openSet, 0),
    ]
    for (labels, setting, shared) in settings {
      let split = try loaded(numbers([7, -1, 7, -1]), numbers(labels))
      let overlap = ClassOverlap(train: split.train, test: split.test)
      #expect(overlap.setting == setting && overlap.shared == shared)
    }
    let large = NumPyArray(shape: [2], elements: .uint64([.max, .max]))
    let texts = NumPyArray(shape: [2], elements: .text(["a", "a"]))
    let split = try loaded(large, texts)
    #expect(split.train.classNames == ["18446744073709551615"] && split.test.classNames == ["a"])
    let same = failure {
      _ = try VectorFiles().setting(
        [
          "embeddings": "first.npy", "labels": "first-labels.npy",
          "testEmbeddings": "first.npy", "testLabels": "second-labels.npy",
        ], at: "test"
      ).load(root: scratch.path)
    }
    #expect(same.found.contains("one file"))
    let rows = failure {
      _ = try RowFiles().setting(["rows": "first.npy", "testRows": "./first.npy"], at: "test")
        .loadRows(root: scratch.path)
    }
    #expect(rows.found.contains("one file"))
  }

  @Test("Tables leave out what numbers the rows, and say so")
  func identifiers() throws {
    let text = "id;x;kind\n1000;1,5;a\n1001;2,5;b\n1002;3,5;a\n1003;4,5;b\n"
    try scratch.write(Array(text.utf8), to: "table.csv")
    let split = try CSVFile().setting(["testClasses": ["b"]], at: "test").load(root: scratch.path)
    #expect(split.train.values == [1.5, 3.5] && split.notes[0].contains("column 'id'"))
    let kept = try CSVFile().setting(["testClasses": ["b"], "keepIdentifiers": true], at: "test")
      .load(root: scratch.path)
    #expect(kept.train.values == [1000, 1.5, 1002, 3.5] && kept.notes.isEmpty)
  }
}
