import Autodiff
import Files
import Foundation
import Settings

/// Measures forms of some vectors: each is written as an export writes it, opened again, and
/// compared with exact search.
public struct FormMeasurement {
  private let vectors: Tensor
  private let options: ExportOptions
  private let metric: ExactIndex.Metric
  private let queries: Tensor
  /// The row of each query; nil if the queries are no rows.
  private let queryRows: [Int]?
  private let exact: Neighbors
  private let pairs: JudgedPairs?

  private static let (mostQueries, top) = (1000, 10)

  /// - Parameters:
  ///   - vectors: shape [n, d].
  ///   - options: of the export; its queries are asked if there are some, else rows of the vectors,
  ///     which then are not among their own neighbours. Its classes tell which pairs are alike, and
  ///     its threshold what a match is; without one, the threshold is that of a false accept rate of
  ///     0.001 of the exact vectors.
  public init(_ vectors: Tensor, _ options: ExportOptions, name: String) throws(Failure) {
    // In their own precision: forms are judged by what was given, whatever they hold of it.
    try vectors.checkRows(name: name)
    self.vectors = vectors.detached
    let n = vectors.shape[0]
    guard n > 1 else {
      throw Failure(
        .badData, at: name, "there are \(n) vectors", expected: "2 or more to measure on")
    }
    var options = options
    // What concerns the file that is asked for, and not the forms.
    (options.adapter, options.ids, options.refine, options.reduction) = ([], [], 0, .none)
    metric = options.metric(for: self.vectors)
    var random = Random(seed: 0).split("measurement")
    let sample = random.permutation(n)
    if let asked = options.queries {
      try asked.checkRows(name: "--queries")
      try asked.checkQueries(dimension: vectors.shape[1], count: 1, name: "--queries")
      queries = asked.detached.randomRows(FormMeasurement.mostQueries, random: random)
      queryRows = nil
    } else {
      let rows = Array(sample.prefix(FormMeasurement.mostQueries))
      (queries, queryRows) = (self.vectors.detached.rows(at: rows), rows)
    }
    self.options = options
    let index = try ExactIndex(self.vectors, metric: metric, name: name)
    exact = try FormMeasurement.neighbors(index, queries, queryRows, SearchEffort())
    pairs = try JudgedPairs(index, options, sample: sample)
  }

  /// The threshold that matches are told by; nil without classes.
  public var threshold: Double? { pairs?.threshold }

  /// Measures forms one after another; those that differ in effort only are built once.
  public func measured(
    _ forms: [ExportForm], onProgress: BuildProgress = { _, _ in }
  ) throws(Failure) -> [FormQuality] {
    var built: (key: String, Built)?
    var found: [FormQuality] = []
    for (done, form) in forms.enumerated() {
      onProgress(done, forms.count)
      var quality = FormQuality(form)
      do {
        let key = form.format + JSONValue.object(form.settings).description
        let here = if let built, built.key == key { built.1 } else { try build(form) }
        built = (key, here)
        (quality.bytes, quality.buildSeconds) = (here.bytes, here.seconds)
        try search(here.index, form, &quality)
        if let pairs {
          quality.errors = try pairs.errors(of: here.index)
          quality.shift = quality.errors.map { $0 - pairs.exact }
        }
      } catch {
        // A form that does not fit these vectors leaves the others theirs.
        guard error.kind != .cannotWrite else { throw error }
        quality.problem = error.description
      }
      found.append(quality)
    }
    return found
  }

  private struct Built {
    let index: any VectorIndex
    let bytes: Int
    let seconds: Double
  }

  private func build(_ form: ExportForm) throws(Failure) -> Built {
    let folder = NSTemporaryDirectory() + "kindred-\(UUID().uuidString)"
    try FileSystem.makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let format: ExportFormat = try allFormats.named(form.format, kind: "format", at: form.name)
    let path = "\(folder)/vectors.\(format.fileExtension)"
    let start = ContinuousClock.now
    try format.write(
      vectors, options: try options.setting(form.settings, at: form.name), to: path,
      name: form.name)
    let time = (ContinuousClock.now - start).components
    var bytes = 0
    for name in try FileSystem.list(folder) {
      bytes += try FileSystem.read("\(folder)/\(name)").count
    }
    return Built(
      index: try opened(path), bytes: bytes,
      seconds: Double(time.seconds) + Double(time.attoseconds) * 1e-18)
  }

  private func opened(_ path: String) throws(Failure) -> any VectorIndex {
    guard isVectorFile(path) else { return try openIndex(path, metric: metric) }
    let decoded = try readVectors(path, dtype: .float32)
    // Codes of vectors of unit length do not have quite that.
    let isUnit = ExactIndex.Metric.automatic(for: vectors) == .innerProduct
    return try ExactIndex(isUnit ? decoded.normalizedRows() : decoded, metric: metric)
  }

  private func search(
    _ index: any VectorIndex, _ form: ExportForm, _ quality: inout FormQuality
  ) throws(Failure) {
    var best = Double.infinity
    var found = exact
    for _ in 0..<2 {
      let start = ContinuousClock.now
      found = try FormMeasurement.neighbors(index, queries, queryRows, form.effort)
      let time = (ContinuousClock.now - start).components
      best = min(best, Double(time.seconds) + Double(time.attoseconds) * 1e-18)
    }
    quality.queriesPerSecond = Double(queries.shape[0]) / max(best, 1e-9)
    quality.recallAt10 = found.recall(of: exact)
    quality.recallAt1 = found.first.recall(of: exact.first)
  }

  /// The ten nearest of each query, without itself.
  private static func neighbors(
    _ index: any VectorIndex, _ queries: Tensor, _ rows: [Int]?, _ effort: SearchEffort
  ) throws(Failure) -> Neighbors {
    let count = min(top, index.count - (rows == nil ? 0 : 1))
    let found = try index.search(
      queries, count: rows == nil ? count : count + 1, effort: effort, name: "queries")
    guard let rows else { return found }
    var (ids, scores): ([Int], [Double]) = ([], [])
    for (query, row) in rows.enumerated() {
      let others = found[query].filter { $0.id != row }.prefix(count)
      ids += others.map(\.id)
      scores += others.map(\.score)
    }
    return Neighbors(countPerQuery: count, ids: ids, scores: scores)
  }
}

extension Neighbors {
  /// The nearest of each query only.
  var first: Neighbors {
    let places = stride(from: 0, to: ids.count, by: max(1, countPerQuery))
    return Neighbors(
      countPerQuery: min(1, countPerQuery), ids: places.map { ids[$0] },
      scores: places.map { scores[$0] })
  }
}
