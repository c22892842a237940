import Foundation
import Settings

/// A file as memory: pages are read when they are first looked at, and shared between processes.
///
/// Files of ours are replaced by renaming, so a mapped one does not change. A foreign program that
/// shortens it in place makes the next look at what is gone a SIGBUS, which `kindred` turns into an
/// error and an exit status.
public final class MappedFile: @unchecked Sendable {
  // A class because the mapping must end with its last user; unchecked because nobody writes to it.
  public let bytes: UnsafeRawBufferPointer

  public init(_ path: String) throws(Failure) {
    let (file, status) = try FileSystem.opened(path, needsFile: true)
    defer { close(file) }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, file, 0), base != MAP_FAILED else {
      throw FileSystem.cannotRead(path)
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  deinit {
    if let base = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
    }
  }
}
