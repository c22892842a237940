import Foundation
import Settings

/// Whole files, read and written so that what was good is never lost.
public enum FileSystem {
  public static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  public static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// The path without links and dots; nil if there is nothing.
  public static func realPath(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
  }

  /// The path of a file with another ending.
  public static func path(_ file: String, ending: String) -> String {
    let folder = file.lastIndex(of: "/").map { file.index(after: $0) } ?? file.startIndex
    guard let dot = file[folder...].lastIndex(of: "."), dot != folder else { return file + ending }
    return file[..<dot] + ending
  }

  /// The text of a file.
  public static func readText(_ path: String) throws(Failure) -> String {
    guard let text = String(validating: try read(path), as: UTF8.self) else {
      throw Failure(.badData, at: path, "this is not UTF-8 text")
    }
    return text
  }

  /// Names of what lies in a folder, sorted by their bytes.
  public static func list(_ folder: String) throws(Failure) -> [String] {
    guard exists(folder) else {
      throw Failure(.noInput, at: folder, "there is no such folder")
    }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw Failure(.cannotRead, at: folder, "cannot be listed (\(reason(error)))")
    }
  }

  /// Adds text to the end of a file.
  ///
  /// - Parameter flushing: whether to wait until it is on the disk.
  public static func append(
    _ text: String, to path: String, flushing: Bool = false
  ) throws(Failure) {
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw cannotWrite(path) }
    var problem = writeAll(Array(text.utf8), to: file) ? nil : cannotWrite(path)
    if flushing, problem == nil, fsync(file) != 0 { problem = cannotWrite(path) }
    if close(file) != 0, problem == nil { problem = cannotWrite(path) }
    if let problem { throw problem }
  }

  /// Cuts a file to its first bytes; it must have as many.
  public static func truncate(_ path: String, to size: Int) throws(Failure) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_size >= size else {
      throw Failure(
        .badData, at: path, "the file is missing or shorter than \(size) bytes",
        remedy: "write into another folder")
    }
    guard Foundation.truncate(path, off_t(size)) == 0 else { throw cannotWrite(path) }
  }

  /// Gives a file a second name, over what has that name; both are there whole at any moment.
  ///
  /// Where a file system has no second names, nothing happens.
  package static func link(_ path: String, as other: String) {
    let neighbour = other + ".partial"
    unlink(neighbour)
    guard Foundation.link(path, neighbour) == 0 else { return }
    // Two names of one file already: nothing is renamed then.
    Foundation.rename(neighbour, other)
    unlink(neighbour)
  }

  /// Gives a file another name, over what has that name.
  package static func move(_ path: String, to other: String) throws(Failure) {
    guard Foundation.rename(path, other) == 0 else { throw cannotWrite(other) }
  }

  /// Makes a folder, and those above it.
  public static func makeFolder(_ path: String) throws(Failure) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .cannotWrite, at: path, "the folder cannot be made (\(reason(error)))",
        remedy: "choose a place that you may write to")
    }
  }

  /// Puts bytes in the place of all that an open file holds.
  package static func overwrite(
    _ bytes: [UInt8], of file: Int32, at path: String
  ) throws(Failure) {
    guard ftruncate(file, 0) == 0, writeAll(bytes, to: file) else { throw cannotWrite(path) }
  }

  static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Foundation.write(
          file, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
  }

  package static func cannotWrite(_ path: String) -> Failure {
    Failure(
      .cannotWrite, at: path, "cannot be written (\(String(cString: strerror(errno))))",
      remedy: "choose a place that you may write to and that has room")
  }

  static func reason(_ error: any Error) -> String {
    let error = error as NSError
    let cause = (error.userInfo[NSUnderlyingErrorKey] as? NSError) ?? error
    return cause.domain == NSPOSIXErrorDomain
      ? String(cString: strerror(Int32(cause.code))) : error.localizedDescription
  }
}
