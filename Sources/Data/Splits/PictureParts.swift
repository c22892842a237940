import Settings

/// The classes of pictures in folders, and the parts to train and to judge on, if the folders are
/// named so.
///
/// A class is what lies between the part and the picture: `train/a/1.png` and `val/a/2.png` are two
/// pictures of the class `a`, in two parts. Parts are told by folders that are called `train`, `val`,
/// `test` or the like and hold class folders, where no other folder lies beside them.
struct PictureParts {
  enum Part: CaseIterable { case train, validation, test }

  /// The class of each picture.
  let classes: [String]
  /// The part of each picture, if there are parts.
  let parts: [Part]?

  private static let names: [String: Part] = [
    "train": .train, "training": .train, "train_set": .train, "trainset": .train,
    "val": .validation, "valid": .validation, "validation": .validation, "dev": .validation,
    "test": .test, "testing": .test, "test_set": .test, "testset": .test, "eval": .test,
    "evaluation": .test,
  ]

  /// - Parameter names: paths of pictures within the folder.
  init(_ names: [String], at place: String) throws(Failure) {
    let folders = names.map { $0.split(separator: "/").dropLast().map(String.init) }
    // Parts may lie below folders that all pictures share.
    let depth = PictureParts.sharedDepth(folders)
    let children = Set(folders.map { $0.count > depth ? $0[depth] : "" })
    let known = children.filter { PictureParts.names[$0.lowercased()] != nil }
    let haveClasses = folders.contains { $0.count > depth + 1 }
    let parts = Set(known.compactMap { PictureParts.names[$0.lowercased()] })
    guard parts.count > 1, haveClasses || known.count == children.count else {
      classes = folders.map { $0.isEmpty ? "." : $0.joined(separator: "/") }
      self.parts = nil
      return
    }
    let listed = known.sorted().joined(separator: ", ")
    if let other = children.subtracting(known).sorted().first {
      let inParts = { (part: String) in
        Set(folders.filter { $0.count > depth + 1 && $0[depth] == part }.map { $0[depth + 1] })
      }
      let found = known.sorted().map(inParts)
      // Classes may well be called train and test beside others, but not with the same inside.
      guard found.dropFirst().contains(where: { !$0.isDisjoint(with: found[0]) }) else {
        classes = folders.map { $0.isEmpty ? "." : $0.joined(separator: "/") }
        self.parts = nil
        return
      }
      throw Failure(
        .badData, at: place,
        "\(listed) are parts with the same classes, and '\(other.isEmpty ? "." : other)' is none",
        expected: "parts alone, or classes alone",
        remedy: "move it elsewhere, or name the parts by path and testPath")
    }
    guard folders.allSatisfy({ $0.count > depth + 1 }) else {
      throw Failure(
        .badData, at: place, "pictures lie in \(listed) without class folders",
        expected: "a folder for each class in each part, such as train/CLASS/1.png",
        remedy: "sort them into class folders")
    }
    classes = folders.map { $0.dropFirst(depth + 1).joined(separator: "/") }
    self.parts = folders.map { PictureParts.names[$0[depth].lowercased()] ?? .train }
    guard parts.contains(.train) else {
      throw Failure(
        .badData, at: place, "there are \(listed) and no part to train on", expected: "train",
        remedy: "name the parts by path and testPath")
    }
  }

  /// How many folders all paths begin with; a folder that holds pictures itself is not counted.
  private static func sharedDepth(_ folders: [[String]]) -> Int {
    guard let first = folders.first else { return 0 }
    var depth = 0
    while depth < first.count, folders.allSatisfy({ $0.count > depth && $0[depth] == first[depth] })
    {
      // A folder such as train that all lie in names no parts.
      depth += 1
    }
    return depth == first.count ? max(0, depth - 1) : depth
  }
}

/// The class of each picture of a folder, by the folders that it lies in; nil if some lie in none.
///
/// - Parameter names: as ``picturePaths(below:)`` gives them.
public func pictureClasses(_ names: [String], at place: String) -> [String]? {
  guard names.allSatisfy({ $0.contains("/") }), let parts = try? PictureParts(names, at: place)
  else { return nil }
  return parts.classes
}
