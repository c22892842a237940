extension Neighbors {
  /// The share of another search's neighbours that this one found, over all queries; 1 if that
  /// search found none.
  public func recall(of truth: Neighbors) -> Double {
    guard truth.countPerQuery > 0, !truth.ids.isEmpty else { return 1 }
    var hits = 0
    for query in 0..<truth.ids.count / truth.countPerQuery {
      let found = Set(ids[query * countPerQuery..<(query + 1) * countPerQuery])
      let wanted = truth.ids[query * truth.countPerQuery..<(query + 1) * truth.countPerQuery]
      hits += wanted.reduce(0) { $0 + (found.contains($1) ? 1 : 0) }
    }
    return Double(hits) / Double(truth.ids.count)
  }
}
