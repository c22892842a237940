import Autodiff
import Geometry
import Settings

/// Positive pairs near each other, all pairs spread over the sphere.
///
/// With d² the squared Euclidean distance of normalised embeddings:
///
///     mean_P d² + λ log mean_{P ∪ N} exp(-t d²)
///
/// The value may be negative. Without pairs it is 0; without positive pairs the second part is left.
/// Tuples choose pairs; a pair that they repeat counts each time. O(batch²).
///
/// Defaults: λ = 1, t = 2.
/// - Reference: Wang and Isola, *Understanding Contrastive Representation Learning through Alignment
///   and Uniformity on the Hypersphere* (ICML 2020), for positives by class.
public struct AlignmentUniformityLoss: Loss {
  public var uniformity = 1.0
  public var sharpness = 2.0

  public init() {}

  public static let summary = "positive pairs near each other, all pairs spread over the sphere"
  public static let source =
    "Wang and Isola, Understanding Contrastive Representation Learning through Alignment and "
    + "Uniformity on the Hypersphere, ICML 2020"
  public static let settings = [
    Setting("uniformity", \Self.uniformity, "the weight λ of the spread", in: 0...1e6),
    Setting("sharpness", \Self.sharpness, "how near a pair must be to count, t", in: 1e-3...100),
  ]

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let squares = wide.distances(Distance(.squaredEuclidean))
    let pairs = input.pairs
    var output = squares.reduced(by: Alignment(), pairs: pairs)
    let potential = squares.reduced(by: Potential(sharpness: sharpness), pairs: pairs).value
    if potential.item > 0 {
      output.value = output.value + log(potential).scaled(by: uniformity)
    }
    return output.narrowed(to: input.embeddings.dtype)
  }
}

private struct Alignment: RowFunction {
  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    for j in row.indices where row.kinds[j] > 0 {
      sums.terms.add(Double(row.values[j]), times: Int(row.kinds[j]))
      row.derivatives[j] = S(row.kinds[j])
    }
  }
}

private struct Potential: RowFunction {
  let sharpness: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    for j in row.indices where row.kinds[j] != 0 {
      let times = Int(abs(row.kinds[j]))
      let value = S.exp(-S(sharpness) * row.values[j])
      sums.terms.add(Double(value), times: times)
      row.derivatives[j] = -S(sharpness) * value * S(times)
    }
  }
}
