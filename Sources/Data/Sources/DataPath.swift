import Files
import Foundation
import Settings

/// A path of a recipe, as on the command line: from where one stands.
///
/// What is not there but below the data folder, where earlier recipes looked, is taken from there.
/// - Parameter root: the data folder.
/// - Throws: a ``Failure`` that names both places if nothing lies in either.
func resolved(_ path: String, below root: String) throws(Failure) -> String {
  if let found = located(path, below: root) { return found }
  guard !path.hasPrefix("/") else {
    throw Failure(.noInput, at: path, "there is no such file or folder")
  }
  throw Failure(
    .noInput, at: root + "/" + path,
    "there is no such file or folder, nor \(path) in \(FileManager.default.currentDirectoryPath)",
    expected: "a path from where you stand, or below KINDRED_DATA",
    remedy: "mend the path, or set KINDRED_DATA to the folder that holds \(path)")
}

/// The same for an array of a file, `FILE#NAME`: the place of the file, and the name.
func resolvedArray(_ path: String, below root: String) throws(Failure) -> String {
  guard located(path, below: root) == nil, let mark = path.lastIndex(of: "#") else {
    return try resolved(path, below: root)
  }
  return try resolved(String(path[..<mark]), below: root) + path[mark...]
}

/// Fails if two parts are one file: what is judged on would be what was learned from.
///
/// - Parameter settings: what the two are called in a recipe.
func checkAreTwoFiles(
  _ first: String, _ second: String, _ settings: (String, String), at place: String
) throws(Failure) {
  let isSame = FileSystem.realPath(first).map { $0 == FileSystem.realPath(second) }
  guard first == second || isSame == true else { return }
  throw Failure(
    .badData, at: place, "\(settings.0) and \(settings.1) are one file",
    expected: "others to judge on", remedy: "leave \(settings.1) out to hold some of them out")
}

/// Where a path of a recipe lies: from where one stands, else below the data folder; nil for nowhere.
func located(_ path: String, below root: String) -> String? {
  if FileSystem.exists(path) { return path }
  let below = root + "/" + path
  return !path.hasPrefix("/") && !path.isEmpty && FileSystem.exists(below) ? below : nil
}
