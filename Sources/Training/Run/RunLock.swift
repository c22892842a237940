import Files
import Foundation
import Settings
import Synchronization

/// Keeps a run folder for one training.
///
/// The file `lock` in the folder says who writes there, and is locked as long as that process lives:
/// a process that was killed leaves the file but not the lock, and the next one takes it over.
/// A class because what holds it has to give it back once.
final class RunLock {
  private let path: String
  private let file: Int32
  private let isReleased = Atomic(false)
  /// Who left the file without giving it back, if somebody did.
  let left: String?

  /// - Throws: if another training, of this process or another, writes into the folder.
  init(_ folder: RunFolder) throws(Failure) {
    path = folder.lock
    (file, left) = try RunLock.open(path, O_CREAT, in: folder)
    let owner: JSONValue = [
      "pid": JSONValue(Int(getpid())), "host": .string(RunLock.host),
      "started": .string(ISO8601DateFormatter().string(from: Date())),
    ]
    do {
      try FileSystem.overwrite(Array("\(owner)\n".utf8), of: file, at: path)
    } catch {
      release()
      throw error
    }
  }

  /// Takes the file away, and so the lock; the second time nothing.
  func release() {
    guard !isReleased.exchange(true, ordering: .relaxed) else { return }
    unlink(path)
    close(file)
  }

  /// Fails if a training writes into the folder.
  static func check(_ folder: RunFolder) throws(Failure) {
    guard FileSystem.exists(folder.lock) else { return }
    close(try open(folder.lock, 0, in: folder).file)
  }

  /// The name of this machine.
  private static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()

  private static func open(
    _ path: String, _ creating: Int32, in folder: RunFolder
  ) throws(Failure) -> (file: Int32, left: String?) {
    while true {
      let file = Foundation.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | creating, 0o644)
      guard file >= 0 else { throw FileSystem.cannotWrite(path) }
      let problem = flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
      let owner = (try? FileSystem.readText(path)).flatMap(Owner.init)
      // Where a file system has no locks, a process of this host tells by its number.
      if problem == EWOULDBLOCK || problem != 0 && owner?.isAlive ?? false {
        close(file)
        throw Failure(
          .cannotWrite, at: folder.path,
          "another training writes here" + (owner.map { " (\($0.description))" } ?? ""),
          expected: "a folder of one training at a time",
          remedy: "wait for it or stop it, or choose another --out")
      }
      // Whoever had it may have taken the file away in the meantime.
      var (mine, there) = (stat(), stat())
      if fstat(file, &mine) == 0, stat(path, &there) == 0, mine.st_ino == there.st_ino {
        return (file, owner?.description)
      }
      close(file)
    }
  }

  /// Who says that a folder is its own.
  private struct Owner: CustomStringConvertible {
    let pid: Int32
    let host, started: String

    init?(_ text: String) {
      guard let value = try? JSONValue(json5: text, at: "lock"),
        case .number(let number)? = value["pid"], let pid = Int32(exactly: number),
        case .string(let host)? = value["host"], case .string(let started)? = value["started"]
      else { return nil }
      (self.pid, self.host, self.started) = (pid, host, started)
    }

    var isAlive: Bool {
      host == RunLock.host && pid > 0 && pid != getpid()
        && (kill(pid, 0) == 0 || errno == EPERM)
    }

    var description: String { "process \(pid) on \(host), since \(started)" }
  }
}
