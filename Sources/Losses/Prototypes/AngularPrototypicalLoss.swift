import Autodiff
import Geometry
import Settings

/// Softmax classification of a query by the cosines to the means of the classes.
///
/// The first row of each class is its query q, the mean of its other rows its prototype c; with a
/// reference set every row is a query, and the prototypes are the means of the references' classes.
/// The mean over the queries of
///
///     -log(exp(w cos(q, c_y) + b) / Σ_k exp(w cos(q, c_k) + b))
///
/// The means are of raw embeddings. The bias b cancels, so it takes no gradient and is there to
/// state published settings. A class of one row is a prototype without a query; without a query,
/// or with one class, the loss is 0. The order of a class's rows matters. O(batch × classes).
///
/// Defaults: w = 10, learned; b = -5.
/// - Reference: Chung et al., *In Defence of Metric Learning for Speaker Recognition* (Interspeech
///   2020).
public struct AngularPrototypicalLoss: ScaledLoss {
  public var scale = 10.0
  public var bias = -5.0
  public var learnsScale = true
  public var learnedScale = Tensor([Float](), shape: [0])

  public init() {}

  public static let summary = "softmax classification by cosines to the classes' means"
  public static let source =
    "Chung et al., In Defence of Metric Learning for Speaker Recognition, Interspeech 2020"
  public static var dependsOnOrder: Bool { true }
  public static var settings: [Setting<Self>] {
    scaleSettings + [Setting("bias", \Self.bias, "what is added to every cosine; it cancels")]
  }

  public static var reducesOtherRows: Bool { true }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let episode = Episode(wide) { $0 == 0 }
    let cosines = Distance.cosine.matrix(
      wide.embeddings.rows(at: episode.queries), episode.prototypes)
    return scaled(cosines).reduced(
      by: ClassSoftmax(), pairs: episode.pairs, weights: episode.weights(input),
      reducer: episode.reducer(input)
    ).narrowed(to: input.embeddings.dtype)
  }
}
