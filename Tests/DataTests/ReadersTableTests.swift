import Files
import Foundation
import Settings
import Testing

import Data

struct ReadersTableTests {
  @Test(arguments: ["u8", "i8", "i16", "i32", "f32", "f64"])
  func readsEveryTypeOfIDX(_ type: String) throws {
    let (shape, values) = try readIDX(try fixturePath("idx-\(type).idx"))
    let array = try expected("idx-\(type)")
    #expect(shape == [2, 3, 4] && shape == array.shape)
    #expect(values == array.values)
  }

  @Test func readsPackedIDX() throws {
    let (shape, values) = try readIDX(try fixturePath("idx-u8.idx.gz"))
    #expect(try shape == [2, 3, 4] && values == expected("idx-u8").values)
  }

  @Test(arguments: ["idx-u8.idx", "idx-u8.idx.gz", "idx-f64.idx"])
  func damageToIDXIsSurvived(_ name: String) throws {
    let bytes = try FileSystem.read(try fixturePath(name))
    for copy in damaged(bytes) {
      if let (shape, values) = try? readIDX(bytes: copy, at: "a") {
        #expect(shape.reduce(1, *) == values.count && values.allSatisfy { $0.isFinite })
      }
    }
    for count in bytes.indices {
      #expect(throws: Failure.self) { try readIDX(bytes: Array(bytes[..<count]), at: "a") }
    }
    #expect(throws: Failure.self) { try readIDX(bytes: bytes + [1], at: "a") }
  }

  @Test(
    arguments: [
      ([0, 0, 8, 2, 64, 0, 0, 0, 0, 1, 0, 0], "0 bytes of elements"),
      ([0, 0, 14, 3] + [UInt8](repeating: 255, count: 12), "the shape is too large"),
      ([0, 0, 10, 1, 0, 0, 0, 0], "element type 10"),
      ([0, 1, 8, 1, 0, 0, 0, 0], "not an IDX file"),
      ([0, 0, 8, 0, 7], "not an IDX file"),
      ([0, 0, 13, 1, 0, 0, 0, 1, 0x7F, 0xC0, 0, 0], "element 0 is nan"),
    ] as [([UInt8], String)])
  func saysWhatIsWrongWithIDX(_ bytes: [UInt8], _ found: String) {
    #expect(failure { _ = try readIDX(bytes: bytes, at: "a") }.description.contains(found))
  }

  private func table(
    _ text: String, _ labelColumn: String = ""
  ) throws -> (width: Int, values: [Float], labels: [String]) {
    let found = try readCSV(bytes: Array(text.utf8), labelColumn: labelColumn, at: "a.csv")
    return (found.width, found.values, found.labels)
  }

  @Test(arguments: [
    "1,2.5,cat\n-3e2,.5,dog\n", "x,y,kind\r\n1,2.5,cat\r\n-300,0.5,dog",
    "\u{FEFF}x,y,kind\n\n \"1\" , 2.5 ,\"cat\"\n\n-3.0E+2,+.5,\tdog\n\n", "1,2.5,cat\r-300,.5,dog",
    ",\"a \"\"b\"\",\n c\",\n1,2.5,cat\n-300,5e-1,dog",
  ])
  func readsTables(_ text: String) throws {
    let (width, values, labels) = try table(text)
    #expect(width == 2 && values == [1, 2.5, -300, 0.5] && labels == ["cat", "dog"])
  }

  @Test func findsTheLabelColumn() throws {
    let text = "x,kind,y\n1,cat,2\n3,\"a, \"\"b\"\"\",4\n"
    for column in ["kind", "1"] {
      let (width, values, labels) = try table(text, column)
      #expect(width == 2 && values == [1, 2, 3, 4] && labels == ["cat", "a, \"b\""])
    }
    // A label that is a word does not make a header, and numbers may be labels.
    #expect(try table("cat,1\ndog,2", "0").labels == ["cat", "dog"])
    #expect(try table("1,2,7\n3,4,8").labels == ["7", "8"])
    // Labels that are not the last, and nobody said so.
    let first = failure { _ = try table("kind,x,y\ncat,1,2\ndog,3,4\n") }
    #expect(first.place.contains("row 1, line 2") && first.remedy.contains("labelColumn"))
    #expect(!failure { _ = try table("x,y,kind\n1,,a\n3,4,b\n") }.remedy.contains("labelColumn"))
    let large = failure { _ = try table("x,y,kind\n1,1e40,a\n3,4,b\n") }
    #expect(large.expected.contains("3.4e38") && large.remedy == "scale the column")
  }

  @Test func numbersAreRoundedAsNumPyRoundsThem() throws {
    let cells = [
      "0.1", "3.14159265358979", "123456789012345", "1234567890123456789", "1e-46", "3.4028235e38",
      "0.000000000000001", "-0", "2.", "00012", "16777217", "1.00000005960464477539",
    ]
    let values = try cells.map { try table("\($0),a").values[0] }
    #expect(values == cells.map { Float(Double($0) ?? .nan) })
  }

  @Test(arguments: [
    ("1,2,a\n1,b\n", "line 2: 2 cells; expected 3"), ("1,2,a\n\n1,2,3,b\n", "line 3: 4 cells"),
    ("1,2,a\r\n1,b\r\n", "line 2: 2 cells"),
    ("1,2,a\n1,x,b", "line 2: column 1 (counted from 0) is 'x'; expected a finite number"),
    ("1,nan,a\n", "line 1: column 1 (counted from 0) is 'nan'"), ("x,y\n-inf,b", "'-inf'"),
    ("1,1e39,a", "line 1: column 1"), ("1,,a", "line 1: column 1"), ("1,0x10,a\n1,0x10,a", "0x10"),
    ("1,2,\n", "line 1: column 2 (counted from 0) is empty"), ("", "a.csv: the table is empty"),
    ("\n\r\n", "the table is empty"), ("1\n2\n", "line 1: one column"),
    ("1,\"a\n2,b\n", "line 1: a quote is not closed"), ("1,\"a\"b\n", "text after the closing"),
    ("x,\"y\nz\",k\n1,2,a\n1,b", "line 4: 2 cells"),
  ])
  func saysWhatIsWrongWithTables(_ text: String, _ found: String) {
    let line = failure { _ = try table(text) }.description
    #expect(line.hasPrefix("a.csv: ") && line.contains(found), "\(line)")
  }

  @Test func saysWhichColumnsThereAre() {
    let named = failure { _ = try table("x,y,kind\n1,2,a", "sort") }
    #expect(named.expected == "one of 'x', 'y', 'kind'")
    #expect(failure { _ = try table("1,2", "2") }.expected == "a column 0 to 1")
    #expect(failure { _ = try table("1,2", "-1") }.kind == .badData)
  }

  @Test func damageToTablesIsSurvived() {
    for copy in damaged(Array("x,\"y\"\r\n1.5,\"a \"\"b\"\nc\"\n-2e3,d\n".utf8)) {
      if let (width, values, labels, _) = try? readCSV(bytes: copy, labelColumn: "", at: "a") {
        #expect(values.count == width * labels.count && values.allSatisfy { $0.isFinite })
      }
    }
  }
}
