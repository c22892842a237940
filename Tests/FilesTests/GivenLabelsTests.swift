import Files
import Foundation
import Settings
import Testing

@Suite("Labels as they are given")
struct GivenLabelsTests {
  private func read(_ name: String, _ bytes: [UInt8], count: Int? = nil) throws -> GivenLabels {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)-" + name
    try FileSystem.write(bytes, to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try GivenLabels.read(path, count: count)
  }

  @Test("Arrays of any integers and of texts are labels and are written as they were")
  func arrays() throws {
    let elements: [(NumPyArray.Elements, [String])] = [
      (.int64([-1, .max, .min]), ["-1", "9223372036854775807", "-9223372036854775808"]),
      (.int32([3, 3]), ["3", "3"]), (.uint64([7, 1]), ["7", "1"]),
      (.uint64([.max, 0]), ["18446744073709551615", "0"]),
      (.text(["b", "ä", ""]), ["b", "ä", ""]),
    ]
    for (elements, names) in elements {
      let array = NumPyArray(shape: [elements.count], elements: elements)
      let labels = try read("y.npy", array.bytes())
      #expect((0..<labels.count).map { labels.name(of: $0) } == names)
      #expect(try GivenLabels(NumPyArray(bytes: labels.array.bytes(), at: "y"), at: "y") == labels)
    }
    let halves = NumPyArray(shape: [1], elements: .float32([0.5]))
    #expect(message { try read("y.npy", halves.bytes()) }.contains("floating point elements"))
  }

  @Test("Lines of a text and arrays of an archive")
  func linesAndArchives() throws {
    let bom = try read("y.txt", Array("\u{FEFF}a\r\nb\r\na\r\n".utf8))
    #expect(bom.values == .texts(["a", "b", "a"]))
    let hole = message { try read("y.txt", Array("a\n\nb\n".utf8)) }
    #expect(hole.contains("line 2: the line is empty"), "\(hole)")
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).npz"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let members = [("kinds.npy", [Int64(4), 5]), ("other.npy", [1, 2])].map {
      ($0.0, NumPyArray(shape: [2], elements: .int64($0.1)).bytes())
    }
    try FileSystem.write(try ZipArchive(members: members).bytes(), to: path)
    #expect(try GivenLabels.read(path + "#kinds").values == .integers([4, 5]))
    #expect(message { try GivenLabels.read(path) }.contains("there are: kinds, other"))
    #expect(message { try GivenLabels.read(path + "#x") }.contains("no array 'x'"))
    let pairs = NumPyArray(shape: [2, 2], elements: .int64([1, 2, 3, 4]))
    #expect(message { try read("y.npy", pairs.bytes()) }.contains("labels[:, 0]"))
  }

  @Test("Equal labels have equal numbers in all lists, whatever their types")
  func numbering() {
    let (classes, names) = GivenLabels.numbered([
      GivenLabels(.integers([7, -1, 42])), GivenLabels(.integers([42, 7])),
    ])
    #expect(classes == [[1, 0, 2], [2, 1]] && names == ["-1", "7", "42"])
    let mixed = GivenLabels.numbered([
      GivenLabels(.integers([7, 10])), GivenLabels(.texts(["cat", "7"])),
      GivenLabels(.unsigned([.max])),
    ])
    #expect(mixed.names == ["10", "18446744073709551615", "7", "cat"])
    #expect(mixed.classes == [[2, 0], [3, 2], [1]])
    // The same to the eye, and two labels.
    let accents = GivenLabels(.texts(["\u{E9}", "e\u{301}"])).numbered
    #expect(accents.classes == [1, 0] && accents.names.count == 2)
  }

  @Test("Class names that are numbers become numbers again, of all parts or of none")
  func names() {
    #expect(GivenLabels(classes: [1, 0], names: ["7", "-42"]).values == .integers([-42, 7]))
    #expect(
      GivenLabels(classes: [0], names: ["7"], kin: ["cat"]).values == .texts(["7"]))
    #expect(GivenLabels(classes: [0], names: ["007"]).values == .texts(["007"]))
    let large = "18446744073709551615"
    #expect(GivenLabels(classes: [0], names: [large], kin: ["1"]).values == .unsigned([.max]))
  }

  @Test(
    "A column of a table is read, with a header or without",
    arguments: [
      ("y.csv", "cat\ndog\ncat\n", nil, ["cat", "dog", "cat"]),
      ("y.csv", "label\ncat\ndog\n", nil, ["cat", "dog"]),
      ("y.csv", "sort\n3\n-4\n", nil, ["3", "-4"]), ("y.csv", "sort\na\nb\n", 2, ["a", "b"]),
      ("y.csv", "1\n2\n3\n", nil, ["1", "2", "3"]),
      ("y.csv", "y\nsea bass\ncod 2\n", nil, ["sea bass", "cod 2"]),
      ("y.tsv", "name\tlabel\nx\ta\ny\tb\n", nil, nil),
      ("y.csv", "file,label\nx,a\ny,b\n", nil, ["a", "b"]),
      ("y.txt", "a, b\n\"c\nd\r\n", nil, ["a, b", "\"c", "d"]), ("y.csv", "p,q\n1,2\n", nil, nil),
    ] as [(String, String, Int?, [String]?)])
  func tables(name: String, text: String, count: Int?, expected: [String]?) throws {
    guard let expected else {
      #expect(message { try read(name, Array(text.utf8), count: count) }.contains("one column"))
      return
    }
    let labels = try read(name, Array(text.utf8), count: count)
    #expect((0..<labels.count).map { labels.name(of: $0) } == expected)
  }
}
