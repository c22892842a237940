import Files
import Settings

/// Pictures in folders, a class for each leaf folder.
public struct PictureFolder: ClassRuled {
  /// How many channels an item has.
  public enum Colour: String, CaseIterable, Sendable { case gray, rgb }

  public var path = ""
  public var testPath = ""
  public var size = 28
  public var colour = Colour.gray
  public var invert = false
  public var upright = true
  public var ground = 1.0
  public var classRules = ClassRules()

  public init() {}

  public static let summary = "pictures in folders, a class for each leaf folder"
  public static let settings: [Setting<Self>] =
    [
      Setting("path", \Self.path, "the folder, from where you stand"),
      Setting(
        "testPath", \Self.testPath, "a second folder to judge on; empty: classes of the first"),
      Setting(
        "size", \Self.size, "the width and height that pictures are brought to", in: 1...4096),
      Setting("colour", \Self.colour, "whether items have one channel or three"),
      Setting("invert", \Self.invert, "whether dark becomes 1 and light 0"),
      Setting("upright", \Self.upright, "whether pictures are turned as their EXIF data say"),
      Setting(
        "ground", \Self.ground, "the light behind transparent pixels, 0 for black, 1 for white",
        in: 0...1),
    ] + classSettings

  public func load(root: String) throws(Failure) -> DataSplit {
    guard !path.isEmpty else {
      throw Failure(
        .badData, at: "data: folder", "'path' is missing", expected: "a folder of class folders")
    }
    let folder = try resolved(path, below: root)
    let first = try read(folder, isPart: !testPath.isEmpty)
    guard !testPath.isEmpty else {
      guard let test = first.test ?? first.validation else {
        var split = try classRules.split(first.train, at: "data: folder")
        split.notes = first.notes
        return split
      }
      guard classRules.testClasses.isEmpty else {
        throw Failure(
          .badData, at: "data: folder",
          "the folder has parts to train and to judge on, and testClasses name classes to judge on",
          expected: "one of them", remedy: "leave testClasses out, or give the part as path")
      }
      return DataSplit(
        train: first.train, test: test, validation: first.test == nil ? nil : first.validation,
        notes: ["the folders of \(folder) name the parts to train and to judge on"] + first.notes)
    }
    try classRules.checkNamesNone(beside: "testPath", at: "data: folder")
    let other = try resolved(testPath, below: root)
    try checkParts(folder, other)
    let second = try read(other, isPart: true)
    guard first.test == nil, first.validation == nil, second.test == nil, second.validation == nil
    else {
      throw Failure(
        .badData, at: "data: folder",
        "\(first.test ?? first.validation == nil ? other : folder) has parts of its own beside testPath",
        expected: "a part each", remedy: "give the part, as in \(folder)/train")
    }
    return DataSplit(train: first.train, test: second.train, notes: first.notes + second.notes)
  }

  /// Refuses two parts of which one holds the other: it would be judged on what was trained on.
  private func checkParts(_ first: String, _ second: String) throws(Failure) {
    guard let a = FileSystem.realPath(first), let b = FileSystem.realPath(second) else { return }
    guard a != b, !(a + "/").hasPrefix(b + "/"), !(b + "/").hasPrefix(a + "/") else {
      throw Failure(
        .badData, at: "data: folder",
        a == b ? "path and testPath are one folder" : "one of path and testPath holds the other",
        expected: "two folders apart", remedy: "judge on other pictures, or leave testPath out")
    }
  }

  public var tone: PictureTone { invert ? .inverted : .asIs }
  public var reading: PictureReading {
    PictureReading(isUpright: upright, ground: Float(ground))
  }

  /// The pictures of a folder, by their parts; all are in the first if there are no parts.
  private func read(
    _ folder: String, isPart: Bool
  ) throws(Failure) -> (train: Dataset, validation: Dataset?, test: Dataset?, notes: [String]) {
    let names = try picturePaths(below: folder)
    let sorted = try PictureParts(names, isPart: isPart, at: folder)
    func part(_ part: PictureParts.Part) throws(Failure) -> Dataset? {
      let items = names.indices.filter { sorted.parts?[$0] ?? .train == part }
      guard !items.isEmpty else { return nil }
      return try read(
        items.map { folder + "/" + names[$0] }, classes: items.map { sorted.classes[$0] },
        name: sorted.parts == nil ? folder : "\(folder) (\(part))")
    }
    guard let train = try part(.train) else {
      throw Failure(.badData, at: folder, "there is nothing to train on")
    }
    let empty = try foldersWithoutPictures(names, below: folder)
    let listed = empty.prefix(3).joined(separator: ", ") + (empty.count > 3 ? ", …" : "")
    let note = "no pictures lie in \(listed) of \(folder) (\(empty.count)), which is no class"
    return (train, try part(.validation), try part(.test), empty.isEmpty ? [] : [note])
  }

  private func read(
    _ paths: [String], classes: [String], name: String
  ) throws(Failure) -> Dataset {
    var classNames: [String] = []
    var places: [String: Int] = [:]
    var labels: [Int] = []
    for className in classes {
      if places[className] == nil {
        places[className] = classNames.count
        classNames.append(className)
      }
      labels.append(places[className] ?? 0)
    }
    let shape = [size, size, colour == .gray ? 1 : 3]
    try MemoryBudget.check([paths.count] + shape, bytesEach: 4, for: "the pictures", at: name)
    let values = try readPictures(paths, width: shape.reduce(1, *), reading: reading) {
      image, place throws(Failure) in
      try item(from: image, shape: shape, at: place)
    }
    let data = Dataset(
      name: name, itemShape: shape, values: values, labels: labels, classNames: classNames,
      itemNames: paths)
    return try classRules.withoutSmallClasses(data, at: name)
  }
}
