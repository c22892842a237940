import Autodiff
import Geometry
import Settings

/// The multi-similarity loss between classes, through one learned mean field per class.
///
/// With d = 1 - cos to the fields, g the same between fields, K of C classes in the batch, and
/// ⟨·⟩_c the mean over the rows of class c, which is 0 for a class without rows:
///
///     1/(α K) Σ_c log(1 + ⟨exp(α (d_c + δ - 1))⟩_c)
///     + 1/(2 β K) Σ_{c ≠ c'} log(1 + ⟨exp(-β (d_c' + δ - 1))⟩_c + ⟨exp(-β (d_c + δ - 1))⟩_c')
///     + λ/C Σ_{c ≠ c'} (log(1 + exp(β (1 - δ - g_cc'))) / β)ᵖ
///
/// Tuples do not matter. Defaults: α = 0.01, β = 80, δ = 0.8, λ = 0, p = 2; fields drawn from
/// N(0, 1). O(batch × classes + classes²).
/// - Reference: Furusawa, *Mean Field Theory in Deep Metric Learning* (ICLR 2024).
public struct MeanFieldClassWiseMultiSimilarityLoss: ProxyLoss {
  public var alpha = 0.01
  public var beta = 80.0
  public var base = 0.8
  public var regularization = 0.0
  public var power = 2.0
  public var proxies = noProxies

  public init() {}

  public static let summary = "the multi-similarity loss between classes, through learned fields"
  public static let source = "Furusawa, Mean Field Theory in Deep Metric Learning, ICLR 2024"
  public static let settings = [
    Setting("alpha", \Self.alpha, "how sharply rows of a class are weighted", in: 1e-6...100),
    Setting("beta", \Self.beta, "how sharply other classes are weighted", in: 1e-6...300),
    Setting("base", \Self.base, "the similarity δ that splits near from far", in: -1...2),
    Setting("regularization", \Self.regularization, "what near fields cost, λ", in: 0...1e6),
    Setting("power", \Self.power, "what a cost between fields is raised to", in: 1...10),
  ]

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let (rows, count) = (input.labels.count, classCount)
    var counts = [Double](repeating: 0, count: count)
    for label in input.labels { counts[label] += 1 }
    let present = Double(max(1, counts.count { $0 > 0 }))
    var averages = [Double](repeating: 0, count: count * rows)
    for (row, label) in input.labels.enumerated() {
      averages[label * rows + row] = 1 / counts[label]
    }
    var own = [Double](repeating: 0, count: count * count)
    for c in 0..<count { own[c * count + c] = 1 }
    let diagonal = Tensor(own, shape: [count, count])
    let others = diagonal.scaled(by: -1).shifted(by: 1)
    let average = Tensor(averages, shape: [count, rows])

    let fields = proxies.widened()
    // d + δ - 1 = δ - cos
    let x = Distance.cosine.matrix(input.embeddings.widened(), fields)
      .scaled(by: -1).shifted(by: base)
    let near = average.times(exp(x.scaled(by: alpha))) * diagonal
    let far = average.times(exp(x.scaled(by: -beta)))
    let positive = log(near.shifted(by: 1)).sum().scaled(by: 1 / (alpha * present))
    let negative = log(((far + far.transposed) * others).shifted(by: 1)).sum()
      .scaled(by: 1 / (2 * beta * present))
    var value = positive + negative
    if regularization > 0 {
      let cost = softplus(Distance.cosine.matrix(fields).shifted(by: -base).scaled(by: beta))
        .scaled(by: 1 / beta)
      let raised = power == 2 ? cost * cost : exp(log(cost.shifted(by: 1e-300)).scaled(by: power))
      value = value + (raised * others).sum().scaled(by: regularization / Double(max(1, count)))
    }
    let active = rows > 0 ? 1.0 : 0
    return LossOutput(value: value, active: active).narrowed(to: input.embeddings.dtype)
  }
}
