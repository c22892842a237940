import Data
import Files
import Foundation
import Settings
import Testing

@Suite("Omniglot")
struct OmniglotTests {
  /// The folder that holds the real drawings, if they are on this machine.
  static let realRoot: String? = {
    let package = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let places = [
      ProcessInfo.processInfo.environment["KINDRED_DATA"], package.path + "/data",
      package.path + "/../shared/data",
    ]
    return places.compactMap { $0 }
      .first { FileSystem.isFolder($0 + "/omniglot/images_background_small1") }
  }()

  @Test(
    "The real drawings have the numbers of the protocol",
    .enabled(
      if: realRoot != nil,
      "unpack images_background_small1.zip and images_background_small2.zip into omniglot below KINDRED_DATA"
    ))
  func real() throws {
    let root = try #require(OmniglotTests.realRoot)
    let split = try Omniglot().load(root: root)
    #expect(split.train.count == 2720 * 4 && split.train.classNames.count == 544)
    #expect(split.test.count == 2120 && split.test.classNames.count == 106)
    #expect(split.train.classSizes.allSatisfy { $0 == 20 })
    #expect(split.test.classSizes.allSatisfy { $0 == 20 })
    let alphabets = Set(split.test.classNames.compactMap { $0.split(separator: "/").first })
    #expect(alphabets == ["Japanese_(katakana)", "Sanskrit", "Tagalog"])
    for part in [split.train, split.test] {
      #expect(part.itemShape == [28, 28, 1])
      #expect(part.values.allSatisfy { (0...1).contains($0) })
      // Ink is 1 and covers a small part of the paper.
      let ink = part.values.reduce(0.0) { $0 + Double($1) } / Double(part.values.count)
      #expect(ink > 0.03 && ink < 0.15, "\(ink)")
    }
  }

  // MARK: The layout, on drawings of our own

  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  /// White paper of 16×16 with one black square of 2×2 whose place tells the drawing.
  private func draw(_ alphabet: String, _ part: Int, squareAt place: Int) throws {
    for drawing in 0..<2 {
      var pixels = [UInt8](repeating: 255, count: 256)
      for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        pixels[(2 * drawing + row) * 16 + 2 * place + column] = 0
      }
      try scratch.writeGray(
        pixels, width: 16,
        to: "omniglot/images_background_small\(part)/\(alphabet)/character0\(place)/\(drawing).pgm")
    }
  }

  private func fill() throws {
    try draw("Greek", 1, squareAt: 1)
    try draw("Greek", 1, squareAt: 3)
    try draw("Latin", 1, squareAt: 5)
    try draw("Greek", 2, squareAt: 7)
    try draw("Sanskrit", 2, squareAt: 2)
  }

  private func load(_ settings: [String: JSONValue] = [:]) throws -> DataSplit {
    let ours: [String: JSONValue] = ["size": 8]
    return try Omniglot().setting(ours.merging(settings) { $1 }, at: "test")
      .load(root: scratch.path)
  }

  /// The row and column of the one pixel of ink of an item.
  private func ink(_ data: Dataset, _ item: Int) throws -> [Int] {
    let pixels = data.values[item * 64..<(item + 1) * 64]
    let place = try #require(pixels.firstIndex { $0 > 0.999 }) - pixels.startIndex
    #expect(abs(pixels.reduce(0, +) - 1) < 1e-4)
    return [place / 8, place % 8]
  }

  @Test("The first part trains; only alphabets that it lacks are judged on; ink is 1")
  func layout() throws {
    try fill()
    let split = try load(["rotations": false])
    #expect(
      split.train.classNames == ["Greek/character01", "Greek/character03", "Latin/character05"])
    #expect(split.train.labels == [0, 0, 1, 1, 2, 2])
    #expect(split.test.classNames == ["Sanskrit/character02"])
    #expect(split.train.itemShape == [8, 8, 1])
    #expect(try ink(split.train, 0) == [0, 1])
    #expect(try ink(split.train, 1) == [1, 1])
    #expect(try ink(split.train, 5) == [1, 5])
    #expect(try ink(split.test, 1) == [1, 2])
  }

  @Test("Turned characters are classes of their own, and are turned by as much as they say")
  func rotations() throws {
    try fill()
    let split = try load()
    #expect(split.train.classNames.count == 12 && split.train.count == 24)
    #expect(split.train.classSizes.allSatisfy { $0 == 2 })
    #expect(split.test.classNames.count == 1 && split.test.count == 2)
    for item in 0..<6 {
      let upright = try ink(split.train, item)
      let quarter = try ink(split.train, item + 6)
      let (clockwise, counter) = ([upright[1], 7 - upright[0]], [7 - upright[1], upright[0]])
      #expect(quarter == clockwise || quarter == counter)
      #expect(try ink(split.train, item + 12) == [7 - upright[0], 7 - upright[1]])
      #expect(try ink(split.train, item + 18) == (quarter == clockwise ? counter : clockwise))
      #expect(split.train.labels[item + 18] == split.train.labels[item] + 9)
    }
  }

  @Test("Where the drawings go and how to get them is said when they are not there")
  func absent() throws {
    let message = failure { _ = try load() }
    #expect(message.kind == .noInput)
    #expect(message.place == scratch.path + "/omniglot/images_background_small1")
    #expect(message.remedy.contains("images_background_small2.zip"))
    #expect(message.remedy.contains("KINDRED_DATA"))
    try draw("Greek", 1, squareAt: 1)
    #expect(failure { _ = try load() }.place.hasSuffix("small2"))
  }

  @Test("Drawings elsewhere, and a second part without new alphabets, are refused")
  func wrongLayout() throws {
    try draw("Greek", 1, squareAt: 1)
    try draw("Greek", 2, squareAt: 2)
    #expect(failure { _ = try load() }.found.contains("no alphabet is left"))
    let stray = "omniglot/images_background_small1/Greek/stray.pgm"
    try scratch.writeGray([UInt8](repeating: 0, count: 16), width: 4, to: stray)
    let message = failure { _ = try load() }
    #expect(message.place.hasSuffix(stray) && message.expected.contains("CHARACTER"))
  }
}
