import Foundation
import Settings

/// Whitens what varies within chunks of rows that belong together.
///
/// With C the mean covariance within chunks (divisor: the number of rows in chunks), M = C⁻¹. With
/// fewer components, M = A (Aᵀ C A)⁻¹ Aᵀ for the directions A of least variance within chunks
/// relative to the whole.
public struct RelevantComponents: MetricLearner {
  public var chunkCount = 100
  public var chunkSize = 2
  public var ridge = 0.0

  public init() {}

  public static let summary = "whitens what varies within chunks of rows that belong together"
  public static let source =
    "Shental, Hertz, Weinshall and Pavel, Adjustment learning and relevant component analysis (2002)"
  public static let supervision = [Supervision.chunks, .labels]
  public static let settings = [
    Setting(
      "chunkCount", \Self.chunkCount, "with labels: how many chunks are drawn at most",
      in: 1...10_000_000),
    Setting("chunkSize", \Self.chunkSize, "with labels: the rows of a chunk", in: 2...1000),
    ridgeSetting(\Self.ridge),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let chunks = try problem.chunks(drawing: chunkCount, of: chunkSize)
    let rank = try problem.rank()
    let x = problem.rows.centered()
    let d = x.columns
    let used = chunks.indices.filter { chunks[$0] >= 0 }
    guard !used.isEmpty else {
      throw problem.failure("no row is in a chunk", expected: "chunks of two rows or more")
    }
    let groups = Dictionary(grouping: used) { chunks[$0] }.sorted { $0.key < $1.key }
    var within = Matrix(zeros: d, d)
    for (_, members) in groups { within = within + x.rows(at: members).centered().gram() }
    within = (within * (1 / Double(used.count))).addingRidge(ridge)
    let total = x.rows(at: used).centered().gram() * (1 / Double(max(1, used.count - 1)))
    let space = try RowSpace(total, rows: used.count, problem)
    let inner = space.reduced(within)
    guard let spectrum = Spectrum(space.reduced(total), relativeTo: inner) else {
      throw problem.singular(
        "the rows of a chunk do not differ", in: inner, rows: used.count - groups.count)
    }
    // Vectors v with vᵀ C v = 1, those with most variance of the whole first.
    let kept = min(rank, space.rank)
    let map = space.expanded(spectrum.vectors.prefix(kept))
    let residual = map.times(within).times(map, transposingOther: true) - Matrix(identity: kept)
    let logDeterminant = Cholesky(inner)?.logDeterminant ?? 0
    return LearnedMetric(
      map: map, objective: Double(space.rank) + logDeterminant, iterations: 0,
      certificate: residual.norm, certifies: "residual of the whitened scatter",
      notes: space.notes)
  }
}

/// A setting that learners with a scatter to invert share.
func ridgeSetting<Root>(_ path: Setting<Root>.Path<Double>) -> Setting<Root> {
  Setting(
    "ridge", path,
    "what is added to the diagonal of the scatter within, as a share of its mean variance",
    in: 0...1e6)
}
