import Foundation
import Settings

/// Where a worker puts the files that it reads: in memory, where the system has a place for that.
enum Scratch {
  static let path: String = {
    let memory = FileManager.default.isWritableFile(atPath: "/dev/shm")
    return (memory ? "/dev/shm" : NSTemporaryDirectory()) + "/kindred-fuzz-\(getpid())"
  }()

  static func make() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  static func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// Without the care that `FileSystem.write` takes, which would be most of the time.
  static func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w") else {
      throw Failure(.cannotWrite, at: path, "it cannot be opened")
    }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else {
      throw Failure(.cannotWrite, at: path, "it cannot be written")
    }
  }

  static func read(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

/// Prints a line at once, also when the process dies after it.
func say(_ line: some CustomStringConvertible) {
  FileHandle.standardOutput.write(Data((line.description + "\n").utf8))
}
