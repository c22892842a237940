import Autodiff
import Settings

/// Measures how well near embeddings share a class.
///
/// - Parameters:
///   - query: what is searched for.
///   - gallery: what is searched in; if nil, the query set without the searching row itself.
/// - Returns: a number for each metric that was asked for, or the reason why there is none; never
///   NaN. The same bits for any number of threads.
/// - Throws: a failure if the sets do not fit, hold something that is not a number, or if a metric
///   has an unknown name.
/// - Complexity: O(n m d) time; memory O(n + m + matching pairs) and a block of 2²³ distances.
public func evaluate(
  query: EmbeddingSet, gallery: EmbeddingSet? = nil,
  options: EvaluationOptions = EvaluationOptions()
) throws(Failure) -> Evaluation {
  try query.check()
  try gallery?.check()
  if let gallery, gallery.embeddings.shape[1] != query.embeddings.shape[1] {
    throw Failure(
      .badData, at: gallery.name, "the gallery has \(gallery.embeddings.shape[1]) columns",
      expected: "\(query.embeddings.shape[1]), as the queries have",
      remedy: "embed both with the same model")
  }
  if let clusters = options.clusters, clusters.count != query.count {
    throw Failure(
      .badData, at: query.name, "there are \(query.count) queries and \(clusters.count) clusters",
      expected: "one cluster per query")
  }
  var metrics: [Named<MetricDescription>] = []
  for name in options.metrics {
    metrics.append(Named(name, try metric(named: name, at: "metrics")))
  }
  let sets = [query] + (gallery.map { [$0] } ?? [])
  return sets.contains { $0.embeddings.dtype == .float64 }
    ? Evaluator<Double>(sets, options).measure(metrics)
    : Evaluator<Float>(sets, options).measure(metrics)
}

private struct Evaluator<S: Scalar> {
  let distances: DistanceRows<S>
  /// The queries with unit length.
  let unit: LabeledRows<S>
  let options: EvaluationOptions

  init(_ sets: [EmbeddingSet], _ options: EvaluationOptions) {
    let rows = LabeledRows<S>.prepare(sets, distance: options.distance)
    distances = DistanceRows(query: rows[0], gallery: rows[rows.count - 1], isSelf: rows.count == 1)
    unit =
      options.distance == .cosine
      ? rows[0] : LabeledRows<S>.prepare([sets[0]], distance: .cosine)[0]
    self.options = options
  }

  func measure(_ metrics: [Named<MetricDescription>]) -> Evaluation {
    let needs = Needs(metrics)
    let nearestCount =
      needs.nearest
      ? min(NearestRows.most, distances.gallery.count - (distances.isSelf ? 1 : 0)) : 0
    let (matching, holdsPairs) = matchingPairs
    let countsPairs = needs.pairs && holdsPairs
    let pass = RankPass(
      distances, measures: needs.measures, countsPairs: countsPairs, nearestCount: nearestCount,
      curves: countsPairs, countsAllBins: false)
    let pairs = countsPairs ? PairCurve(distances, pass) : nil
    let tooMany =
      holdsPairs
      ? nil : "\(matching) matching pairs are more than fit the memory; judge a part of them"
    let curves =
      needs.curves
      ? pairs.flatMap {
        OperatingCurves(distances, over: $0.falseAcceptQuantiles, zones: pass.zones)
      } : nil
    let clusters = needs.clusters && !isClusteringTooLong ? contingency() : nil
    let nearest = needs.nearest ? nearestRows(pass.nearest, countPerQuery: nearestCount) : nil
    let space = needs.space ? Space(distances.query, unit: unit) : nil

    let query = distances.query
    let lone = query.classes.indices.count { distances.matchCount(of: $0) == 0 }
    var values = pass.values.makeIterator()
    let entries = metrics.map { metric in
      let value: Double?
      let reason: String
      switch metric.value.measure {
      case .ranks:
        value = values.next().flatMap { mean($0) }
        reason = "no query has a match in the gallery"
      case .macroRanks:
        value = values.next().flatMap { macroMean($0) }
        reason = "no query has a match in the gallery"
      case .nearest(let measure), .spaceOfNearest(let measure):
        value = nearest.flatMap(measure)
        reason = "no query has a neighbour, or none has a match"
      case .clusters(let measure):
        value = clusters.map(measure)
        reason = "so many clusters take long; ask for them with --metrics \(metric.name)"
      case .meanDistance(let measure):
        value = measure(MeanDistances(pass, scale: query.scale))
        reason = tooMany ?? "there is no such pair"
      case .pairs(let measure):
        value = pairs.flatMap(measure)
        reason =
          tooMany
          ?? (pairs == nil
            ? "there are no matching pairs, or no others" : "too few pairs that do not match")
      case .operatingCurves(let measure):
        value = curves.map(measure)
        reason = tooMany ?? "fewer than two classes have a matching pair"
      case .space(let measure):
        value = space.flatMap(measure)
        reason = "there is no pair to measure, or nothing but zeros"
      }
      return Evaluation.Entry(
        name: metric.name, id: id(of: metric.value), value: value,
        reason: value == nil ? reason : "")
    }
    return Evaluation(
      entries: entries, queries: query.count, loneQueries: lone,
      classes: query.members.count { !$0.isEmpty })
  }

  /// How many matching pairs there are, and whether the memory holds their distances, which are
  /// gathered, joined, sorted and put in a table.
  private var matchingPairs: (count: Int, fit: Bool) {
    let (query, gallery) = (distances.query.members, distances.gallery.members)
    let both = zip(query, gallery).reduce(0) { $0 + $1.0.count * $1.1.count }
    let count = distances.isSelf ? (both - distances.query.count) / 2 : both
    return (count, count <= MemoryBudget.current.bytes / (4 * MemoryLayout<S>.size + 8))
  }

  /// k-means costs rows × clusters × columns in each round, of at most 20.
  private var isClusteringTooLong: Bool {
    let (rows, clusters) = (distances.query, distances.query.members.count { !$0.isEmpty })
    let work = 20 * Double(rows.count) * Double(clusters) * Double(rows.dimension)
    return options.clusters == nil && work > options.clusteringLimit
  }

  /// The definition's identity, with what the data add to it.
  private func id(of metric: MetricDescription) -> String {
    switch metric.measure {
    case .ranks, .macroRanks, .nearest, .spaceOfNearest, .pairs, .meanDistance, .operatingCurves:
      let excludes = distances.query.groups != nil && distances.gallery.groups != nil
      return metric.id + (excludes ? "/without-pairs-of-one-class-and-group" : "")
    case .clusters where options.clusters != nil:
      return metric.id.replacing("k-means++-20-iterations", with: "given-clusters")
    case .clusters, .space: return metric.id
    }
  }

  /// The mean over the queries that have a match.
  private func mean(_ values: [Double]) -> Double? {
    let known = values.filter { !$0.isNaN }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  /// The mean over the classes that have such queries, of the mean over their queries.
  private func macroMean(_ values: [Double]) -> Double? {
    let means = distances.query.members.compactMap { rows in mean(rows.map { values[$0] }) }
    return mean(means)
  }

  private func nearestRows(_ rows: [Int32], countPerQuery: Int) -> NearestRows {
    let (query, gallery) = (distances.query, distances.gallery)
    return NearestRows(
      rows: rows, countPerQuery: countPerQuery, queryClasses: query.classes,
      galleryClasses: gallery.classes,
      hasMatch: query.classes.indices.map { distances.matchCount(of: $0) > 0 })
  }

  /// Labels of the queries against the given clusters, or as many by k-means as there are labels.
  private func contingency() -> Contingency {
    let query = distances.query
    if let clusters = options.clusters {
      let numbers = Set(clusters).sorted()
      let places = Dictionary(uniqueKeysWithValues: zip(numbers, numbers.indices))
      return Contingency(labels: query.classes, clusters: clusters.map { places[$0] ?? 0 })
    }
    var random = Random(seed: UInt64(options.seed)).split("k-means")
    let means = KMeans(query, count: query.members.count { !$0.isEmpty }, random: &random)
    return Contingency(labels: query.classes, clusters: means.clusters)
  }
}

/// What metrics need to be computed from.
private struct Needs {
  var measures: [@Sendable (Ranks) -> Double] = []
  var (pairs, curves, clusters, nearest, space) = (false, false, false, false, false)

  init(_ metrics: [Named<MetricDescription>]) {
    for metric in metrics {
      switch metric.value.measure {
      case .ranks(let measure), .macroRanks(let measure): measures.append(measure)
      case .nearest, .spaceOfNearest: nearest = true
      case .clusters: clusters = true
      case .pairs, .meanDistance: pairs = true
      case .operatingCurves: (pairs, curves) = (true, true)
      case .space: space = true
      }
    }
  }
}
