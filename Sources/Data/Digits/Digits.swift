import Settings

/// The 1,797 handwritten 8×8 digits of the UCI optical recognition set, compiled in.
public struct Digits: DataSource {
  public var trainClasses = [0, 1, 2, 3, 4]
  public var testClasses = [5, 6, 7, 8, 9]
  public var rotations = false

  public init() {}

  public static let summary = "1,797 handwritten 8×8 digits, compiled in; ink = 1"
  public static let source =
    "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning "
    + "Repository, 1998, CC BY 4.0"
  public static let settings = [
    Setting("trainClasses", \Self.trainClasses, "the digits to train on", in: 0...9),
    Setting("testClasses", \Self.testClasses, "the digits to judge on", in: 0...9),
    Setting(
      "rotations", \Self.rotations,
      "whether training digits turned by 90°, 180° and 270° are classes of their own"),
  ]

  public func load(root: String) throws(Failure) -> DataSplit {
    if let shared = Set(trainClasses).intersection(testClasses).min() {
      throw Failure(
        .badData, at: "data: digits", "the digit \(shared) is to be trained and judged on",
        expected: "each digit on one side")
    }
    guard !trainClasses.isEmpty, !testClasses.isEmpty else {
      throw Failure(
        .badData, at: "data: digits", "one side has no digits",
        expected: "a digit at least to train and one to judge on")
    }
    let all = Digits.all
    let train = all.keeping(classes: trainClasses, name: "digits (train)")
    return DataSplit(
      train: rotations ? train.withRotations() : train,
      test: all.keeping(classes: testClasses, name: "digits (test)"))
  }

  public var tone: PictureTone { .inkIsOne }

  public func isMade(className: String) -> Bool {
    rotations && Dataset.isTurned(className: className)
  }

  /// Every digit.
  private static var all: Dataset {
    let bytes = UnsafeBufferPointer(
      start: digitImages.utf8Start, count: digitImages.utf8CodeUnitCount)
    var values: [Float] = []
    var labels: [Int] = []
    values.reserveCapacity(1797 * 64)
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      for letter in line.dropLast() { values.append(Float(letter - UInt8(ascii: "A")) / 16) }
      labels.append(Int((line.last ?? 0) - UInt8(ascii: "0")))
    }
    return Dataset(
      name: "digits", itemShape: [8, 8, 1], values: values, labels: labels,
      classNames: (0...9).map(String.init), itemNames: labels.indices.map { "digit \($0)" })
  }
}
