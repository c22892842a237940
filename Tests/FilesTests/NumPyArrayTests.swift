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

  @Test(arguments: [
    "float32", "float64", "int32", "int64", "vector", "scalar", "empty", "uint64", "text",
  ])
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

  @Test func readsOtherOrdersAndTypes() throws {
    let grid = (0..<12).map { Float($0) }
    for name in ["fortran", "big-endian", "float16"] {
      let array = try array(name)
      #expect(array.shape == [3, 4] && array.elements == .float32(grid), "\(name)")
    }
    let cube = try array("fortran-cube")
    #expect(cube.shape == [2, 3, 4] && cube.elements == .int64((0..<24).map { Int64($0) }))
    #expect(try array("text") == NumPyArray(shape: [2], elements: .text(["a", "b"])))
    let texts = ["é\u{1F600}", "", "ab"]
    #expect(try array("big-endian-text") == NumPyArray(shape: [3], elements: .text(texts)))
    #expect(try array("bytes") == NumPyArray(shape: [3], elements: .text(["x", "yz", ""])))
    #expect(try array("uint64").elements == .uint64([0, 1 << 63, .max]))
    #expect(try array("uint32").elements == .int64([0, 4_294_967_295]))
    #expect(try array("big-endian-int16").elements == .int32([-2, 258]))
    #expect(try array("special-halves").floatsForTest == [0, -0.0, 65504, 5.9604645e-08])
  }

  @Test(arguments: [
    ("structured", "expected float16"), ("object", "np.stack(array).astype(np.float32)"),
    ("object", "array.astype(str)"), ("complex", "array.real"), ("dates", "astype(np.int64)"),
  ])
  func refusesWithARemedy(_ name: String, _ remedy: String) throws {
    let line = message { try array(name) }
    #expect(line.hasPrefix("\(name): byte 12") || line.hasPrefix("\(name): byte 10"), "\(line)")
    #expect(line.contains(remedy), "\(line)")
  }

  @Test(arguments: ["(1152921504606846976,)", "(1099511627776, 4096)"])
  func textsWithoutBytesTakeNoMemory(_ shape: String) {
    for type in ["<U0", "|S0"] {
      let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
      let line = message { try NumPyArray(bytes: file(header: header), at: "a.npy") }
      #expect(line.contains("of memory at most"), "\(line)")
    }
  }

  @Test func rowsWithoutEndAreRefused() throws {
    for width in ["4611686018427387904", "1099511627776"] {
      let header = "{'descr': '|i1', 'fortran_order': False, 'shape': (0, \(width)), }"
      let line = message {
        try NumPyArray(bytes: file(header: header), at: "a.npy").matrix(at: "a", as: Float.self)
      }
      #expect(line.contains("memory at most"), "\(line)")
    }
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

  @Test(arguments: [
    "float32", "vector", "version2", "structured", "bool", "fortran-cube", "big-endian-text",
    "bytes",
  ])
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
    #expect(try array("int8").matrix(at: "a", as: Float.self).values.first == -5)
    #expect(try array("int64").matrix(at: "a", as: Double.self).values.last == 6)
    #expect(message { try array("text").matrix(at: "a", as: Float.self) }.contains("(2,)"))
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

extension NumPyArray {
  fileprivate var floatsForTest: [Float] {
    if case .float32(let values) = elements { values } else { [] }
  }
}
