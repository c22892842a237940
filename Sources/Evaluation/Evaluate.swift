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
  var metrics: [Named<MetricDescription>] = []
  for name in options.metrics {
    metrics.append(
      Named(name, try allMetrics.named(name, kind: "metric", at: "metrics") as MetricDescription))
  }
  let sets = [query] + (gallery.map { [$0] } ?? [])
  return sets.contains { $0.embeddings.dtype == .float64 }
    ? Evaluator<Double>(sets, options).measure(metrics)
    : Evaluator<Float>(sets, options).measure(metrics)
}

private struct Evaluator<S: Scalar> {
  let distances: DistanceRows<S>
  let options: EvaluationOptions

  init(_ sets: [EmbeddingSet], _ options: EvaluationOptions) {
    let rows = LabeledRows<S>.prepare(sets, distance: options.distance)
    distances = DistanceRows(query: rows[0], gallery: rows[rows.count - 1], isSelf: rows.count == 1)
    self.options = options
  }

  func measure(_ metrics: [Named<MetricDescription>]) -> Evaluation {
    let groups = Set(metrics.map(\.value.group))
    let measures = metrics.compactMap { metric -> (@Sendable (Ranks) -> Double)? in
      if case .ranks(let measure) = metric.value.measure { measure } else { nil }
    }
    let countsPairs = groups.contains(.verification)
    let pass = RankPass(distances, measures: measures, countsPairs: countsPairs)
    let pairs = countsPairs ? PairCurve(distances, pass) : nil
    let needsCurves = metrics.contains {
      if case .operatingCurves = $0.value.measure { true } else { false }
    }
    let curves =
      needsCurves
      ? pairs.flatMap { OperatingCurves(distances, over: $0.falseAcceptQuantiles) } : nil
    let clusters = groups.contains(.clustering) ? contingency() : nil

    let query = distances.query
    let lone = query.classes.count {
      distances.gallery.members[$0].count <= (distances.isSelf ? 1 : 0)
    }
    var means = pass.values.map { mean($0) }.makeIterator()
    let entries = metrics.map { metric in
      let value: Double?
      let reason: String
      switch metric.value.measure {
      case .ranks:
        value = means.next() ?? nil
        reason = "no query has a match in the gallery"
      case .clusters(let measure):
        value = clusters.map(measure)
        reason = ""
      case .pairs(let measure):
        value = pairs.map(measure)
        reason = "there are no matching pairs, or no others"
      case .operatingCurves(let measure):
        value = curves.map(measure)
        reason = "fewer than two classes have a matching pair"
      }
      return Evaluation.Entry(
        name: metric.name, id: metric.value.id, value: value, reason: value == nil ? reason : "")
    }
    return Evaluation(
      entries: entries, queries: query.count, loneQueries: lone,
      classes: query.members.count { !$0.isEmpty })
  }

  /// The mean over the queries that have a match.
  private func mean(_ values: [Double]) -> Double? {
    let known = values.filter { !$0.isNaN }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  /// Labels of the queries against as many clusters as there are labels.
  private func contingency() -> Contingency {
    let query = distances.query
    var random = Random(seed: UInt64(options.seed)).split("k-means")
    let means = KMeans(query, count: query.members.count { !$0.isEmpty }, random: &random)
    return Contingency(labels: query.classes, clusters: means.clusters)
  }
}
