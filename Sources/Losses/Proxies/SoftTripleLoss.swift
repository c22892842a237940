import Autodiff
import Geometry
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
    guard let first = row.firstPositive,
      let (values, _, derivatives) = row.start
    else { return }
    let (inverse, lambda) = (1 / S(gamma), S(lambda))
    let (count, each) = (row.values.count, proxiesPerClass)
    let classes = count / each
    // The derivatives are exp((s - the class's largest) / γ) until the end.
    for c in 0..<classes {
      var peak = values[c * each]
      for j in c * each..<(c + 1) * each { peak = values[j] > peak ? values[j] : peak }
      for j in c * each..<(c + 1) * each { derivatives[j] = (values[j] - peak) * inverse }
    }
    _ = row.kernels.expSum(derivatives, derivatives, peak: 0, count)
    let cost = withUnsafeTemporaryAllocation(of: S.self, capacity: 3 * classes) { memory in
      guard let logits = memory.baseAddress else { return S.zero }
      let (similarities, sums) = (logits + classes, logits + 2 * classes)
      for c in 0..<classes {
        var (sum, total): (S, S) = (0, 0)
        for j in c * each..<(c + 1) * each {
          sum += derivatives[j]
          total += derivatives[j] * values[j]
        }
        sums[c] = sum
        similarities[c] = total / sum
        logits[c] = lambda * similarities[c]
      }
      let own = first / each
      logits[own] -= lambda * S(margin)
      let peak = row.kernels.maximum(logits, classes)
      let logit = logits[own] - peak
      let sum = row.kernels.expSum(logits, logits, peak: peak, classes)
      for c in 0..<classes {
        let slope = lambda * (logits[c] / sum - (c == own ? 1 : 0)) / sums[c]
        let similarity = similarities[c]
        for j in c * each..<(c + 1) * each {
          derivatives[j] *= slope * (1 + (values[j] - similarity) * inverse)
        }
      }
      return S.log(sum) - logit
    }
    sums.terms.add(row.weighted(cost))
  }
}
