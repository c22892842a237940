import Autodiff
import Files
import Index
import Settings
import Training

/// What is searched, what is asked for, and what both are called.
struct SearchedVectors {
  let index: any VectorIndex
  /// The threshold that was calibrated for these vectors, and the file that it is from.
  private(set) var calibration: (RunCalibration, path: String)?
  private(set) var queries: Tensor
  let queryNames: [String]
  /// What the user should know of the queries beside these vectors.
  private(set) var notes: [String] = []
  /// Of each row; empty if they are not known.
  private var names: [String] = []
  private var labels: GivenLabels?
  /// The row of each id.
  private var rows: [Int: Int] = [:]
  /// Whether a threshold between vectors like these says something of the queries.
  private var holdsThresholds = true
  /// The checksum of the model that made the vectors, if it is known.
  private var model: String?

  var isDistance: Bool { index.metric == .l2 }
  var hasNames: Bool { !names.isEmpty }
  var hasClasses: Bool { labels != nil }
  func name(of id: Int) -> String? { names.isEmpty ? nil : rows[id].map { names[$0] } }
  func className(of id: Int) -> String? { labels.flatMap { all in rows[id].map(all.name(of:)) } }
  func label(of id: Int) -> JSONValue? { labels.flatMap { all in rows[id].map(all.json(of:)) } }

  /// The test items of a run, and pictures or vectors that are embedded by it.
  init(run: String, query: String, isQuiet: Bool) throws(Failure) {
    let model = try TrainedModel(run: run)
    let asked = try model.embed(query)
    let (items, labels) = try embeddedPart(.test, of: model, isQuiet: isQuiet)
    let space = VectorSpace(of: items.embeddings, model: nil)
    index = try ExactIndex(items.embeddings, metric: space.metric, name: run)
    calibration = try RunCalibration.of(run: run).map { ($0, RunFolder(run).calibration) }
    self.model = try RunFolder(run).modelChecksum()
    (queries, queryNames) = (asked.embeddings, asked.names)
    tell(items.names, labels)
  }

  /// A file of vectors or an index, and a file of queries.
  ///
  /// - Parameter metric: what near means, if that was said.
  init(
    file path: String, queries query: String, metric: ExactIndex.Metric?
  ) throws(Failure) {
    let space = try VectorSpace(beside: path)
    if isVectorFile(path) {
      var vectors = try readMatrix(path)
      let own = VectorSpace(of: vectors, model: nil)
      let metric = metric ?? space?.metric ?? own.metric
      // Codes of vectors of unit length do not have quite that.
      if metric == .innerProduct, space?.isUnit == true, !own.isUnit {
        vectors = vectors.converted(to: .float64).rowsOfUnitLength
      }
      index = try ExactIndex(vectors, metric: metric, name: path)
    } else {
      index = try openIndex(path, metric: metric ?? space?.metric)
    }
    queries = try readMatrix(query)
    queryNames = (0..<queries.shape[0]).map { "\(query)#\($0)" }
    model = space?.model
    let beside = calibrationPath(beside: path)
    if FileSystem.exists(beside) { calibration = (try RunCalibration(path: beside), beside) }
    tell(
      try rowNames(beside: path, count: index.count),
      try rowClasses(beside: path, count: index.count))
    try compareSpaces(path, query, space, isMetricGiven: metric != nil)
  }

  /// Takes another threshold than the one that lies beside the vectors.
  mutating func calibrate(by path: String) throws(Failure) {
    let other = try RunCalibration(path: path)
    if let model, !other.model.isEmpty, model != other.model {
      throw Failure(
        .badData, at: path,
        "this is the threshold of another model (\(other.model)) than that of the vectors (\(model))",
        remedy: "calibrate the run that made them, or the vectors")
    }
    guard holdsThresholds else {
      throw Failure(
        .badData, at: path, "queries and vectors differ in length, and no threshold holds then",
        remedy: "scale the queries to unit length, or leave --metric out")
    }
    calibration = (other, path)
    try checkCalibration("the index", isUnit: index.hasUnitRows, isGiven: true)
  }

  /// A threshold between vectors of unit length says nothing of others, and the other way around.
  private mutating func checkCalibration(
    _ vectors: String, isUnit: Bool?, isGiven: Bool
  ) throws(Failure) {
    guard let (own, path) = calibration, let isUnit, index.count > 0,
      own.calibration.isUnit != isUnit
    else { return }
    func lengths(_ isUnit: Bool) -> String { isUnit ? "unit length" : "any length" }
    let found =
      "the threshold is for vectors of \(lengths(own.calibration.isUnit)), and those of \(vectors) "
      + "have \(lengths(isUnit))"
    guard !isGiven else {
      throw Failure(.badData, at: path, found, remedy: "calibrate on vectors like these")
    }
    notes.append("\(path): \(found); it is not used")
    calibration = nil
  }

  private mutating func tell(_ names: [String], _ labels: GivenLabels?) {
    let ids = (index as? IdentifiedIndex)?.ids ?? Array(0..<index.count)
    rows = Dictionary(zip(ids, ids.indices)) { first, _ in first }
    self.names = names.count == ids.count ? names : []
    self.labels = labels?.count == ids.count ? labels : nil
  }

  /// Refuses queries of another model than the vectors', and brings queries to unit length where the
  /// vectors have it: their inner products are then cosines, as thresholds are.
  private mutating func compareSpaces(
    _ path: String, _ query: String, _ space: VectorSpace?, isMetricGiven: Bool
  ) throws(Failure) {
    let asked = try VectorSpace(beside: query)
    if space?.takesItems == true {
      guard asked?.model == nil else {
        throw Failure(
          .badData, at: query, "these are embeddings, and the index makes them itself",
          expected: "items as the model takes them",
          remedy: "ask with what was given to kindred embed")
      }
      return
    }
    if let own = space?.model, let other = asked?.model, own != other {
      throw Failure(
        .badData, at: query, "the queries are of another model (\(other)) than \(path) (\(own))",
        remedy: "embed them with the run that made these vectors")
    }
    if space?.model != nil, asked?.model == nil {
      notes.append(
        "\(path) holds embeddings of a run and \(query) does not say what made it: "
          + "embed queries with kindred embed, or they are of another space")
    }
    let isUnit = index.hasUnitRows ?? space?.isUnit
    try checkCalibration(path, isUnit: isUnit, isGiven: false)
    let areUnit = VectorSpace(of: queries, model: nil).isUnit
    guard let isUnit, isUnit != areUnit, index.count > 0, queries.shape[0] > 0 else { return }
    if !isUnit {
      // A row of zeros is enough for this, so that one model may well have made both.
      guard space?.model == nil || space?.model != asked?.model else { return }
      notes.append(
        "the vectors of \(query) have unit length and those of \(path) have not: "
          + "they may be of another space")
    } else if isDistance || isMetricGiven {
      notes.append(
        "the vectors of \(path) have unit length and those of \(query) have not: "
          + "no threshold holds between them")
      calibration = nil
      holdsThresholds = false
    } else {
      queries = queries.converted(to: .float64).rowsOfUnitLength
      notes.append(
        "the vectors of \(path) have unit length: those of \(query) were brought to it too, so "
          + "that similarities are cosines")
    }
  }
}

extension Tensor {
  /// Rows divided by their lengths, in float64; zeros stay zeros.
  fileprivate var rowsOfUnitLength: Tensor {
    let columns = shape[1]
    return Tensor(shape: shape, of: Double.self) { y in
      withElements(of: Double.self) { x in
        for start in stride(from: 0, to: x.count, by: columns) {
          let row = start..<start + columns
          // By the largest number first, so that no square overflows or vanishes.
          let largest = x[row].reduce(0) { max($0, abs($1)) }
          let length = x[row].reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
          for i in row { y[i] = largest > 0 ? x[i] / largest / length : 0 }
        }
      }
    }
  }
}
