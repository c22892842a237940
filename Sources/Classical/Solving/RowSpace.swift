import Settings

/// The directions in which rows differ: constant and collinear columns leave fewer than there are
/// columns.
///
/// Along the others every metric is undefined and never used between rows of that kind; it is 0 there.
struct RowSpace {
  /// Orthonormal rows that span the space; nil when it is the whole.
  private let basis: Matrix?
  let rank: Int
  private let columns: Int

  /// - Parameter scatter: of all rows.
  init(_ scatter: Matrix, rows: Int, _ problem: LearningProblem) throws(Failure) {
    columns = scatter.rows
    let scales = scatter.diagonal.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
    guard scales.contains(where: { $0 > 0 }) else {
      throw problem.failure("all rows are equal", expected: "rows that differ")
    }
    // Counted among columns of unit variance, so that their scales do not matter.
    let correlation = Spectrum(
      scatter.scalingRows(by: scales).scalingColumns(by: scales).symmetrized())
    let least = 16 * correlation.threshold(rows: rows)
    rank = correlation.values.count { $0 > least }
    guard rank < columns else {
      basis = nil
      return
    }
    // The span of D v over the kept v, orthonormal: D R D has its range.
    let span = correlation.vectors.prefix(rank).scalingColumns(
      by: scales.map { $0 > 0 ? 1 / $0 : 0 })
    let inverseRoot = Spectrum(span.times(span, transposingOther: true).symmetrized())
    basis = inverseRoot.vectors.times(span).scalingRows(
      by: inverseRoot.values.map { 1 / $0.squareRoot() })
  }

  /// A symmetric matrix within the space.
  func reduced(_ matrix: Matrix) -> Matrix {
    guard let basis else { return matrix }
    return basis.times(matrix).times(basis, transposingOther: true).symmetrized()
  }

  /// Rows within the space.
  func reduced(rows: Matrix) -> Matrix {
    basis.map { rows.times($0, transposingOther: true) } ?? rows
  }

  /// Maps of the space as maps of all columns.
  func expanded(_ map: Matrix) -> Matrix { basis.map { map.times($0) } ?? map }

  var notes: [String] {
    guard rank < columns else { return [] }
    return [
      "the rows differ along \(rank) of \(columns) directions; along the others the metric is 0"
    ]
  }
}

extension Matrix {
  /// This scatter with a share of its mean variance added to the diagonal.
  func addingRidge(_ share: Double) -> Matrix {
    guard share > 0 else { return self }
    var result = self
    let added = share * trace / Double(max(1, rows))
    for i in 0..<rows { result[i, i] += added }
    return result
  }
}

extension LearningProblem {
  /// What to say when a scatter that must be inverted has directions without variance.
  func singular(_ what: String, in scatter: Matrix, rows: Int) -> Failure {
    let spectrum = Spectrum(scatter)
    let least = spectrum.threshold(rows: count)
    let without = scatter.rows - spectrum.values.count { $0 > least }
    return failure(
      "\(what) along \(max(1, without)) of \(scatter.rows) directions",
      expected: "more than \(scatter.rows) rows in classes or chunks, not \(rows)",
      remedy: "give more rows or fewer columns, or set ridge: 0.001")
  }
}
