import Files
import Foundation
import Settings
import Testing

struct NumPyArrayTests {
  private func array(_ name: String) throws -> NumPyArray {
    try NumPyArray(bytes: try fixture("\(name).npy"), at: name)
  }

  private func file(header: String, payload: Int = 0) -> [UInt8] {
    let prefix: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
    return prefix + Array(header.utf8) + [UInt8](repeating: 0, count: payload)
  }

  @Test func readsEveryElementType() throws {
    let signed = (0..<12).map { $0 - 5 }
    #expect(try array("float32").elements == .float32(signed.map { Float($0) }))
    #expect(try array("float64").elements == .float64(signed.map { Double($0) }))
    for name in ["int8", "int16", "int32"] {
      #expect(try array(name).elements == .int32(signed.map { Int32($0) }), "\(name)")
    }
    #expect(try array("int64").elements == .int64(signed.map { Int64($0) }))
    for name in ["uint8", "uint16"] {
      #expect(try array(name).elements == .int32((0..<12).map { Int32($0) }), "\(name)")
    }
    #expect(try array("bool").elements == .int32((0..<12).map { $0 % 3 == 0 ? 1 : 0 }))
    for name in ["float32", "int64", "bool"] { #expect(try array(name).shape == [3, 4]) }
  }

  @Test func readsEveryVersionAndRank() throws {
    let quarters = (0..<12).map { Float($0) / 4 }
    for name in ["version2", "version3"] {
      #expect(try array(name).elements == .float32(quarters), "\(name)")
    }
    #expect(try array("vector") == NumPyArray(shape: [3], elements: .int64([3, -1, 2])))
    #expect(try array("scalar") == NumPyArray(shape: [], elements: .float64([2.5])))
    #expect(try array("empty") == NumPyArray(shape: [0, 4], elements: .float32([])))
  }

  @Test(arguments: ["float32", "float64", "int32", "int64", "vector", "scalar", "empty"])
  func writesTheBytesThatNumPyWrites(_ name: String) throws {
    #expect(try array(name).bytes() == fixture("\(name).npy"))
  }

  @Test func writesFilesThatItReads() throws {
    let path = FileManager.default.temporaryDirectory.path + "/kindred-\(UUID().uuidString).npy"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let matrix = NumPyArray(shape: [2, 1], elements: .float64([.pi, -0.0]))
    try matrix.write(to: path)
    #expect(try NumPyArray.read(path) == matrix)
    #expect(message { try NumPyArray.read(path + "x") }.contains("there is no such file"))
  }

  @Test(arguments: [
    ("fortran", "np.ascontiguousarray(array)"), ("big-endian", "array.astype(np.float32)"),
    ("float16", "array.astype(np.float32)"), ("text", "np.unique(array, return_inverse=True)[1]"),
    ("structured", "expected float32"),
  ])
  func refusesWithARemedy(_ name: String, _ remedy: String) throws {
    let line = message { try array(name) }
    #expect(line.hasPrefix("\(name): byte 12") || line.hasPrefix("\(name): byte 10"), "\(line)")
    #expect(line.contains(remedy), "\(line)")
  }

  @Test(arguments: [
    "(1099511627776,)", "(1048576, 1048576)", "(4611686018427387904, 4)",
    "(9223372036854775807, 9223372036854775807)", "(99999999999999999999,)", "(-1,)", "(3)",
    "(3,, 4)", "(3 4)", "3", "(True,)", "('3',)", "(3.0,)", "(1,", "",
  ])
  func refusesImpossibleShapes(_ shape: String) {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    let line = message { try NumPyArray(bytes: file(header: header, payload: 16), at: "a.npy") }
    #expect(line.hasPrefix("a.npy: byte ") && !line.contains("\n"), "\(line)")
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False}", "{}", "", "{'shape': (4,), 'shape': (4,)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (4,)}", "{'descr': [('a', '<f4'",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'more': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} x",
    "{'descr': '<f4, 'fortran_order': False, 'shape': (4,)}",
  ])
  func refusesMalformedHeaders(_ header: String) {
    let line = message { try NumPyArray(bytes: file(header: header, payload: 16), at: "a.npy") }
    #expect(line.contains("the header is malformed"), "\(line)")
  }

  @Test func acceptsOtherSpellingsOfTheHeader() throws {
    let header = "{ \"shape\":(2L,2L),'fortran_order' :False,'descr':'<f4' }\n"
    let array = try NumPyArray(bytes: file(header: header, payload: 16), at: "a.npy")
    #expect(array == NumPyArray(shape: [2, 2], elements: .float32([0, 0, 0, 0])))
  }

  @Test func refusesTooFewAndTooManyBytes() throws {
    let bytes = try fixture("float32.npy")
    #expect(message { try NumPyArray(bytes: bytes.dropLast(), at: "a") }.contains("cut short"))
    #expect(message { try NumPyArray(bytes: bytes + [0], at: "a") }.contains("more than one array"))
  }

  @Test(arguments: ["float32", "vector", "version2", "structured", "bool"])
  func survivesDamage(_ name: String) throws {
    var failures = 0
    let files = damaged(try fixture("\(name).npy"))
    for bytes in files {
      do { _ = try NumPyArray(bytes: bytes, at: "a") } catch { failures += 1 }
    }
    #expect(failures > files.count / 4)
  }

  @Test func givesMatrices() throws {
    let floats = try array("float32").matrix(at: "a", as: Float.self)
    #expect(floats.rows == 3 && floats.columns == 4)
    #expect(floats.values == (0..<12).map { Float($0 - 5) })
    #expect(try array("float32").matrix(at: "a", as: Double.self).values.last == 6)
    #expect(try array("float64").matrix(at: "a", as: Float.self).values.first == -5)
    #expect(try array("float64").matrix(at: "a", as: Double.self).values.count == 12)
    #expect(try array("empty").matrix(at: "a", as: Double.self).rows == 0)
    #expect(message { try array("vector").matrix(at: "a", as: Float.self) }.contains("reshape"))
    #expect(message { try array("int64").matrix(at: "a", as: Float.self) }.contains("float32"))
  }

  @Test func refusesNumbersThatAreNotFinite() throws {
    let line = message { try array("not-finite").matrix(at: "a.npy", as: Double.self) }
    #expect(line.hasPrefix("a.npy: NaN in row 1, column 1 (counted from 0)"), "\(line)")
    let large = try array("too-large")
    #expect(try large.matrix(at: "a", as: Double.self).values[2] == 1e300)
    #expect(message { try large.matrix(at: "a", as: Float.self) }.contains("row 1, column 0"))
  }

  @Test func givesLabels() throws {
    #expect(try array("vector").labels(at: "a") == [3, -1, 2])
    #expect(message { try array("int32").labels(at: "a") }.contains("labels.reshape(-1)"))
    #expect(message { try array("scalar").labels(at: "a") }.contains("labels.astype(np.int64)"))
  }
}
