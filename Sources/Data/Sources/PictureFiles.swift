import Autodiff
import Files
import Foundation
import Settings

/// The pictures below a folder, sorted by the bytes of their paths.
public func picturePaths(below folder: String) throws(Failure) -> [String] {
  guard FileSystem.isFolder(folder) else {
    throw Failure(.noInput, at: folder, "there is no such folder")
  }
  let known = Set(imageFileExtensions + ["jpg", "jpeg"])
  var paths: [String] = []
  guard let walk = FileManager.default.enumerator(atPath: folder) else {
    throw Failure(.cannotRead, at: folder, "the folder cannot be listed")
  }
  for case let name as String in walk {
    let parts = name.split(separator: "/")
    guard !parts.contains(where: { $0.hasPrefix(".") || $0 == "__MACOSX" }) else { continue }
    if known.contains((name as NSString).pathExtension.lowercased()) { paths.append(name) }
  }
  guard !paths.isEmpty else {
    throw Failure(
      .badData, at: folder, "there are no pictures in the folder",
      expected: "files that end in " + imageFileExtensions.map { ".\($0)" }.joined(separator: ", "))
  }
  return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Reads pictures with several threads and makes an item of each.
///
/// - Returns: the items one after another; the first failure, by path, if any cannot be read.
public func readPictures(
  _ paths: [String], width: Int,
  _ item: @escaping @Sendable (Image, String) throws(Failure) -> [Float]
) throws(Failure) -> [Float] {
  let grain = 32
  var failures = [Failure?](repeating: nil, count: (paths.count + grain - 1) / grain)
  let values = [Float](unsafeUninitializedCapacity: paths.count * width) { values, initialized in
    failures.withUnsafeMutableBufferPointer { failures in
      Parallel.forEachRange(paths.count, grain: grain) { range in
        for i in range where failures[range.lowerBound / grain] == nil {
          do throws(Failure) {
            let found = try item(try readImage(paths[i]), paths[i])
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
