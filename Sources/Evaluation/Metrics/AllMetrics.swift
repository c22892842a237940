import Settings

/// Every metric, by the name that reports and the command line use.
///
/// Shared by all: neighbours are ordered by distance, equally distant ones by their row; without a
/// gallery each query searches the other rows (itself left out by row, not by value); queries
/// without a match are left out of the retrieval metrics and counted.
public let allMetrics: [Named<MetricDescription>] =
  retrievalMetrics + macroMetrics + clusteringMetrics + verificationMetrics + spaceMetrics

/// The metric of a name: one of ``allMetrics``, or one that exists for any k, such as `map@25`, or with
/// `macro-` before one that is a mean over queries.
public func metric(named name: String, at place: String) throws(Failure) -> MetricDescription {
  if name.hasPrefix("macro-"), !allMetrics.contains(where: { $0.name == name }),
    let macro = try metric(named: String(name.dropFirst(6)), at: place).macro
  {
    return macro
  }
  let parts = name.split(separator: "@", omittingEmptySubsequences: false)
  if parts.count == 2, let k = Int(parts[1]), k > 0,
    let family = metricsForAnyK.first(where: { $0.name == parts[0] })
  {
    return family.value(k)
  }
  return try allMetrics.named(name, kind: "metric", at: place)
}
