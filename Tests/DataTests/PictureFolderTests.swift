import Data
import Files
import Foundation
import Settings
import Testing

@Suite("Folders of pictures")
struct PictureFolderTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  private func source(_ settings: [String: JSONValue] = [:]) throws -> PictureFolder {
    let ours: [String: JSONValue] = ["path": "set", "size": 4]
    return try PictureFolder().setting(ours.merging(settings) { $1 }, at: "test")
  }

  private func load(_ settings: [String: JSONValue] = [:]) throws -> DataSplit {
    try source(settings).load(root: scratch.path)
  }

  /// Pictures of 4×4, all of one brightness, two for each of some classes.
  private func fill(_ classes: [String], in folder: String = "set") throws {
    for (number, name) in classes.enumerated() {
      for drawing in ["2", "10"] {
        let pixels = [UInt8](repeating: UInt8(number % 12 * 20 + drawing.count), count: 16)
        try scratch.writeGray(pixels, width: 4, to: "\(folder)/\(name)/\(drawing).pgm")
      }
    }
  }

  @Test("A leaf folder is a class, and items are in the order of the bytes of their paths")
  func classes() throws {
    try fill(["b/x", "a", "b/Y", "é"])
    try scratch.write(Array("about".utf8), to: "set/a/notes.txt")
    try scratch.write([0], to: "set/a/.hidden.pgm")
    try scratch.write([0], to: "set/__MACOSX/a/2.pgm")
    let split = try load(["testClasses": ["b/x"]])
    #expect(split.train.classNames == ["a", "b/Y", "é"])
    #expect(split.train.labels == [0, 0, 1, 1, 2, 2])
    #expect(split.train.itemShape == [4, 4, 1])
    let names = split.train.itemNames.map { $0.dropFirst(scratch.path.count + 1) }
    #expect(names.prefix(3) == ["set/a/10.pgm", "set/a/2.pgm", "set/b/Y/10.pgm"])
    #expect(split.test.classNames == ["b/x"])
    // The first class written, at its two brightnesses.
    #expect(
      split.test.values == [Float](repeating: 2 / 255, count: 16)
        + Array(repeating: 1 / 255, count: 16))
  }

  @Test("Dark becomes 1 when asked, and three channels are made of one")
  func settings() throws {
    try fill(["a", "b"])
    let plain = try load(["testClasses": ["b"]]).train
    let inverted = try load(["testClasses": ["b"], "invert": true]).train
    #expect(zip(plain.values, inverted.values).allSatisfy { abs($0 + $1 - 1) < 1e-6 })
    let rgb = try load(["testClasses": ["b"], "colour": "rgb"]).train
    #expect(rgb.itemShape == [4, 4, 3])
    #expect(rgb.values == plain.values.flatMap { [$0, $0, $0] })
  }

  @Test("Pictures of any size are brought to one")
  func sizes() throws {
    try fill(["a", "b"])
    try scratch.writeGray([UInt8](repeating: 51, count: 35), width: 7, to: "set/a/odd.pgm")
    let train = try load(["testClasses": ["b"]]).train
    #expect(train.count == 3)
    #expect(train.values.suffix(16).allSatisfy { abs($0 - 0.2) < 1e-6 })
  }

  @Test("A second folder is judged on whole, whatever its classes are called")
  func secondFolder() throws {
    try fill(["a", "b"])
    try fill(["b", "c", "d"], in: "other")
    let split = try load(["testPath": "other"])
    #expect(split.train.classNames == ["a", "b"])
    #expect(split.test.classNames == ["b", "c", "d"])
    let missing = failure { _ = try load(["testPath": "nowhere"]) }
    #expect(missing.kind == .noInput && missing.place.hasSuffix("/nowhere"))
  }

  @Test("A class of one picture is refused with a remedy, or dropped when asked")
  func smallClass() throws {
    try fill(["a", "b", "c"])
    try scratch.writeGray([UInt8](repeating: 9, count: 16), width: 4, to: "set/lonely/1.pgm")
    let message = failure { _ = try load() }
    #expect(message.kind == .badData && message.found == "the class 'lonely' has 1 item")
    #expect(message.remedy.contains("dropSmallClasses"))
    let dropped = try load(["dropSmallClasses": true])
    let names = dropped.train.classNames + dropped.test.classNames
    #expect(Set(names) == ["a", "b", "c"])
    #expect(dropped.train.count + dropped.test.count == 6)
    let kept = try load(["minimumPerClass": 1, "testClasses": ["lonely"]])
    #expect(kept.test.count == 1)
    let none = failure { _ = try load(["minimumPerClass": 3, "dropSmallClasses": true]) }
    #expect(none.kind == .badData && none.found.contains("no class"))
  }

  @Test("No path, no folder, a file and an empty folder are told apart")
  func nothingThere() throws {
    try FileSystem.makeFolder(scratch.path + "/set/empty/deep")
    let empty = failure { _ = try load() }
    #expect(empty.kind == .badData && empty.found.contains("no pictures"))
    #expect(empty.place == scratch.path + "/set")
    #expect(failure { _ = try load(["path": "nowhere"]) }.kind == .noInput)
    #expect(failure { _ = try load(["path": ""]) }.found.contains("'path' is missing"))
    try scratch.write([1], to: "file")
    #expect(failure { _ = try load(["path": "file"]) }.kind == .noInput)
  }

  @Test("A picture that cannot be read is named, the first by path of several")
  func damagedPicture() throws {
    try fill((0..<60).map { "class\($0 + 10)" })
    for name in ["class55", "class23", "class41"] {
      try scratch.write(Array("P5\n4 4\n255\n".utf8) + [1, 2, 3], to: "set/\(name)/2.pgm")
    }
    let message = failure { _ = try load() }
    #expect(message.kind == .badData)
    #expect(message.place.contains("/set/class23/2.pgm"), "\(message)")
  }

  @Test("A JPEG that is cut short is named, whatever it is called", arguments: ["a.jpg", "a.png"])
  func jpeg(name: String) throws {
    try fill(["a", "b"])
    let start: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 0x4A, 0x46, 0x49, 0x46, 0, 1, 1]
    try scratch.write(start, to: "set/a/" + name)
    let message = failure { _ = try load() }
    #expect(message.kind == .badData && message.place.contains(name))
    #expect(message.remedy.contains("cut short"))
  }

  @Test("A picture of a kind that is not read is refused, not passed over")
  func unreadKind() throws {
    try fill(["a", "b"])
    try scratch.write([0, 0, 0, 32] + Array("ftypavif".utf8), to: "set/a/new.avif")
    let message = failure { _ = try load() }
    #expect(message.place.hasSuffix("/set/a/new.avif") && message.found.contains("AVIF"))
  }

  @Test("A path that begins with / or a dot is taken as it is")
  func absolutePath() throws {
    try fill(["a", "b"])
    let split = try source(["path": .string(scratch.path + "/set"), "testClasses": ["b"]])
      .load(root: "/nowhere")
    #expect(split.train.count == 2)
  }

  @Test("A picture given later becomes the item that it was in training")
  func sameItem() throws {
    try fill(["a", "b"])
    let source = try source(["testClasses": ["b"], "invert": true])
    let train = try source.load(root: scratch.path).train
    let image = try readImage(train.itemNames[0])
    let item = try source.item(from: image, shape: train.itemShape, at: "test")
    #expect(item == Array(train.values.prefix(16)))
    let message = failure { _ = try source.item(from: image, shape: [16], at: "test") }
    #expect(message.remedy.contains(".npy"))
  }

  @Test("A path starts from where one stands; what is not there may lie below the data folder")
  func paths() throws {
    try fill(["a", "b"])
    try fill(["c", "d"], in: "data/set")
    // The absolute path of one, and the other below the data folder.
    let here = try source(["path": .string(scratch.path + "/set")]).load(root: "/nowhere")
    #expect(Set(here.train.classNames + here.test.classNames) == ["a", "b"])
    let below = try source().load(root: scratch.path + "/data")
    #expect(Set(below.train.classNames + below.test.classNames) == ["c", "d"])
    let missing = failure { _ = try source(["path": "none/of it"]).load(root: scratch.path) }
    #expect(missing.kind == .noInput && missing.place == scratch.path + "/none/of it")
    for word in ["KINDRED_DATA", scratch.path, FileManager.default.currentDirectoryPath] {
      #expect(missing.description.contains(word), "\(missing)")
    }
    let absolute = failure { _ = try source(["path": "/none"]).load(root: scratch.path) }
    #expect(absolute.kind == .noInput && !absolute.description.contains("KINDRED_DATA"))
  }
}
