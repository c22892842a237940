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
  public var classRules = ClassRules()

  public init() {}

  public static let summary = "pictures (PNG, PGM, PPM) in folders, a class for each leaf folder"
  public static let settings: [Setting<Self>] =
    [
      Setting("path", \Self.path, "the folder; below the data folder unless it begins with . or /"),
      Setting(
        "testPath", \Self.testPath, "a second folder to judge on; empty: classes of the first"),
      Setting(
        "size", \Self.size, "the width and height that pictures are brought to", in: 1...4096),
      Setting("colour", \Self.colour, "whether items have one channel or three"),
      Setting("invert", \Self.invert, "whether dark becomes 1 and light 0"),
    ] + classSettings

  public func load(root: String) throws(Failure) -> DataSplit {
    guard !path.isEmpty else {
      throw Failure(
        .badData, at: "data: folder", "'path' is missing", expected: "a folder of class folders")
    }
    let first = try read(resolved(path, below: root))
    guard !testPath.isEmpty else {
      return try classRules.split(first, at: "data: folder")
    }
    return DataSplit(train: first, test: try read(resolved(testPath, below: root)))
  }

  public var tone: PictureTone { invert ? .inverted : .asIs }

  private func read(_ folder: String) throws(Failure) -> Dataset {
    let names = try picturePaths(below: folder)
    var classNames: [String] = []
    var places: [String: Int] = [:]
    var labels: [Int] = []
    for name in names {
      let parts = name.split(separator: "/").dropLast()
      let className = parts.isEmpty ? "." : parts.joined(separator: "/")
      if places[className] == nil {
        places[className] = classNames.count
        classNames.append(className)
      }
      labels.append(places[className] ?? 0)
    }
    let shape = [size, size, colour == .gray ? 1 : 3]
    let paths = names.map { folder + "/" + $0 }
    let values = try readPictures(paths, width: shape.reduce(1, *)) {
      image, place throws(Failure) in
      try item(from: image, shape: shape, at: place)
    }
    let data = Dataset(
      name: folder, itemShape: shape, values: values, labels: labels, classNames: classNames,
      itemNames: paths)
    return try classRules.withoutSmallClasses(data, at: folder)
  }
}

/// A path as a recipe means it: below the data folder unless it begins with / or a dot.
func resolved(_ path: String, below root: String) -> String {
  path.hasPrefix("/") || path.hasPrefix(".") ? path : root + "/" + path
}
