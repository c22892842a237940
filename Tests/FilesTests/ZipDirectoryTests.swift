import Files
import Foundation
import Settings
import Testing

@Suite("Archives of arrays")
struct ZipDirectoryTests {
  @Test("Stored and deflated members of NumPy are read", arguments: ["stored", "packed"])
  func members(name: String) throws {
    let archive = try ZipDirectory(try fixture("\(name).npz"), at: name)
    #expect(archive.members.map(\.name) == ["first.npy", "second.npy"])
    let first = try NumPyArray(bytes: archive.bytes(of: archive.members[0]), at: name)
    #expect(first.shape == [60, 100])
    #expect(first.elements == .float32((0..<6000).map { Float($0 % 7) }))
    let second = try NumPyArray(bytes: archive.bytes(of: archive.members[1]), at: name)
    #expect(second.elements == .int64([0, 1, 2]))
  }

  @Test("What is written is read")
  func writing() throws {
    let bytes = try ZipArchive(members: [("a.npy", [1, 2, 3]), ("b", [])]).bytes()
    let archive = try ZipDirectory(bytes, at: "a.npz")
    #expect(try archive.members.map { try archive.bytes(of: $0) } == [[1, 2, 3], []])
  }

  @Test("Members that share bytes are refused")
  func overlap() throws {
    let content = [UInt8](repeating: 7, count: 1000)
    var bytes = try ZipArchive(members: [("a.npy", content), ("b.npy", content)]).bytes()
    // The second entry of the directory points to the first member.
    let entry = bytes.count - 22 - (46 + 5) + 42
    for index in 0..<4 { bytes[entry + index] = 0 }
    let line = message { try ZipDirectory(bytes, at: "a.npz") }
    #expect(line.hasPrefix("a.npz: 'a.npy' and 'b.npy' share bytes"), "\(line)")
  }

  @Test("A small file does not unpack to a large array")
  func bomb() throws {
    var bytes = try ZipArchive(members: [("a.npy", [1])]).bytes()
    let entry = bytes.count - 22 - (46 + 5) + 24
    for index in 0..<4 { bytes[entry + index] = 0xF0 }
    let archive = try ZipDirectory(bytes, at: "a.npz")
    #expect(message { try archive.bytes(of: archive.members[0]) }.contains("memory at most"))
  }

  @Test("Damage is survived", arguments: ["stored", "packed"])
  func damage(name: String) throws {
    let whole = try fixture("\(name).npz")
    // The large member of the stored archive is left out: every byte of it is like the others.
    let places = whole.indices.filter { $0 < 400 || $0 > whole.count - 600 }
    for place in places {
      for mask in [0xFF, 0x01, 0x80] as [UInt8] {
        var bytes = whole
        bytes[place] ^= mask
        guard let archive = try? ZipDirectory(bytes, at: "a") else { continue }
        for member in archive.members { _ = try? archive.bytes(of: member) }
      }
      _ = try? ZipDirectory(Array(whole[..<place]), at: "a")
    }
  }
}
