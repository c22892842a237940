import Data
import Files
import Foundation
import Testing

/// The pictures of `examples/` are what the glyphs source draws; with KINDRED_WRITE_EXAMPLES=1 they are
/// written anew.
@Suite struct Examples {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/examples"

  private func expectPicture(_ item: Int, of data: Dataset, at path: String) throws {
    let width = data.itemWidth
    let ink = Image(
      width: data.itemShape[1], height: data.itemShape[0], channels: 1,
      values: Array(data.values[item * width..<(item + 1) * width]))
    if ProcessInfo.processInfo.environment["KINDRED_WRITE_EXAMPLES"] == "1" {
      try FileSystem.makeFolder((path as NSString).deletingLastPathComponent)
      try FileSystem.write(ink.inverted().png, to: path)
    }
    let found = try readImage(path)
    #expect(found.width == ink.width && found.height == ink.height && found.channels == 1)
    #expect(
      zip(found.inverted().values, ink.values).allSatisfy { abs($0 - $1) <= 0.5 / 255 + 1e-6 },
      "\(path)")
  }

  /// 40 characters that the quick start knows nothing of, by four writers each: as many pairs match
  /// among them as among its test items.
  @Test func picturesAreOtherGlyphs() throws {
    var source = Glyphs()
    (source.classes, source.perClass, source.seed, source.testFraction) = (41, 4, 7, 1.0 / 41)
    let data = try source.load(root: "").train
    #expect(data.classNames.count == 40)
    for item in data.labels.indices {
      let name = String(format: "character-%02d", data.labels[item] + 1)
      try expectPicture(
        item, of: data, at: "\(Examples.folder)/pictures/\(name)/\(item % 4 + 1).png")
    }
    #expect(try picturePaths(below: Examples.folder + "/pictures").count == 160)
  }

  /// A character that the quick start is judged on, by one writer more.
  @Test func theQueryIsByAnotherWriter() throws {
    let known = try Glyphs().load(root: "").test
    var source = Glyphs()
    source.perClass += 1
    let more = try source.load(root: "").test
    #expect(more.classNames == known.classNames)
    let name = "\(known.classNames[0]) by writer \(source.perClass - 1)"
    #expect(!known.itemNames.contains(name))
    let item = try #require(more.itemNames.firstIndex(of: name))
    try expectPicture(item, of: more, at: Examples.folder + "/query.png")
  }

  /// For each picture, in the order of the paths, those of its class.
  @Test func positivesAreTheFourOfAClass() throws {
    let lines = (0..<160).map { row in
      let first = row / 4 * 4
      return
        "{\"query\": \(row), \"positives\": [\(first), \(first + 1), \(first + 2), \(first + 3)]}\n"
    }
    let path = Examples.folder + "/positives.jsonl"
    if ProcessInfo.processInfo.environment["KINDRED_WRITE_EXAMPLES"] == "1" {
      try FileSystem.write(lines.joined(), to: path)
    }
    #expect(try FileSystem.readText(path) == lines.joined())
  }
}
