import Files
import Foundation
import Settings
import Testing

/// A folder that is gone when the test is.
///
/// A class so that the folder is removed when the last use of it ends.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("kindred-\(UUID().uuidString)").path
    try FileSystem.makeFolder(path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, making the folders above it.
  func write(_ bytes: [UInt8], to name: String) throws {
    let file = path + "/" + name
    try FileSystem.makeFolder((file as NSString).deletingLastPathComponent)
    try FileSystem.write(bytes, to: file)
  }

  /// Writes a picture of one channel as PGM.
  func writeGray(_ pixels: [UInt8], width: Int, to name: String) throws {
    let header = "P5\n\(width) \(pixels.count / width)\n255\n"
    try write(Array(header.utf8) + pixels, to: name)
  }
}

/// The failure that `body` throws; an empty one, after recording an issue, if it throws none.
func failure(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> Failure {
  do {
    try body()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
  } catch let failure as Failure {
    return failure
  } catch {
    Issue.record("\(error) is not a Failure", sourceLocation: sourceLocation)
  }
  return Failure(.badUsage, at: "", "")
}
