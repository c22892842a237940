import Data
import Files
import Foundation
import Settings
import Testing

/// Tables as people have them, as rows of numbers.
@Suite struct TableFileTests {
  private func load(
    _ text: String, _ settings: [String: JSONValue] = [:]
  ) throws -> RowSplit {
    let path = NSTemporaryDirectory() + "kindred-table-\(UUID().uuidString).csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileSystem.write(text, to: path)
    var settings = settings
    settings["path"] = .string(path)
    return try TableFile().setting(settings, at: "data").loadRows(root: "")
  }

  private func failure(_ text: String, _ settings: [String: JSONValue]) -> String {
    do {
      _ = try load(text, settings)
      return "nothing was refused"
    } catch { return "\(error)" }
  }

  @Test(arguments: [
    "a,b,class\n1,2,x\n3,4,y\n", "a;b;class\r\n1;2;x\r\n3;4;y\r\n", "a\tb\tclass\n1\t2\tx\n3\t4\ty",
    "\u{FEFF}a,b,class\n1,2,x\n\n3,4,y\n", "\"a\",\"b\",\"class\"\n\"1\",2,\"x\"\n3,4,\"y\"\n",
  ])
  func separatorsQuotesAndMarks(text: String) throws {
    let rows = try load(text, ["label": "class"]).train
    #expect(
      rows.values == [1, 2, 3, 4] && rows.labels == [0, 1] && rows.classNames == ["x", "y"])
    #expect(rows.columns == ["a", "b"])
  }

  @Test func withoutHeader() throws {
    let rows = try load("1.5,2,x\n3,4,y\n", ["label": "2", "header": "no"]).train
    #expect(rows.values == [1.5, 2, 3, 4] && rows.columns == ["0", "1"])
  }

  @Test func columnsByName() throws {
    let text = "id,a,b,c,class\n1,1,2,3,x\n2,4,5,6,y\n"
    let chosen = try load(text, ["label": "class", "columns": ["c", "a"]]).train
    #expect(chosen.columns == ["c", "a"] && chosen.values == [3, 1, 6, 4])
    let rest = try load(text, ["label": "class", "leaveOut": ["b"]])
    #expect(rest.train.columns == ["a", "c"])
    #expect(rest.notes.contains { $0.contains("'id'") })
    #expect(failure(text, ["label": "class", "columns": ["d"]]).contains("'d'"))
    #expect(failure(text, ["label": "kind"]).contains("'kind'"))
  }

  @Test func texts() throws {
    let text = "a,color,class\n1,red,x\n2,blue,y\n3,red,x\n"
    #expect(failure(text, ["label": "class"]).contains("'color'"))
    let hot = try load(text, ["label": "class", "text": "one-hot"]).train
    #expect(hot.columns == ["a", "color = blue", "color = red"])
    #expect(hot.values == [1, 0, 1, 2, 1, 0, 3, 0, 1])
    let dropped = try load(text, ["label": "class", "text": "drop"])
    #expect(dropped.train.columns == ["a"] && dropped.notes.contains { $0.contains("color") })
  }

  @Test func missingValues() throws {
    let text = "a,b,class\n1,2,x\n,4,y\n5,NA,x\n"
    let refused = failure(text, ["label": "class"])
    #expect(refused.contains("row 2") && refused.contains("'a'"), "\(refused)")
    #expect(
      try load(text, ["label": "class", "missing": "mean"]).train.values == [1, 2, 3, 4, 5, 3])
    let long = "a,class\n1,x\n2,y\n9,x\n?,y\n"
    #expect(try load(long, ["label": "class", "missing": "median"]).train.values == [1, 2, 9, 2])
  }

  @Test func splits() throws {
    let lines = (0..<30).map { "\($0),\($0 % 2),\(["x", "y", "z"][$0 % 3])" }
    let text = "a,b,class\n" + lines.joined(separator: "\n") + "\n"
    let rows = try load(text, ["label": "class", "testShare": 0.3])
    #expect(rows.train.count == 21 && rows.test?.count == 9)
    #expect(Set(rows.test?.labels ?? []).count == 3)
    #expect(Set(rows.train.rowNames).isDisjoint(with: rows.test?.rowNames ?? []))
    let classes = try load(
      text, ["label": "class", "split": "classes", "testClasses": ["y"]])
    #expect(classes.train.classNames == ["x", "z"] && classes.test?.classNames == ["y"])
    // What is filled in is learned from the training rows alone.
    let numbers = try load(text, ["target": "b", "leaveOut": ["class"]]).train
    #expect(numbers.labels == nil && numbers.targets?.count == 30)
  }

  @Test func preparationIsShipped() throws {
    let text = "a,color,class\n1,red,x\n,blue,y\n3,red,x\n"
    let split = try load(text, ["label": "class", "text": "one-hot", "missing": "mean"])
    let read = try #require(split.preparation.flatMap { TablePreparation($0) })
    // Other columns, another order, a value that was not there, a missing one.
    let table = try CSVTable(
      Array("color,other,a\ngreen,1,7\nblue,2,NA\n".utf8), at: "other.csv")
    #expect(try read.values(of: table, rows: [0, 1]) == [7, 0, 0, 2, 1, 0])
    let lacking = try CSVTable(Array("color,b\nred,1\nblue,2\n".utf8), at: "other.csv")
    #expect(throws: Failure.self) { try read.values(of: lacking, rows: [0]) }
  }
}
