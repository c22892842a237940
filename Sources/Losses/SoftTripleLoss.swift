import Autodiff
import Miners
import Settings

/// Softmax classification with several centers a class, softly chosen.
///
/// With s_ck the cosine to center k of class c, and y the row's class, the mean over the rows of
///
///     S_c = Σ_k softmax_k(s_ck / γ) s_ck
///     -log(exp(λ (S_y - δ)) / (exp(λ (S_y - δ)) + Σ_{c ≠ y} exp(λ S_c)))
///
/// Defaults: 10 centers a class, λ = 20, γ = 0.1, δ = 0.01; centers drawn evenly from
/// ±1/√(their number). O(batch × centers).
/// - Reference: Qian et al., *SoftTriple Loss: Deep Metric Learning Without Triplet Sampling*
///   (ICCV 2019).
public struct SoftTripleLoss: ClassifierLoss {
  public var proxiesPerClass: Int
  public var lambda, gamma, margin: Double
  public var proxies = noProxies
  public var distance: Distance { .cosine }

  public init(centersPerClass: Int, lambda: Double, gamma: Double, margin: Double) {
    proxiesPerClass = centersPerClass
    (self.lambda, self.gamma, self.margin) = (lambda, gamma, margin)
  }
  public init() { self.init(centersPerClass: 10, lambda: 20, gamma: 0.1, margin: 0.01) }

  public static let summary = "softmax classification with several centers a class, softly chosen"
  public static let source =
    "Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, ICCV 2019"
  public static let settings = [
    Setting("centersPerClass", \Self.proxiesPerClass, "how many centers a class has", in: 1...1000),
    Setting("lambda", \Self.lambda, "the sharpness λ of the softmax over classes", in: 1e-4...1e4),
    Setting("gamma", \Self.gamma, "the softness γ of the choice of a center", in: 1e-4...1e4),
    Setting("margin", \Self.margin, "what is taken from the own similarity", in: 0...2),
  ]

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    var random = random
    let count = classCount * proxiesPerClass
    proxies = Tensor(
      uniform: [count, dimension], bound: 1 / Double(max(1, count)).squareRoot(), dtype: dtype,
      random: &random)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let first = row.kinds.firstIndex(where: { $0 > 0 }) else { return }
    let (gamma, lambda) = (S(gamma), S(lambda))
    // Each class has its similarity S_c at its first element, and -∞ at the others.
    for start in stride(from: 0, to: row.values.count, by: proxiesPerClass) {
      let (similarity, _, _) = choice(row.values[start..<start + proxiesPerClass], gamma)
      for j in start..<start + proxiesPerClass { row.derivatives[j] = -.infinity }
      row.derivatives[start] = lambda * (start == first ? similarity - S(margin) : similarity)
    }
    let cost = row.crossEntropy(target: first)
    for start in stride(from: 0, to: row.values.count, by: proxiesPerClass) {
      let slope = row.derivatives[start] * lambda
      let (similarity, peak, sum) = choice(row.values[start..<start + proxiesPerClass], gamma)
      for j in start..<start + proxiesPerClass {
        let share = S.exp((row.values[j] - peak) / gamma) / sum
        row.derivatives[j] = slope * share * (1 + (row.values[j] - similarity) / gamma)
      }
    }
    sums.terms.add(row.weighted(cost))
  }

  /// S_c, the largest similarity, and Σ exp((s - largest) / γ).
  @inline(__always)
  private func choice<S: Scalar>(
    _ values: Slice<UnsafeBufferPointer<S>>, _ gamma: S
  ) -> (similarity: S, peak: S, sum: S) {
    var peak = -S.infinity
    for value in values { peak = max(peak, value) }
    var (sum, total): (S, S) = (0, 0)
    for value in values {
      let weight = S.exp((value - peak) / gamma)
      sum += weight
      total += weight * value
    }
    return (total / sum, peak, sum)
  }
}
