import Files
import Foundation
import Settings
import Testing

@Suite("Tables of text")
struct CSVTableTests {
  private func table(
    _ text: String, label: String? = nil, header: CSVTable.Header = .automatic
  ) throws -> CSVTable {
    try CSVTable(Array(text.utf8), header: header, label: label, at: "a.csv")
  }

  @Test(
    "What parts the cells is told from them",
    arguments: [
      ("x,y,k\n1.5,2,a\n3,4,b", .comma), ("x;y;k\n1.5;2;a\n3;4;b", .semicolon),
      ("x\ty\tk\n1.5\t2\ta\n3\t4\tb", .tab), ("x|y|k\n1.5|2|a\n3|4|b", .bar),
      ("x y k\n1.5 2  a\n  3 4 b \n", .blanks), ("sep=;\nx;y;k\n1.5;2;a\n3;4;b", .semicolon),
      ("sep=\t\r\nx\ty\tk\r\n1.5\t2\ta\r\n3\t4\tb", .tab),
      ("x;y;k\n1,5;2,0;a\n3,0;4,0;b", .semicolon), ("x\ty\tk\n1,5\t2\ta\n3\t4\tb", .tab),
      ("x,y,k,\n1.5,2,a,\n3,4,b,\n", .comma), ("\u{FEFF}x,y,k\r1.5,2,a\r3,4,b\r", .comma),
    ] as [(String, CSVSeparator)])
  func separators(text: String, separator: CSVSeparator) throws {
    let table = try table(text, label: "")
    #expect(table.separator == separator && table.header == ["x", "y", "k"])
    #expect(try table.numbers(in: 0) == [1.5, 3] && table.numbers(in: 1) == [2, 4])
    #expect(try table.texts(in: 2) == ["a", "b"])
  }

  @Test("Separators inside words part nothing, and numbers decide without a header")
  func separatorsInWords() throws {
    #expect(try table("1,2,a;b\n3,4,c;d").columnCount == 3)
    let decimal = try table("1,5;2,3;0\n2,5;3,25;1")
    #expect(try decimal.columnCount == 3 && decimal.numbers(in: 1) == [2.3, 3.25])
    #expect(try table("x,\"a;b;c\",k\n1,\";;\",2").columnCount == 3)
  }

  @Test("UTF-16 of both orders is read, with and without its mark", arguments: [true, false])
  func utf16(isBig: Bool) throws {
    let text = "größe,k\r\n1.5,a\r\n2,ж\r\n"
    func bytes(_ text: String) -> [UInt8] {
      text.utf16.flatMap { unit -> [UInt8] in
        let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
        return isBig ? [high, low] : [low, high]
      }
    }
    for text in ["\u{FEFF}" + text, text] {
      let table = try CSVTable(bytes(text), label: "", at: "a.csv")
      #expect(try table.header == ["größe", "k"] && table.texts(in: 1) == ["a", "ж"])
    }
    let cut = bytes("\u{FEFF}" + text).dropLast()
    #expect(message { try CSVTable(Array(cut), at: "a.csv") }.contains("UTF-16"))
    #expect(message { try CSVTable([0xFF, 0xFE, 0, 0, 65, 0, 0, 0], at: "a") }.contains("UTF-32"))
  }

  @Test("A decimal comma is read where it is no separator and groups no thousands")
  func decimalCommas() throws {
    let table = try table("x;k\n14,23;a\n1065,0;b\n-3,1e2;c\n7;d", label: "")
    #expect(try table.numbers(in: 0) == [14.23, 1065, -310, 7])
    let grouped = try self.table("x;k\n1,234;a\n2,345;b", label: "")
    #expect(message { try grouped.numbers(in: 0) }.contains("1234.5, not 1,234.5"))
    let mixed = try self.table("x;k\n1,5;a\n2.5;b", label: "")
    #expect(message { try mixed.numbers(in: 0) }.contains("row 1, line 2: column 'x' is '1,5'"))
  }

  @Test(
    "A header of numbers is told from a row",
    arguments: [
      ("0,1,2,3\n-0.44,1.5,3.2,0\n1.0,2.0,.5,1", "", true),
      (",0,1,2\n0,-0.44,1.5,3.2\n1,1.0,2.0,0.5", nil, true),
      ("0,1,2\n-0.44,1.5,3.2\n1e3,2.0,0.5", nil, true),
      ("0,1,2,label\n1.5,2.5,3.5,7\n1.5,2.5,3.5,8", "", true),
      ("400.0,402.5,405.0,class\n1.5,2.5,3.5,7\n1.5,2.5,3.5,8", "", true),
      ("400,402,404,\n1,2,3,a\n1,2,3,b", "", true),
      ("1,2,3\n4,5,6", nil, false), ("0,1,2,3\n4,5,6,7\n8,9,10,11", nil, false),
      ("1,2,7\n3,4,8", "", false), ("0,0,a\n1.5,2.5,b", "", false), ("0.5,1\n0.25,0", "", false),
    ] as [(String, String?, Bool)])
  func headersOfNumbers(text: String, label: String?, isHeader: Bool) throws {
    let table = try table(text, label: label)
    #expect((table.header != nil) == isHeader)
    #expect(table.rowCount == text.split(separator: "\n").count - (isHeader ? 1 : 0))
  }

  @Test("A first line that may be either is refused, and settled by a word")
  func unsureHeader() throws {
    let text = "0,1,2,3\n5,7,1,0\n2,2,9,1\n"
    let line = message { try table(text, label: "") }
    #expect(line.hasPrefix("a.csv: line 1: the numbers 0, 1, 2, 3") && line.contains("header"))
    #expect(try table(text, label: "", header: .yes).rowCount == 2)
    #expect(try table(text, label: "", header: .no).rowCount == 3)
  }

  @Test("Failures name row, line and column by its header")
  func failures() throws {
    let text = "name,note,ash\nx,\"a\nb\",1\ny,\"c \"\"d\"\"\",NA\nz,é,\n"
    let table = try table(text)
    #expect(try table.texts(in: 1) == ["a\nb", "c \"d\"", "é"])
    let missing = message { try table.numbers(in: 2) }
    #expect(missing.hasPrefix("a.csv: row 2, line 4: column 'ash' is 'NA', which is missing"))
    #expect(message { try table.number(row: 2, column: 2) }.contains("column 'ash' is empty"))
    #expect(message { try table.numbers(in: 0) }.contains("row 1, line 2: column 'name' is 'x'"))
    #expect(message { try table.texts(in: 2) }.contains("row 3, line 5: column 'ash' is empty"))
    #expect(message { try table.column("rash") }.contains("one of 'name', 'note', 'ash'"))
    #expect(message { try self.table("a,b,a\n1,2,3").column("a") }.contains("2 columns"))
    let latin = Array("x,k\n1,Bar".utf8) + [0xF4] + Array("lo\n".utf8)
    let french = try CSVTable(latin, label: "", at: "a.csv")
    #expect(try french.numbers(in: 0) == [1])
    let line = message { try french.texts(in: 1) }
    #expect(line.hasPrefix("a.csv: row 1, line 2: column 'k'") && line.contains("not UTF-8"))
    #expect(line.contains("iconv"))
  }

  @Test("Columns that only number the rows are known")
  func identifiers() throws {
    let table = try table("id,x,index,Unnamed: 0\n1000,1,5,0\n1001,2,5,1\n1007,3,6,2")
    #expect(table.columns.map { table.isIdentifier($0) } == [true, false, false, true])
    #expect(try self.table(",x\n3,1.5\n4,2.5").isIdentifier(0))
    #expect(try !self.table("3,1.5\n4,2.5").isIdentifier(0))
  }

  @Test("A line of commas takes no memory to speak of")
  func commas() {
    let commas = [UInt8](repeating: UInt8(ascii: ","), count: 3_000_000)
    #expect(message { try CSVTable(commas, at: "a.csv") }.contains("more than 1048576 cells"))
  }

  @Test("Damage is survived")
  func damage() throws {
    for text in ["x;\"y\"\r\n1,5;\"a \"\"b\"\nc\"\n-2e3;d\n", "sep=,\n0,1,2\n1.5,2.5,3.5\n"] {
      for bytes in damaged(Array(text.utf8)) {
        guard let table = try? CSVTable(bytes, at: "a") else { continue }
        for column in table.columns {
          _ = try? table.numbers(in: column)
          _ = try? table.texts(in: column)
          _ = table.isIdentifier(column)
        }
      }
    }
  }
}
