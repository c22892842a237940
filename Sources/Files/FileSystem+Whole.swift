import Foundation
import Settings

// Files and folders that are there whole or not at all.
//
// What is written lies in a neighbour, PATH.partial, until it is renamed. A process that is killed
// leaves its neighbour; the next save takes the same one over, so none stays. Whoever writes holds
// a lock on the neighbour, which ends with the process, so that two saves come one after the other.
// A neighbour that is no file or folder of its own (a link, a pipe) is somebody else's: it is left as
// it is, and a fresh name is taken.

extension FileSystem {
  /// Writes a file whole or not at all: to a neighbour first, flushed to the disk, then renamed.
  public static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    try write([(path, bytes)])
  }

  /// Writes a file and what lies beside it, so that it is never beside what belongs to another.
  ///
  /// All are written to their neighbours; then what lies beside the old file goes, the file is
  /// replaced, and the others take their places. Who is killed on the way leaves the old or the new
  /// file, maybe without what belongs to it. What is the same already stays.
  /// - Parameter files: the file first; nil for what must not be beside it.
  public static func write(_ files: [(path: String, bytes: [UInt8]?)]) throws(Failure) {
    var ready: [(path: String, neighbour: String, file: Int32)] = []
    defer {
      for waiting in ready {
        unlink(waiting.neighbour)
        close(waiting.file)
      }
    }
    var changed = Array(files.prefix(1))
    for file in files.dropFirst() {
      if exists(file.path), let bytes = file.bytes, try read(file.path) == bytes { continue }
      changed.append(file)
    }
    // In one order for all, so that two processes do not wait for each other.
    for (path, bytes) in changed.sorted(by: { $0.path < $1.path }) {
      guard let bytes else { continue }
      var status = stat()
      if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        throw Failure(
          .cannotWrite, at: path, "this is no ordinary file",
          expected: "a file, or nothing there yet")
      }
      let (neighbour, file) = try lockedFile(beside: path)
      ready.append((path, neighbour, file))
      guard ftruncate(file, 0) == 0, writeAll(bytes, to: file), fsync(file) == 0 else {
        throw cannotWrite(path)
      }
    }
    for (path, _) in changed.dropFirst().reversed() where unlink(path) != 0 && errno != ENOENT {
      throw cannotWrite(path)
    }
    for (path, _) in changed {
      guard let place = ready.firstIndex(where: { $0.path == path }) else { continue }
      guard rename(ready[place].neighbour, path) == 0 else { throw cannotWrite(path) }
      guard close(ready.remove(at: place).file) == 0 else { throw cannotWrite(path) }
    }
  }

  public static func write(_ text: String, to path: String) throws(Failure) {
    try write(Array(text.utf8), to: path)
  }

  /// Writes a folder whole or not at all: a neighbour is filled first, then renamed.
  ///
  /// - Parameter files: paths within the folder, and their bytes.
  /// - Throws: if there is something at the path already, but for an empty folder.
  public static func writeFolder(
    _ files: [(name: String, bytes: [UInt8])], to path: String
  ) throws(Failure) {
    var isFree = !exists(path)
    if isFolder(path) { isFree = try list(path).isEmpty }
    guard isFree else {
      throw Failure(
        .cannotWrite, at: path, "there is something already", expected: "a new or empty folder",
        remedy: "choose another place")
    }
    let (neighbour, folder) = try lockedFolder(beside: path)
    defer { close(folder) }
    do {
      // What a killed process left.
      for name in try list(neighbour) {
        try? FileManager.default.removeItem(atPath: neighbour + "/" + name)
      }
      for file in files {
        let target = neighbour + "/" + file.name
        try makeFolder((target as NSString).deletingLastPathComponent)
        try write(file.bytes, to: target)
      }
    } catch {
      try? FileManager.default.removeItem(atPath: neighbour)
      throw error
    }
    guard rename(neighbour, path) == 0 else {
      let problem = cannotWrite(path)
      try? FileManager.default.removeItem(atPath: neighbour)
      throw problem
    }
  }

  /// Opens and locks the file PATH.partial, or a fresh one if that is not a file of its own.
  private static func lockedFile(
    beside path: String
  ) throws(Failure) -> (neighbour: String, file: Int32) {
    let usual = path + ".partial"
    let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK
    let file = try locked(usual, of: path, flags) { status in
      status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
    }
    if let file { return (usual, file) }
    let fresh = "\(usual)-\(UUID().uuidString)"
    guard let file = try locked(fresh, of: path, flags | O_EXCL, isOurs: { _ in true }) else {
      throw cannotWrite(path)
    }
    return (fresh, file)
  }

  /// Makes, opens and locks the folder PATH.partial, or a fresh one if a link has that name.
  private static func lockedFolder(
    beside path: String
  ) throws(Failure) -> (neighbour: String, folder: Int32) {
    for neighbour in [path + ".partial", "\(path).partial-\(UUID().uuidString)"] {
      var status = stat()
      guard lstat(neighbour, &status) != 0 || status.st_mode & S_IFMT == S_IFDIR else { continue }
      try makeFolder(neighbour)
      let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
      if let folder = try locked(neighbour, of: path, flags, isOurs: { _ in true }) {
        return (neighbour, folder)
      }
    }
    throw cannotWrite(path)
  }

  /// Opens and locks a neighbour, again if another process renamed it in the meantime.
  ///
  /// - Returns: nil for a link, or what is not ours.
  private static func locked(
    _ neighbour: String, of path: String, _ flags: Int32, isOurs: (stat) -> Bool
  ) throws(Failure) -> Int32? {
    while true {
      let file = open(neighbour, flags | O_CLOEXEC, 0o644)
      guard file >= 0 else {
        if [ELOOP, ENXIO, EMLINK, EISDIR, ENOTDIR].contains(errno) { return nil }
        throw cannotWrite(path)
      }
      var (mine, there) = (stat(), stat())
      guard fstat(file, &mine) == 0, isOurs(mine) else {
        close(file)
        return nil
      }
      // Some file systems have no locks; there, two saves at the same time are not told apart.
      while flock(file, LOCK_EX) != 0, errno == EINTR {}
      if lstat(neighbour, &there) == 0, mine.st_ino == there.st_ino, mine.st_dev == there.st_dev {
        return file
      }
      close(file)
    }
  }
}
