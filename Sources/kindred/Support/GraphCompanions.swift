import Files
import Index
import Settings

/// What lies beside a graph and goes with it when it is changed: the space and the threshold of its
/// vectors, and the names and classes of all of them.
struct GraphCompanions {
  private let input: String
  private var count: Int
  private let space: VectorSpace?
  private var names: [String]
  private var labels: GivenLabels?
  private var isClassMissing = false

  init(of input: String, count: Int) throws(Failure) {
    (self.input, self.count) = (input, count)
    space = try VectorSpace(beside: input)
    names = try rowNames(beside: input, count: count)
    labels = try rowClasses(beside: input, count: count)
  }

  /// Takes in the names and classes of new vectors.
  ///
  /// - Parameters:
  ///   - labels: the file of their classes, if it was given.
  ///   - count: how many vectors there are with them.
  /// - Throws: if another model made them.
  mutating func add(_ path: String, labels file: String?, count all: Int) throws(Failure) {
    let added = all - count
    try checkSpace(of: path)
    if !names.isEmpty || count == 0 {
      let given = try rowNames(beside: path, count: added)
      names += given.isEmpty ? (0..<added).map { "\(path)#\($0)" } : given
    }
    let own = try file.map { (file) throws(Failure) in try GivenLabels.read(file, count: added) }
    if let own, let known = labels ?? (count == 0 ? GivenLabels(.integers([])) : nil) {
      labels = GivenLabels(
        texts: (0..<known.count).map(known.name(of:)) + (0..<own.count).map(own.name(of:)))
    } else {
      isClassMissing = labels != nil
      labels = nil
    }
    count = all
  }

  private func checkSpace(of path: String) throws(Failure) {
    let (own, other) = (space?.model, try VectorSpace(beside: path)?.model)
    if let own, let other, own != other {
      throw Failure(
        .badData, at: path,
        "the vectors are of another model (\(other)) than those of \(input) (\(own))",
        remedy: "embed them with the run that made the others")
    }
    guard own != nil, other == nil else { return }
    Terminal.printError(
      "kindred: note: \(input) holds embeddings of a run and \(path) does not say what made it: "
        + "the vectors may be of another space")
  }

  /// The files to write; nil for those of what the changed graph replaces.
  func files(beside output: String) throws(Failure) -> [(path: String, bytes: [UInt8]?)] {
    let isInPlace = namesPath(beside: output) == namesPath(beside: input)
    var space = space
    let labelFile = labelsPath(beside: output)
    if !isInPlace { space?.earlierLabels = labels == nil ? try checksum(of: labelFile) : nil }
    if isClassMissing {
      Terminal.printError(
        "kindred: note: the classes of the new vectors are not known, so none goes with the graph; "
          + "give --labels")
    }
    var found: [(path: String, bytes: [UInt8]?)] = []
    if let labels { found.append((labelFile, labels.array.bytes())) }
    if !names.isEmpty { found.append((namesPath(beside: output), NameList.bytes(names))) }
    guard !isInPlace else { return found }
    if names.isEmpty { found.append((namesPath(beside: output), nil)) }
    let threshold = calibrationPath(beside: input)
    return found + [
      (VectorSpace.path(beside: output), space?.bytes),
      (
        calibrationPath(beside: output),
        FileSystem.exists(threshold) ? try FileSystem.read(threshold) : nil
      ),
    ]
  }
}
