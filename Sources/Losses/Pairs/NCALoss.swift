import Autodiff
import Geometry
import Settings

/// The chance of drawing a neighbour of the same class.
///
/// With d the distance and the pairs of a row with itself left out, the mean over the rows that
/// have a positive of
///
///     -log(Σ_P exp(-s d²) / Σ_{P ∪ N} exp(-s d²))
///
/// Tuples weight the rows. Distinct classes give 0, where pytorch-metric-learning gives NaN; a row
/// far from its class keeps its gradient, where it drops rows whose share underflows to 0.
///
/// Defaults: s = 1, Euclidean distance of normalised embeddings, squared. O(batch²).
/// - Reference: Goldberger et al., *Neighbourhood Components Analysis* (NIPS 2004).
public struct NCALoss: Loss, RowFunction, Measuring {
  public var softmaxScale: Double
  public var distance: Distance

  public init(softmaxScale: Double, distance: Distance = Distance(.squaredEuclidean)) {
    (self.softmaxScale, self.distance) = (softmaxScale, distance)
  }
  public init() { self.init(softmaxScale: 1) }

  public static let summary = "the chance of drawing a neighbour of the same class"
  public static let source =
    "Goldberger et al., Neighbourhood Components Analysis, NIPS 2004"
  public static var settings: [Setting<Self>] {
    [Setting("softmaxScale", \Self.softmaxScale, "the sharpness s of the softmax", in: 1e-4...1e4)]
      + distanceSettings
  }

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    input.distances(distance).reduced(
      by: self, pairs: input.allPairs, weights: input.rowWeights, reducer: input.rowReducer)
  }

  public static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let cost = row.softmaxCost(scale: S(-distance.sign * softmaxScale)) else { return }
    sums.terms.add(row.weighted(cost))
  }
}
