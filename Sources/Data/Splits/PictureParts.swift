import Settings

/// The classes of pictures in folders, and the parts to train and to judge on, if the folders are
/// named so.
///
/// A class is what lies between the part and the picture: `train/a/1.png` and `val/a/2.png` are two
/// pictures of the class `a`, in two parts. Parts are told by folders that are called `train`, `val`,
/// `test` or the like and hold class folders, where no other folder lies beside them; with the same
/// classes inside, by names such as `train2` and `cars_test` too. Folders called `query` and `gallery`
/// are the two sides of one search, which no training takes.
struct PictureParts {
  enum Part: CaseIterable { case train, validation, test }

  /// The class of each picture.
  let classes: [String]
  /// The part of each picture, if there are parts.
  let parts: [Part]?

  private static let names: [String: Part] = [
    "train": .train, "training": .train, "train_set": .train, "trainset": .train,
    "bounding_box_train": .train,
    "val": .validation, "valid": .validation, "validation": .validation, "dev": .validation,
    "test": .test, "testing": .test, "test_set": .test, "testset": .test, "eval": .test,
    "evaluation": .test,
  ]
  private static let sides: Set<String> = [
    "query", "queries", "probe", "gallery", "bounding_box_test", "multi-query", "multi_query",
  ]

  /// The part that a folder is called by.
  private static func part(_ name: String) -> Part? { names[name.lowercased()] }
  private static func isSide(_ name: String) -> Bool { sides.contains(name.lowercased()) }

  /// The part that one of the words of a name tells, as in `train2`, `cars_test` and `val_images`.
  private static func loosePart(_ name: String) -> Part? {
    let words = name.lowercased().split { !$0.isLetter }
    let found = Set(words.compactMap { names[String($0)] })
    return found.count == 1 ? found.first : nil
  }

  /// - Parameters:
  ///   - names: paths of pictures within the folder.
  ///   - isPart: whether the folder as a whole is a part: a folder within that is called like one,
  ///     and that all pictures lie in, is then no class.
  init(_ names: [String], isPart: Bool = false, at place: String) throws(Failure) {
    let folders = names.map { $0.split(separator: "/").dropLast().map(String.init) }
    // Parts may lie below folders that all pictures share.
    let depth = PictureParts.sharedDepth(folders)
    let children = Set(folders.map { $0.count > depth ? $0[depth] : "" }).sorted()
    var inside: [String: Set<String>] = [:]
    for path in folders where path.count > depth + 1 {
      inside[path[depth], default: []].insert(path[depth + 1])
    }
    let found = try PictureParts.found(children, inside, at: place)
    guard let found else {
      // What all lie in is part of the classes' names, unless it only says which part this is.
      let shared = folders.first?.prefix(depth) ?? []
      let kept = shared.filter {
        !isPart || PictureParts.part($0) == nil && !PictureParts.isSide($0)
      }
      classes = folders.map {
        $0.isEmpty ? "." : (kept + $0.dropFirst(depth)).joined(separator: "/")
      }
      parts = nil
      return
    }
    let listed = children.joined(separator: ", ")
    guard folders.allSatisfy({ $0.count > depth + 1 }) else {
      throw PictureParts.withoutClasses(children, at: place)
    }
    guard found.values.contains(.train) else {
      throw Failure(
        .badData, at: place, "there are \(listed) and no part to train on", expected: "train",
        remedy: "name the parts by path and testPath")
    }
    classes = folders.map { $0.dropFirst(depth + 1).joined(separator: "/") }
    parts = folders.map { found[$0[depth]] ?? .train }
  }

  private static func withoutClasses(_ folders: [String], at place: String) -> Failure {
    Failure(
      .badData, at: place,
      "pictures lie in \(folders.joined(separator: ", ")) without class folders",
      expected: "a folder for each class in each part, such as train/CLASS/1.png",
      remedy: "sort them into class folders")
  }

  /// The part of each folder; nil if the folders are classes.
  ///
  /// - Parameter inside: the folders within each.
  private static func found(
    _ children: [String], _ inside: [String: Set<String>], at place: String
  ) throws(Failure) -> [String: Part]? {
    /// Classes may well be called train and test beside others, but not with the same inside.
    func haveTheSame(_ folders: [String]) -> Bool {
      folders.indices.contains { i in
        folders[..<i].contains { !(inside[$0] ?? []).isDisjoint(with: inside[folders[i]] ?? []) }
      }
    }
    func all(_ part: (String) -> Part?) -> [String: Part]? {
      let parts = children.compactMap { name in part(name).map { (name, $0) } }
      guard parts.count == children.count, Set(parts.map(\.1)).count > 1 else { return nil }
      return Dictionary(uniqueKeysWithValues: parts)
    }
    if let exact = all(part) { return exact }
    let sides = children.filter(isSide)
    let known = children.filter { part($0) != nil }
    if sides.count == 1, let one = all({ isSide($0) ? .test : part($0) }),
      one.values.contains(.train),
      !inside.isEmpty, known.allSatisfy({ part($0) != .test })
    {
      return one
    }
    if !sides.isEmpty, inside.isEmpty, children.count > 1,
      sides.count + known.count == children.count
    {
      throw withoutClasses(children, at: place)
    }
    if !sides.isEmpty, haveTheSame(sides + known) {
      throw Failure(
        .badData, at: place,
        "\((sides + known).sorted().joined(separator: ", ")) have classes in common: queries and what "
          + "is searched are no classes to train on",
        expected: "parts such as train and test",
        remedy: "train on path: \"\(place)/train\" with testPath, and judge both sides by kindred "
          + "embed and kindred evaluate --gallery")
    }
    if let other = children.first(where: { part($0) == nil }),
      Set(known.compactMap(part)).count > 1,
      haveTheSame(known) || known.allSatisfy({ inside[$0] != nil })
    {
      throw Failure(
        .badData, at: place,
        "\(known.joined(separator: ", ")) are parts, and '\(other.isEmpty ? "." : other)' is none",
        expected: "parts alone, or classes alone",
        remedy: "move it elsewhere, or name the parts by path and testPath")
    }
    return haveTheSame(children) ? all(loosePart) : nil
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
