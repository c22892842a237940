import Autodiff
import Foundation
import Geometry
import Settings

/// The means of the classes of a batch apart from each other.
///
/// With μ_k the mean of the raw embeddings of class k, K classes in the batch, C classes in all, and
/// s_kl = cos(μ_k, μ_l), s_kk = 0:
///
///     B = 1/C mean_k log(Σ_l exp(τ s_kl) + 10⁻¹⁰)
///     (1 - ρ) softmax cross-entropy of W x + ρ B
///
/// With ρ = 1 there are no class weights W and the loss is the block term alone. The weights have no
/// bias. A class mean of length 0 has cosine 0 to all. Tuples weight the rows of the cross-entropy.
/// References that are no rows of the batch count as rows of it. O(batch × classes + classes²).
///
/// Defaults: τ = 0.2, ρ = 1 (the publication's total has 0.5).
/// - Reference: Kulatilleke, Chandra and Portmann, *NBC-Softmax: Darkweb Author Fingerprinting and
///   Migration Tracking* (2022).
public struct NBCLoss: ProxyLoss {
  public var sharpness = 0.2
  public var ratio = 1.0
  public var proxies = noProxies
  /// How many classes there are in all; nil before parameters are made, for those of the batch.
  private var allClasses: Int?

  public init() {}

  public static let summary = "the means of the classes of a batch apart from each other"
  public static let source =
    "Kulatilleke, Chandra and Portmann, NBC-Softmax: Darkweb Author Fingerprinting and Migration "
    + "Tracking, 2022"
  public static let settings = [
    Setting("sharpness", \Self.sharpness, "what τ multiplies cosines of means", in: 0...100),
    Setting(
      "ratio", \Self.ratio, "the share ρ of the block term; 1 leaves the softmax out", in: 0...1),
  ]

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    allClasses = classCount
    guard ratio < 1 else { return }
    var random = random
    proxies = Tensor(
      normal: [classCount, dimension], deviation: 1 / Double(max(1, dimension)).squareRoot(),
      dtype: dtype, random: &random)
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    if ratio < 1 { try body("proxies", &proxies) }
  }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    if ratio < 1 {
      try validateProxies(input, at: place)
    } else {
      try input.validate(at: place)
    }
  }

  public var scoreDistance: Distance { Distance(.dot, normalizes: false) }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let wide = input.widened
    let groups = input.rowsByClass
    let classes = allClasses ?? (ratio < 1 ? proxies.shape[0] : groups.count)
    let cosines = Distance.cosine.matrix(wide.embeddings.means(of: groups))
    var output = cosines.reduced(
      by: BlockRows(sharpness: sharpness),
      pairs: PairTable(labels: Array(groups.indices), reference: nil))
    output.value = output.value.scaled(by: ratio / Double(max(1, classes)))
    if ratio < 1 {
      let softmax = wide.embeddings.timesTransposed(proxies.widened()).reduced(
        by: ClassSoftmax(),
        pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
        weights: input.rowWeights)
      output.value = output.value + softmax.value.scaled(by: 1 - ratio)
    }
    return output.narrowed(to: input.embeddings.dtype)
  }
}

extension LossInput {
  /// The rows of each class, in the order of the classes.
  var rowsByClass: [[Int]] {
    labels.placesByLabel.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Refuses a reference set.
  func validateNoReference(at place: String) throws(Failure) {
    guard reference == nil else {
      throw Failure(
        .badData, at: place, "there is a reference set",
        expected: "none, because this loss compares the rows of a batch with each other")
    }
  }
}

private struct BlockRows: RowFunction {
  let sharpness: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sharpness = S(sharpness)
    // The diagonal counts as exp 0.
    var sum: S = 1 + S(1e-10)
    for j in row.indices where row.kinds[j] != 0 {
      row.derivatives[j] = S.exp(sharpness * row.values[j])
      sum += row.derivatives[j]
    }
    for j in row.indices { row.derivatives[j] *= sharpness / sum }
    sums.terms.add(Double(S.log(sum)))
  }
}
