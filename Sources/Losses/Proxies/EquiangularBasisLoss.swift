import Autodiff
import Geometry
import Settings

/// Softmax classification by the cosine to fixed unit vectors that are as good as orthogonal.
///
/// With v_k the vector of class k and y the row's class, the mean over the rows of
///
///     -Σ_k t_k log softmax_k(cos(x, v_k) / T),    t_k = (1 - ε) [k = y] + ε / C
///
/// The basis takes no gradient. It is made once: with at least as many dimensions as classes, random
/// orthonormal vectors; else random unit vectors, moved down the gradient of Σ [|v_i · v_j| - t]₊
/// until no |v_i · v_j| is above t + 10⁻⁴, or for 1000 steps. Such a bound exists only for
/// t ≥ √((C - d) / (d (C - 1))). Classes are the labels from 0; references
/// that are no rows of the batch are further rows.
///
/// A row of zeros has cosine 0 to all and takes no gradient.
///
/// Defaults: T = 0.07, ε = 0, t = 0.002. O(batch × classes); making the basis O(classes² ×
/// dimension) a step.
/// - Reference: Shen, Sun and Wei, *Equiangular Basis Vectors* (CVPR 2023).
public struct EquiangularBasisLoss: ClassifierLoss {
  public var temperature = 0.07
  public var labelSmoothing = 0.0
  public var threshold = 0.002
  public var proxies = noProxies
  public var distance: Distance { .cosine }
  /// The basis that the parameters may not change, for a gradient to be checked.
  private var held: Tensor?

  public init() {}

  public static let summary = "softmax classification by fixed, almost orthogonal unit vectors"
  public static let source = "Shen, Sun and Wei, Equiangular Basis Vectors, CVPR 2023"
  public static let settings = [
    Setting("temperature", \Self.temperature, "the softness T of the softmax", in: 1e-4...1e4),
    Setting(
      "labelSmoothing", \Self.labelSmoothing, "the share ε spread over all classes", in: 0...1),
    Setting("threshold", \Self.threshold, "the cosine t that the basis may reach", in: 1e-6...1),
  ]

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    var random = random
    let start = Tensor(
      normal: [classCount, dimension], deviation: 1, dtype: .float64, random: &random)
    proxies = equiangularBasis(from: start, threshold: threshold).converted(to: dtype)
  }

  public func holdingWeights(of input: LossInput) -> any Loss {
    var loss = self
    loss.held = proxies.detached
    return loss
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    return distance.matrix(input.embeddings, held ?? proxies.detached).reduced(
      by: self, pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
      weights: input.rowWeights, reducer: input.rowReducer)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    ClassSoftmax(scale: 1 / temperature, smoothing: labelSmoothing).evaluate(row, into: &sums)
  }
}

/// Unit vectors with small products, from random ones.
func equiangularBasis(from start: Tensor, threshold: Double) -> Tensor {
  let (count, width) = (start.shape[0], start.shape[1])
  if count <= width { return start.orthonormalRows() }
  var basis = start.withUnitRows()
  for _ in 0..<1000 {
    let products = basis.timesOwnTranspose().elements(as: Double.self)
    var slopes = [Double](repeating: 0, count: count * count)
    var largest = 0.0
    for i in 0..<count {
      for j in 0..<count where j != i {
        let product = products[i * count + j]
        largest = max(largest, Swift.abs(product))
        if Swift.abs(product) > threshold { slopes[i * count + j] = product > 0 ? 2 : -2 }
      }
    }
    guard largest > threshold + 1e-4 else { break }
    let step = Tensor(slopes, shape: [count, count]).times(basis)
    // Half the threshold at most, or a pair jumps over the bound and back.
    basis = (basis - step.scaled(by: min(1e-3, threshold / 2))).withUnitRows()
  }
  return basis
}

extension Tensor {
  /// Rows that span what these span, of length 1 and orthogonal (Gram and Schmidt, twice).
  fileprivate func orthonormalRows() -> Tensor {
    let (count, width) = (shape[0], shape[1])
    var rows = elements(as: Double.self)
    for i in 0..<count {
      for _ in 0..<2 {
        for j in 0..<i {
          let product = (0..<width).reduce(0) { $0 + rows[i * width + $1] * rows[j * width + $1] }
          for k in 0..<width { rows[i * width + k] -= product * rows[j * width + k] }
        }
      }
      let length = (0..<width).reduce(0) { $0 + rows[i * width + $1] * rows[i * width + $1] }
        .squareRoot()
      for k in 0..<width { rows[i * width + k] /= max(length, 1e-12) }
    }
    return Tensor(rows, shape: shape)
  }
}
