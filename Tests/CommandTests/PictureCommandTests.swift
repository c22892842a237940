import Files
import Foundation
import Settings
import Testing

@Suite("kindred picture")
struct PictureCommandTests {
  private let scratch = NSTemporaryDirectory() + "kindred-picture-\(UUID().uuidString)"

  /// A plain picture of 2 × 2 pixels.
  private func picture() throws -> String {
    try FileSystem.makeFolder(scratch)
    let path = scratch + "/a.ppm"
    try FileSystem.write("P3 2 2 255\n1 2 3 4 5 6\n250 251 252 7 8 9\n", to: path)
    return path
  }

  @Test func tellsWhatAFileHolds() throws {
    let path = try picture()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let outcome = try kindred("picture", path, "--json")
    #expect(outcome.status == 0 && outcome.error.isEmpty)
    guard case .object(let members) = try JSONValue(json5: outcome.output, at: "output") else {
      throw CocoaError(.fileReadCorruptFile)
    }
    #expect(members["format"] == "PPM" && members["mode"] == "RGB")
    #expect(members["width"] == 2 && members["height"] == 2 && members["orientation"] == 1)
    // SHA-256 of the bytes 1 2 3 4 5 6 250 251 252 7 8 9, as hashlib gives it.
    let hash: JSONValue = "236ab8c0fe9260039b4b00d20efb43eb9fc522b5ce4a7044d41b9147eb234fdf"
    for key in ["nativeSHA256", "rgbSHA256", "uprightRGBSHA256"] { #expect(members[key] == hash) }
  }

  @Test func writesPixels() throws {
    let path = try picture()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let out = scratch + "/b.npy"
    #expect(try kindred("picture", path, "--resize", "4,1", "--out", out).status == 0)
    let array = try NumPyArray.read(out)
    #expect(array.shape == [1, 4, 3])
    #expect(try kindred("picture", path, "--out", scratch + "/c.png").status == 0)
    let again = try kindred("picture", scratch + "/c.png")
    #expect(again.output == "PNG, mode RGB, 2 x 2\n")
    let item = scratch + "/d.npy"
    #expect(try kindred("picture", path, "--preparation", "clip", "--out", item).status == 0)
    let prepared = try NumPyArray.read(item)
    #expect(prepared.shape == [224, 224, 3])
  }

  @Test(
    arguments: [
      (["--resize", "4,1"], 64, "goes nowhere"),
      (["--resize", "0,1", "--out", "x.png"], 64, "0,1"),
      (["--filter", "cubic", "--resize", "1,1", "--out", "x.png"], 64, "bicubic"),
      (["--filter", "box"], 64, "nothing is resized"), (["--out", "x.jpg"], 64, "X.png"),
      (["--preparation", "clop", "--out", "x.npy"], 64, "clip"),
      (["--prepare", "/nowhere", "--out", "x.npy"], 66, "no such model"),
      (["--reduction", "3"], 64, "1, 2, 4 or 8"),
    ] as [([String], Int32, String)])
  func refusesWhatMakesNoSense(_ options: [String], _ status: Int32, _ part: String) throws {
    let path = try picture()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let outcome = try kindred(["picture", path] + options)
    #expect(outcome.status == status, "\(outcome.error)")
    #expect(outcome.error.contains(part), "\(outcome.error)")
  }

  @Test func namesWhatIsNotAPicture() throws {
    let path = try picture()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    #expect(try kindred("picture", scratch + "/none.jpg").status == 66)
    for (bytes, part) in [
      (Array("hello, world".utf8), "not a known picture"), ([], "the file is empty"),
      ([0, 0, 0, 32] + Array("ftypavif".utf8), "AVIF"), ([0xFF, 0xD8, 0xFF], "JPEG"),
    ] as [([UInt8], String)] {
      try FileSystem.write(bytes, to: path)
      let outcome = try kindred("picture", path)
      #expect(outcome.status == 65 && outcome.error.contains(part), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1)
    }
  }
}
