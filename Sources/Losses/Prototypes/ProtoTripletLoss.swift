import Autodiff
import Geometry
import Settings

/// A query nearer to the mean of its class than to the nearest other mean, by a margin.
///
/// The first `shots` rows of each class are its support and their mean its prototype c; the other
/// rows are queries q. With a reference set every row is a query, and the prototypes are the means
/// of the references' classes. With d(q, c) = √(‖q - c‖² + 10⁻⁶), the mean over the queries of
///
///     [d(q, c_y) - min_{k ≠ y} d(q, c_k) + m]₊
///
/// Embeddings are raw. A class without a query is a prototype only. One class, or no query, gives
/// 0. The order of a class's rows matters. O(batch × classes). Defaults: m = 0.5, one shot.
/// - Reference: Mendez-Ruiz et al., *SuSana Distancia is all you need* (2023).
public struct ProtoTripletLoss: Loss {
  public var margin = 0.5
  public var shots = 1

  public init() {}

  public static let summary = "a query nearer to its class's mean than to any other, by a margin"
  public static let source =
    "Mendez-Ruiz et al., SuSana Distancia is all you need, 2023"
  public static let settings = [
    Setting("margin", \Self.margin, "how much farther another class's mean should be"),
    Setting("shots", \Self.shots, "how many rows of a class are its support", in: 1...1_000_000),
  ]
  public static var dependsOnOrder: Bool { true }

  public static var reducesOtherRows: Bool { true }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let episode = Episode(wide) { $0 >= shots }
    let squares = Distance(.squaredEuclidean, normalizes: false).matrix(
      wide.embeddings.rows(at: episode.queries), episode.prototypes)
    return squareRoot(squares.shifted(by: 1e-6)).reduced(
      by: NearestOther(margin: margin), pairs: episode.pairs, weights: episode.weights(input),
      reducer: episode.reducer(input)
    ).narrowed(to: input.embeddings.dtype)
  }
}

private struct NearestOther: RowFunction {
  let margin: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let own = row.firstPositive else { return }
    var nearest: Int?
    for j in row.indices where row.kinds[j] < 0 {
      if nearest.map({ row.values[j] < row.values[$0] }) ?? true { nearest = j }
    }
    guard let nearest else {
      sums.terms.add(0)
      return
    }
    let cost = row.values[own] - row.values[nearest] + S(margin)
    guard cost > 0 else {
      sums.terms.add(0)
      return
    }
    (row.derivatives[own], row.derivatives[nearest]) = (1, -1)
    sums.terms.add(row.weighted(cost))
  }
}
