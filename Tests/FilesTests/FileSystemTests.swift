import Files
import Foundation
import Settings
import Testing

@Suite("Files, folders, links and pipes")
struct FileSystemTests {
  private let root: String

  init() throws {
    root = FileManager.default.temporaryDirectory.path + "/kindred-\(UUID().uuidString)"
    try FileSystem.makeFolder(root)
  }

  private func link(_ target: String, _ name: String) {
    #expect(symlink(target, root + "/" + name) == 0)
  }

  @Test("A neighbour that is a link, a hard link or a pipe is left as it is")
  func neighbours() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let (victim, path) = (root + "/victim", root + "/out")
    try FileSystem.write("precious", to: victim)
    link("victim", "out.partial")
    try FileSystem.write("new", to: path)
    #expect(try FileSystem.readText(victim) == "precious" && FileSystem.readText(path) == "new")
    unlink(path + ".partial")
    #expect(Foundation.link(victim, path + ".partial") == 0)
    try FileSystem.write("newer", to: path)
    #expect(try FileSystem.readText(victim) == "precious" && FileSystem.readText(path) == "newer")
    unlink(path + ".partial")
    #expect(mkfifo(path + ".partial", 0o644) == 0)
    try FileSystem.write("newest", to: path)
    #expect(try FileSystem.readText(path) == "newest")
    // No fresh name stays.
    #expect(try FileSystem.list(root) == ["out", "out.partial", "victim"])
    try FileSystem.makeFolder(root + "/kept")
    try FileSystem.write("precious", to: root + "/kept/file")
    link("kept", "folder.partial")
    try FileSystem.writeFolder([("a", [1])], to: root + "/folder")
    #expect(try FileSystem.list(root + "/kept") == ["file"])
    #expect(try FileSystem.list(root + "/folder") == ["a"])
  }

  @Test("Pipes are read to their end, and refused where nobody writes; devices are refused")
  func pipes() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let pipe = root + "/pipe"
    #expect(mkfifo(pipe, 0o644) == 0)
    let content = [UInt8](repeating: 5, count: 300_000)
    let writer = Thread {
      guard let file = fopen(pipe, "w") else { return }
      fwrite(content, 1, content.count, file)
      fclose(file)
    }
    writer.start()
    #expect(try FileSystem.read(pipe) == content)
    for path in ["/dev/zero", "/dev/null"] {
      #expect(message { try FileSystem.read(path) }.contains("a device"))
    }
    #expect(message { try MappedFile(pipe) }.contains("this is a pipe"))
    #expect(message { try NumPyRows(pipe) }.contains("this is a pipe"))
    #expect(message { try FileSystem.read(root) }.contains("this is a folder"))
    #expect(message { try FileSystem.read(root + "/none") }.contains("there is no such file"))
    #expect(try !FileSystem.readText("/proc/self/status").isEmpty)
  }

  @Test("Links to folders and files are followed, and loops end")
  func walk() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    for name in ["set/a/1", "set/b.png/2", "elsewhere/3", "set/.hidden/4", "set/b.png/.5"] {
      let file = root + "/" + name
      try FileSystem.makeFolder((file as NSString).deletingLastPathComponent)
      try FileSystem.write("x", to: file)
    }
    link("../elsewhere", "set/c")
    link("..", "set/a/up")
    link("../a/1", "set/b.png/6")
    link(".", "elsewhere/self")
    link("set", "linked")
    let files = ["a/1", "b.png/2", "b.png/6", "c/3"]
    #expect(try FileSystem.files(below: root + "/set") == files)
    #expect(try FileSystem.files(below: root + "/linked") == files)
  }

  @Test("A web of links is refused before it grows without end")
  func web() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    for i in 0..<12 {
      try FileSystem.makeFolder("\(root)/\(i)")
      for j in 0..<12 where j != i { link("../\(j)", "\(i)/to\(j)") }
    }
    #expect(message { try FileSystem.files(below: root) }.contains("links lead to this folder"))
  }

  @Test("A name that is not UTF-8 is named")
  func encoding() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let name = (root + "/caf").utf8CString.dropLast() + [CChar(bitPattern: 0xE9), 0]
    let made = Array(name).withUnsafeBufferPointer { name in
      name.baseAddress.map { mkdir($0, 0o755) }
    }
    #expect(made == 0)
    let line = message { try FileSystem.files(below: root) }
    #expect(line.contains("/caf<E9>: the name is not UTF-8") && line.contains("convmv"), "\(line)")
  }

  @Test("Lists of names read back, whatever is in the names")
  func names() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let names = ["a/1.png", "a\nb/0.png", "x\r", "\"quoted\"", "ü\u{1B}[31m", "", "é", "tab\t"]
    let bytes = NameList.bytes(names)
    #expect(bytes.split(separator: 0x0A, omittingEmptySubsequences: false).count == names.count + 1)
    #expect(!bytes.contains(0x1B))
    try FileSystem.write(bytes, to: root + "/names")
    #expect(try NameList.read(root + "/names") == names)
    #expect(String(decoding: NameList.bytes(["a b", "é"]), as: UTF8.self) == "a b\né\n")
    try FileSystem.write("\"half\nb\n", to: root + "/names")
    #expect(try NameList.read(root + "/names") == ["\"half", "b"])
    try FileSystem.write("a\r\nb c\r\n", to: root + "/names")
    #expect(try NameList.read(root + "/names") == ["a", "b c"])
  }
}
