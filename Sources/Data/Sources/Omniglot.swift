import Files
import Settings

/// The two five-alphabet background sets of Omniglot: trained on the first, judged on the
/// characters of those alphabets of the second that the first lacks.
public struct Omniglot: DataSource {
  public var path = "omniglot"
  public var size = 28
  public var rotations = true

  public init() {}

  public static let summary =
    "Omniglot: train on small1 (136 characters), judge on the alphabets of small2 that it lacks"
  public static let source =
    "Lake, Salakhutdinov and Tenenbaum, Human-level concept learning through probabilistic "
    + "program induction, Science 2015, MIT licence"
  public static let settings = [
    Setting("path", \Self.path, "the folder; below the data folder unless it begins with . or /"),
    Setting("size", \Self.size, "the width and height that pictures are brought to", in: 8...105),
    Setting(
      "rotations", \Self.rotations,
      "whether training characters turned by 90°, 180° and 270° are classes of their own"),
  ]

  public func load(root: String) throws(Failure) -> DataSplit {
    let folder = located(path, below: root) ?? root + "/" + path
    let (first, second) = (
      folder + "/images_background_small1", folder + "/images_background_small2"
    )
    for part in [first, second] where !FileSystem.isFolder(part) {
      throw Failure(
        .noInput, at: part, "Omniglot is not here",
        remedy: "unpack images_background_small1.zip and images_background_small2.zip of "
          + "brendenlake/omniglot (folder python) into \(folder), or set KINDRED_DATA")
    }
    let seen = Set(try FileSystem.list(first))
    let upright = try read(first, name: "omniglot small1") { _ in true }
    return DataSplit(
      train: rotations ? upright.withRotations() : upright,
      test: try read(second, name: "omniglot small2, unseen alphabets") { !seen.contains($0) })
  }

  public var tone: PictureTone { .inkIsOne }

  public func isMade(className: String) -> Bool {
    rotations && Dataset.isTurned(className: className)
  }

  /// Reads ALPHABET/CHARACTER/*.png of the alphabets that are wanted.
  private func read(
    _ folder: String, name: String, wanted: (String) -> Bool
  ) throws(Failure) -> Dataset {
    var classNames: [String] = []
    var (paths, labels): ([String], [Int]) = ([], [])
    for path in try picturePaths(below: folder) {
      let parts = path.split(separator: "/").map(String.init)
      guard parts.count == 3 else {
        throw Failure(
          .badData, at: folder + "/" + path, "the drawing lies elsewhere than expected",
          expected: "ALPHABET/CHARACTER/DRAWING.png")
      }
      guard wanted(parts[0]) else { continue }
      let className = parts[0] + "/" + parts[1]
      if classNames.last != className { classNames.append(className) }
      labels.append(classNames.count - 1)
      paths.append(folder + "/" + path)
    }
    guard !paths.isEmpty else {
      throw Failure(.badData, at: folder, "no alphabet is left to read")
    }
    let shape = [size, size, 1]
    let values = try readPictures(paths, width: size * size) { image, place throws(Failure) in
      // The drawings are black on white, so ink is 1 after this.
      try image.item(shape: shape, at: place).inverted().values
    }
    return Dataset(
      name: name, itemShape: shape, values: values, labels: labels, classNames: classNames,
      itemNames: paths)
  }
}
