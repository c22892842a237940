import Autodiff
import Files
import Settings

/// The pictures below a folder, sorted by the bytes of their paths; links are followed.
///
/// A picture is known by the ending of its name, or by its first bytes where that tells nothing.
/// - Throws: for pictures of formats that are not read and links that lead to nothing, rather than
///   pass over them.
public func picturePaths(below folder: String) throws(Failure) -> [String] {
  guard FileSystem.isFolder(folder) else {
    throw Failure(.noInput, at: folder, "there is no such folder")
  }
  var (paths, unread): ([String], [(path: String, format: String)]) = ([], [])
  let names = try FileSystem.files(below: folder) { $0.hasPrefix(".") || $0 == "__MACOSX" }
  for name in names {
    var ending = PictureFormats.ending(ofName: name)
    if !PictureFormats.read.contains(ending), PictureFormats.unread[ending] == nil {
      guard FileSystem.exists(folder + "/" + name) else {
        throw Failure(
          .noInput, at: folder + "/" + name, "this link leads to nothing",
          remedy: "mend it, or take it away")
      }
      let start = try? FileSystem.read(folder + "/" + name, upTo: 16)
      ending = start.flatMap(PictureFormats.ending(of:)) ?? ""
    }
    if PictureFormats.read.contains(ending) {
      paths.append(name)
    } else if let format = PictureFormats.unread[ending] {
      unread.append((name, format))
    }
  }
  if let first = unread.first {
    let many = unread.count { $0.format == first.format }
    throw Failure(
      .badData, at: folder + "/" + first.path,
      "\(first.format) pictures are not read"
        + (many > 1 ? ", and there are \(many) of them in the folder" : ""),
      expected: "files that end in " + PictureFormats.read.map { ".\($0)" }.joined(separator: ", "),
      remedy: "convert it to PNG, or take it out of the folder")
  }
  guard !paths.isEmpty else {
    throw Failure(
      .badData, at: folder, "there are no pictures in the folder",
      expected: "files that end in " + PictureFormats.read.map { ".\($0)" }.joined(separator: ", "))
  }
  return paths
}

/// Folders beside those of pictures in which no picture lies, so that they are no classes.
///
/// - Parameter paths: as ``picturePaths(below:)`` gives them.
func foldersWithoutPictures(_ paths: [String], below folder: String) throws(Failure) -> [String] {
  var known: Set<String> = []
  var parents: Set<String> = []
  for path in paths {
    var above = path.split(separator: "/").dropLast()
    if !above.isEmpty { parents.insert(above.dropLast().joined(separator: "/")) }
    while !above.isEmpty, known.insert(above.joined(separator: "/")).inserted { above.removeLast() }
  }
  var found: [String] = []
  for parent in parents.sorted() {
    let place = parent.isEmpty ? folder : folder + "/" + parent
    for name in try FileSystem.list(place) where !name.hasPrefix(".") && name != "__MACOSX" {
      let path = parent.isEmpty ? name : parent + "/" + name
      if !known.contains(path), FileSystem.isFolder(folder + "/" + path) { found.append(path) }
    }
  }
  return found
}

/// Reads pictures with several threads and makes an item of each.
///
/// - Returns: the items one after another; the first failure, by path, if any cannot be read.
public func readPictures(
  _ paths: [String], width: Int, reading: PictureReading = PictureReading(),
  _ item: @escaping @Sendable (Image, String) throws(Failure) -> [Float]
) throws(Failure) -> [Float] {
  let grain = 32
  var failures = [Failure?](repeating: nil, count: (paths.count + grain - 1) / grain)
  let values = [Float](unsafeUninitializedCapacity: paths.count * width) { values, initialized in
    failures.withUnsafeMutableBufferPointer { failures in
      Parallel.forEachRange(paths.count, grain: grain) { range in
        for i in range where failures[range.lowerBound / grain] == nil {
          do throws(Failure) {
            let found = try item(try readImage(paths[i], reading: reading), paths[i])
            guard found.count == width else {
              throw Failure(
                .badData, at: paths[i], "the picture makes \(found.count) numbers",
                expected: "\(width), as the others do")
            }
            _ = UnsafeMutableBufferPointer(rebasing: values[i * width..<(i + 1) * width])
              .update(fromContentsOf: found)
          } catch {
            failures[range.lowerBound / grain] = error
          }
        }
      }
    }
    if failures.contains(where: { $0 != nil }) { values.update(repeating: 0) }
    initialized = paths.count * width
  }
  if let failure = failures.compactMap({ $0 }).first { throw failure }
  return values
}
