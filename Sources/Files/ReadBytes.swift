import Foundation
import Settings

extension FileSystem {
  /// The bytes of a file, or of a pipe to its end.
  ///
  /// A pipe, such as `/dev/stdin` or `<(command)`, may give as much as the budget of memory; one that
  /// nobody writes to is refused after ten seconds. Folders, devices and terminals are refused.
  public static func read(_ path: String) throws(Failure) -> [UInt8] {
    let (file, status) = try opened(path)
    defer { close(file) }
    guard status.st_mode & S_IFMT == S_IFREG else { return try readPipe(file, path) }
    let size = Int(status.st_size)
    try MemoryBudget.check([size], for: "the file", at: path)
    var problem: Failure?
    var bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let more = Foundation.read(file, buffer.baseAddress?.advanced(by: count), size - count)
        if more < 0, errno == EINTR { continue }
        if more < 0 { problem = cannotRead(path) }
        guard more > 0 else { return }
        count += more
      }
    }
    if let problem { throw problem }
    // Files of /proc and the like do not say how long they are.
    if size == 0 { bytes = try readPipe(file, path) }
    return bytes
  }

  /// The first bytes of a file; none of a pipe.
  public static func read(_ path: String, upTo count: Int) throws(Failure) -> [UInt8] {
    let (file, _) = try opened(path, needsFile: true)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let found = Foundation.read(file, &bytes, count)
    guard found >= 0 else { throw cannotRead(path) }
    return Array(bytes[..<found])
  }

  /// Opens a file or a pipe for reading, without waiting for anybody.
  ///
  /// - Parameter needsFile: whether a pipe is refused, since it must be read more than once.
  static func opened(
    _ path: String, needsFile: Bool = false
  ) throws(Failure) -> (file: Int32, status: stat) {
    guard !path.utf8.contains(0) else {
      throw Failure(.noInput, at: path, "there is no such file")
    }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR {
        throw Failure(.noInput, at: path, "there is no such file")
      }
      throw cannotRead(path)
    }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      defer { close(file) }
      throw cannotRead(path)
    }
    var refused: Failure?
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: refused = Failure(.noInput, at: path, "this is a folder", expected: "a file")
    case S_IFIFO where !needsFile, S_IFSOCK where !needsFile: break
    case S_IFIFO, S_IFSOCK:
      refused = Failure(
        .noInput, at: path, "this is a pipe", expected: "a file",
        remedy: "write what it gives to a file first")
    default:
      let kind = isatty(file) != 0 ? "a terminal" : "a device"
      refused = Failure(.noInput, at: path, "this is \(kind)", expected: "a file or a pipe")
    }
    if let refused {
      close(file)
      throw refused
    }
    return (file, status)
  }

  private static func readPipe(_ file: Int32, _ path: String) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var hasWriter = false
    let most = MemoryBudget.current.bytes
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var event = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      let ready = poll(&event, 1, hasWriter ? -1 : 10_000)
      if ready < 0, errno == EINTR { continue }
      let count = Foundation.read(file, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        // There is a writer who takes time.
        hasWriter = true
        continue
      }
      guard ready > 0 || count > 0 else {
        throw Failure(
          .noInput, at: path, "nobody writes to this pipe", expected: "a file, or a pipe with data")
      }
      guard count >= 0 else { throw cannotRead(path) }
      guard count > 0 else { return bytes }
      hasWriter = true
      try MemoryBudget.check([bytes.count + count], for: "what the pipe gives", at: path)
      if bytes.count + count > bytes.capacity {
        bytes.reserveCapacity(min(most, max(1 << 16, 2 * (bytes.count + count))))
      }
      bytes += piece[..<count]
    }
  }

  static func cannotRead(_ path: String) -> Failure {
    Failure(.cannotRead, at: path, "cannot be read (\(String(cString: strerror(errno))))")
  }
}
