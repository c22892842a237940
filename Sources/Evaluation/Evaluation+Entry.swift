extension Evaluation {
  /// This evaluation with one more number at its end.
  ///
  /// - Parameters:
  ///   - id: the definition, in words.
  ///   - reason: why there is no number; empty when there is one.
  public func adding(name: String, id: String, value: Double?, reason: String) -> Evaluation {
    Evaluation(
      entries: entries + [Entry(name: name, id: id, value: value, reason: reason)],
      queries: queries, loneQueries: loneQueries, classes: classes)
  }
}
