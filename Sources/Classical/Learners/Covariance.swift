import Foundation
import Settings

/// M = the pseudo-inverse of the covariance of the rows (divisor n - 1): Mahalanobis' own distance.
public struct CovarianceLearner: MetricLearner {
  public init() {}

  public static let summary = "the inverse covariance of all rows; needs no labels"
  public static let source =
    "Mahalanobis, On the generalized distance in statistics (1936)"
  public static let supervision = [Supervision.nothing, .labels]

  /// The objective is tr(C M) - log det M over the directions in which the rows differ, which M
  /// minimises; the certificate is the relative size of C M C - C.
  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    try problem.requireRows(2)
    let x = problem.rows.centered()
    let covariance = x.gram() * (1 / Double(x.rows - 1))
    guard covariance.diagonal.contains(where: { $0 > 0 }) else {
      throw problem.failure("all rows are equal", expected: "rows that differ")
    }
    // Of rows that fill the space, whitening after each column has unit variance is exact for
    // columns of any scale; the inverse is the same.
    let scales = covariance.diagonal.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
    let correlation = Spectrum(
      covariance.scalingRows(by: scales).scalingColumns(by: scales).symmetrized())
    let least = correlation.threshold(rows: x.rows)
    let rank = correlation.values.count { $0 > least }
    let isFull = rank == x.columns && problem.components == nil
    let spectrum = isFull ? correlation : Spectrum(covariance)
    let limit = spectrum.threshold(rows: x.rows)
    let kept = isFull ? rank : min(spectrum.values.count { $0 > limit }, try problem.rank())
    let whitening = spectrum.vectors.prefix(kept).scalingRows(
      by: spectrum.values.prefix(kept).map { 1 / $0.squareRoot() })
    let map = isFull ? whitening.scalingColumns(by: scales) : whitening
    let metric = map.gram()
    let residual = covariance.times(metric).times(covariance) - covariance
    let logDeterminant = Spectrum(covariance).values.prefix(kept).reduce(0) { $0 + log($1) }
    var notes: [String] = []
    if kept < x.columns, problem.components == nil {
      notes.append(
        "the rows differ along \(kept) of \(x.columns) directions; along the others the metric is 0"
      )
    }
    return LearnedMetric(
      map: map, objective: Double(kept) + logDeterminant, iterations: 0,
      certificate: problem.components == nil ? residual.norm / covariance.norm : 0,
      certifies: "residual of the pseudo-inverse", notes: notes)
  }
}
