import Foundation
import Settings

extension FileSystem {
  /// Every file below a folder, by its path within the folder, in the order of the paths' bytes.
  ///
  /// Links to files and folders are followed. A link back to a folder that it lies in is passed
  /// over, and so is what begins with a dot.
  ///
  /// - Parameter isSkipped: names of files and folders that are passed over.
  /// - Throws: for names that are not UTF-8, links that lead to one folder again and again, and
  ///   folders that cannot be listed.
  public static func files(
    below folder: String, isSkipped: (_ name: String) -> Bool = { $0.hasPrefix(".") }
  ) throws(Failure) -> [String] {
    var walk = FolderWalk(root: folder)
    try walk.visit("", isSkipped)
    return walk.files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

private struct FolderWalk {
  /// A folder, whatever its path is.
  private struct Identity: Hashable {
    let device, number: UInt64
  }

  let root: String
  private(set) var files: [String] = []
  private var above: [Identity] = []
  private var visits: [Identity: Int] = [:]
  /// How often links may lead to one folder: some links are meant, and a web of them has no end.
  private let mostVisits = 16

  init(root: String) { self.root = root }

  mutating func visit(_ path: String, _ isSkipped: (String) -> Bool) throws(Failure) {
    let place = path.isEmpty ? root : root + "/" + path
    var status = stat()
    guard stat(place, &status) == 0 else {
      throw Failure(.noInput, at: place, "there is no such folder")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(.noInput, at: place, "this is a file", expected: "a folder")
    }
    let identity = Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    guard !above.contains(identity) else { return }
    visits[identity, default: 0] += 1
    guard visits[identity, default: 0] <= mostVisits else {
      throw Failure(
        .badData, at: place, "links lead to this folder more than \(mostVisits) times",
        remedy: "take away links that are not needed")
    }
    above.append(identity)
    defer { above.removeLast() }
    for (name, kind) in try entries(of: place) where !isSkipped(name) {
      let inner = path.isEmpty ? name : path + "/" + name
      switch kind {
      case S_IFDIR: try visit(inner, isSkipped)
      default: files.append(inner)
      }
    }
  }

  /// What lies in a folder, with the kind that links lead to.
  private func entries(of folder: String) throws(Failure) -> [(name: String, kind: mode_t)] {
    guard let stream = opendir(folder) else { throw FileSystem.cannotRead(folder) }
    defer { closedir(stream) }
    var found: [(String, mode_t)] = []
    while let entry = readdir(stream) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      guard bytes != Array(".".utf8), bytes != Array("..".utf8) else { continue }
      guard let name = String(validating: bytes, as: UTF8.self) else {
        let shown = bytes.map { (0x20..<0x7F).contains($0) ? String(UnicodeScalar($0)) : hex($0) }
        throw Failure(
          .badData, at: "\(folder)/\(shown.joined())", "the name is not UTF-8",
          expected: "names in UTF-8",
          remedy: "rename it, as with convmv -f latin1 -t utf8 --notest -r")
      }
      var status = stat()
      let isThere = stat(folder + "/" + name, &status) == 0
      found.append((name, isThere ? status.st_mode & S_IFMT : 0))
    }
    return found.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
  }

  private func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<" + (digits.count == 1 ? "0" : "") + digits + ">"
  }
}
