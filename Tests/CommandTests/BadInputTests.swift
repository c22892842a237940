import Files
import Foundation
import Settings
import Testing

/// What users get wrong: each a line on standard error, the right status, nothing left behind.
@Suite struct BadInput {
  /// Runs a command that must fail, and looks at how it does.
  private func expectFailure(
    _ words: [String], _ status: Int32, _ message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try kindred(words)
    let what = "\(words): \(outcome)"
    #expect(outcome.status == status, "\(what)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, "\(what)", sourceLocation: sourceLocation)
    #expect(outcome.error.hasPrefix("kindred: "), "\(what)", sourceLocation: sourceLocation)
    #expect(outcome.error.contains(message), "\(what)", sourceLocation: sourceLocation)
    #expect(
      outcome.error.filter { $0 == "\n" }.count == 1, "\(what)", sourceLocation: sourceLocation)
  }

  private static let recipe = packageRoot + "/recipes/quickstart.json5"

  /// Trains the quick start with one thing changed; nothing may be written.
  private func expectRefusal(
    _ overrides: [String], _ status: Int32, _ message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let scratch = try Scratch()
    let words = ["train", Self.recipe, "--out", scratch.path + "/run", "--json"]
    try expectFailure(
      words + overrides.flatMap { ["--set", $0] }, status, message, sourceLocation: sourceLocation)
    #expect(!FileSystem.exists(scratch.path + "/run"), sourceLocation: sourceLocation)
  }

  @Test func recipes() throws {
    try expectRefusal(["trainnig.steps=3"], 65, "did you mean 'training'?")
    try expectRefusal(["losses.0.name=multi-similarty"], 65, "did you mean 'multi-similarity'?")
    try expectRefusal(
      ["losses=[{name:'arc-face',margin:1000}]"], 65, "'margin' is 1000; expected a number from")
    try expectRefusal(["data={name:'folder',path:'/nowhere/at/all'}"], 66, "/nowhere/at/all")
    try expectRefusal(["data={name:'omniglot',path:'/nowhere'}"], 66, "Omniglot is not here")
    try expectRefusal(["sampler.classes=1000"], 65, "sampler")
  }

  @Test func folders() throws {
    let scratch = try Scratch()
    let pictures = scratch.path + "/pictures"
    try FileSystem.makeFolder(pictures + "/a")
    try FileSystem.makeFolder(pictures + "/b")
    let set = ["data={name:'folder',path:'\(pictures)',size:8}"]
    try expectRefusal(set, 65, "there are no pictures in the folder")
    let picture = "P2 2 2 255 0 255 255 0"
    try FileSystem.write(picture, to: pictures + "/a/1.pgm")
    try FileSystem.write(picture, to: pictures + "/a/2.pgm")
    try FileSystem.write(picture, to: pictures + "/b/1.pgm")
    try expectRefusal(set, 65, "the class 'b' has 1 item")
    try FileSystem.write("P2 2 2 255 0 255 255", to: pictures + "/b/2.pgm")
    try expectRefusal(set, 65, "b/2.pgm")
    try FileSystem.write(
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0], to: pictures + "/b/2.pgm")
    try expectRefusal(set, 65, "b/2.pgm")
    try FileSystem.write([0xFF, 0xD8, 0xFF], to: pictures + "/b/2.pgm")
    try expectRefusal(set, 65, "JPEG")
  }

  @Test func arrays() throws {
    let scratch = try Scratch()
    let (e, y) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    let command = ["mine", "batch-hard", "--embeddings", e, "--labels", y]
    let good = NumPyArray(shape: [3, 2], elements: .float32([1, 2, 3, 4, 5, 6]))
    try good.write(to: e)
    try expectFailure(command, 66, "y.npy: there is no such file")
    try NumPyArray(shape: [2], elements: .int64([0, 1])).write(to: y)
    try expectFailure(command, 65, "there are 2 labels; expected 3")
    try NumPyArray(shape: [3], elements: .float32([0, 1, 1])).write(to: y)
    try expectFailure(command, 65, ".astype(np.int64)")
    try NumPyArray(shape: [3], elements: .int64([0, 1, 1])).write(to: y)
    #expect(try kindred(command).status == 0)
    try NumPyArray(shape: [3, 2], elements: .float32([1, 2, .nan, 4, 5, 6])).write(to: e)
    try expectFailure(command, 65, "e.npy")
    let bytes = good.bytes()
    try FileSystem.write(Array(bytes.dropLast()), to: e)
    try expectFailure(command, 65, "e.npy")
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 2), }"
    let padded = header.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
    try FileSystem.write(Array(bytes.prefix(8)) + [118, 0] + Array(padded.utf8), to: e)
    try expectFailure(command, 65, "e.npy")
    try FileSystem.write("this is no array", to: e)
    try expectFailure(command, 65, "e.npy")
  }

  @Test func outputs() throws {
    let scratch = try Scratch()
    let (e, y, out) = (scratch.path + "/e.npy", scratch.path + "/y.npy", scratch.path + "/out")
    try NumPyArray(shape: [3, 2], elements: .float32([1, 2, 3, 4, 5, 6])).write(to: e)
    try NumPyArray(shape: [3], elements: .int64([0, 1, 1])).write(to: y)
    try FileSystem.write("precious", to: out)
    // A file where a folder should be.
    try expectFailure(
      ["export", e, "--format", "npy", "--out", out + "/x.npy"], 73, "cannot be written")
    try expectFailure(["train", Self.recipe, "--out", out, "--json"], 73, "this is a file")
    try expectFailure(["train", Self.recipe, "--out", scratch.path, "--json"], 73, "is not empty")
    try expectFailure(["export", e, "--format", "npy", "--out", "/dev/null"], 73, "/dev/null")
    #expect(try FileSystem.readText(out) == "precious")
    #expect(try FileSystem.list(scratch.path) == ["e.npy", "out", "y.npy"])
  }

  /// A disk that is full, by a limit on the size of files.
  @Test func aFullDiskLeavesNothingBehind() throws {
    let scratch = try Scratch()
    let (e, out) = (scratch.path + "/e.npy", scratch.path + "/out.npy")
    try NumPyArray(
      shape: [4096, 16], elements: .float32([Float](repeating: 1, count: 65_536))
    ).write(to: e)
    let outcome = try run(
      "/bin/sh",
      ["-c", "ulimit -f 64; exec \"$0\" export \(e) --format npy --out \(out)", kindredPath])
    #expect(outcome.status == 73, "\(outcome)")
    #expect(outcome.error.contains("cannot be written"))
    #expect(try FileSystem.list(scratch.path) == ["e.npy"])
  }
}
