import Settings

/// Every metric, by the name that reports and the command line use.
///
/// Shared by all: neighbours are ordered by distance, equally distant ones by their row; without a
/// gallery each query searches the other rows (itself left out by row, not by value); queries
/// without a match are left out of the retrieval metrics and counted.
public let allMetrics: [Named<MetricDescription>] =
  retrievalMetrics + clusteringMetrics + verificationMetrics + spaceMetrics

/// The metric of a name: one of ``allMetrics``, or one that exists for any k, such as `map@25`.
public func metric(named name: String, at place: String) throws(Failure) -> MetricDescription {
  let parts = name.split(separator: "@", omittingEmptySubsequences: false)
  if parts.count == 2, let k = Int(parts[1]), k > 0,
    let family = metricsForAnyK.first(where: { $0.name == parts[0] })
  {
    return family.value(k)
  }
  return try allMetrics.named(name, kind: "metric", at: place)
}
