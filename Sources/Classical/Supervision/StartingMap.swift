import Settings

/// The map from which descent starts.
public enum StartingMap: String, CaseIterable, Sendable {
  /// Discriminants if there are labels and enough classes, else principal axes for fewer components
  /// than columns, else the identity.
  case auto
  case identity
  case principal = "pca"
  case discriminant = "lda"
  /// Normal numbers of variance 1 / columns.
  case random

  static func setting<Root>(_ path: Setting<Root>.Path<StartingMap>) -> Setting<Root> {
    Setting(
      "init", path,
      "where descent starts: auto takes lda if there are classes enough, else pca for few "
        + "components, else the identity")
  }

  /// [components, columns].
  func map(_ problem: LearningProblem) throws(Failure) -> Matrix {
    try problem.requireRows(2)
    let (k, d) = (try problem.rank(), problem.width)
    switch self {
    case .identity: return Matrix(identity: k, d)
    case .random:
      var random = problem.random.split("starting map")
      let deviation = 1 / Double(d).squareRoot()
      return Matrix((0..<k * d).map { _ in random.normal() * deviation }, rows: k, columns: d)
    case .principal: return Spectrum(problem.rows.centered().gram()).vectors.prefix(k)
    case .discriminant:
      return try StartingMap.discriminants(problem, most: k) ?? Matrix(identity: k, d)
    case .auto:
      if problem.labels != nil, k <= min(d, problem.classCount - 1),
        let map = try StartingMap.discriminants(problem, most: k)
      {
        return map
      }
      return try (k < min(d, problem.count) ? StartingMap.principal : .identity).map(problem)
    }
  }

  /// Fisher's directions, whitening what varies within classes; nil when there are fewer.
  private static func discriminants(
    _ problem: LearningProblem, most k: Int
  ) throws(Failure) -> Matrix? {
    let labels = try problem.requiredLabels()
    return fisherDirections(problem.rows, labels, most: k)
  }
}

/// Directions of greatest scatter between classes relative to that within, with unit scatter within.
///
/// - Returns: nil if there are fewer than `most`: there is one fewer than classes.
func fisherDirections(_ x: Matrix, _ labels: [Int], most: Int) -> Matrix? {
  let centered = x.centered()
  var within = Matrix(zeros: x.columns, x.columns)
  var classes = 0
  for members in LearningProblem.members(of: labels) where !members.isEmpty {
    within = within + centered.rows(at: members).centered().gram()
    classes += 1
  }
  let between = centered.gram() - within
  let scaled = (within * (1 / Double(max(1, x.rows - classes)))).addingRidge(1e-6)
  guard most <= min(x.columns, classes - 1),
    let spectrum = Spectrum(between.symmetrized(), relativeTo: scaled)
  else { return nil }
  return spectrum.vectors.prefix(most)
}
