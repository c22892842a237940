import Autodiff
import Geometry
import Settings

/// The contrastive loss between rows and one learned mean field per class.
///
/// With d = 1 - cos to the mean field of each class, y the row's class, and g the same between mean
/// fields, the mean over the rows, and over the classes, of
///
///     [d_y - m₊]₊ + Σ_{c ≠ y} [m₋ - d_c]₊,    λ Σ_{c' ≠ c} [m₋ - g_cc']₊ᵖ
///
/// A row of zeros has cosine 0 to all proxies and takes no gradient; one class, or one row, is
/// classified like any other batch.
///
/// Defaults: m₊ = 0.02, m₋ = 0.3, λ = 0, p = 2; fields drawn from N(0, 1). O(batch × classes).
/// - Reference: Furusawa, *Mean Field Theory in Deep Metric Learning* (ICLR 2024).
public struct MeanFieldContrastiveLoss: ClassifierLoss {
  public var positiveMargin = 0.02
  public var negativeMargin = 0.3
  public var regularization = 0.0
  public var power = 2.0
  public var proxies = noProxies
  public var distance: Distance { .cosine }

  public init() {}

  public static let summary = "the contrastive loss between rows and a learned field per class"
  public static let source = "Furusawa, Mean Field Theory in Deep Metric Learning, ICLR 2024"
  public static let settings = [
    Setting("positiveMargin", \Self.positiveMargin, "how far a row may be from its field"),
    Setting("negativeMargin", \Self.negativeMargin, "how far a row should be from other fields"),
    Setting("regularization", \Self.regularization, "what near fields cost, λ", in: 0...1e6),
    Setting("power", \Self.power, "what the hinge between fields is raised to", in: 1...10),
  ]

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    var output = distance.matrix(input.embeddings, proxies).reduced(
      by: self, pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
      weights: input.rowWeights, reducer: input.rowReducer)
    if regularization > 0 {
      let fields = distance.matrix(proxies).reduced(
        by: FieldHinges(margin: negativeMargin, power: power),
        pairs: PairTable(labels: proxyLabels, reference: nil))
      output.value = output.value + fields.value.scaled(by: regularization)
    }
    return output
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (positive, negative) = (S(positiveMargin), S(negativeMargin))
    var cost: S = 0
    for j in row.indices {
      let d = 1 - row.values[j]
      let hinge = row.kinds[j] > 0 ? d - positive : negative - d
      guard hinge > 0 else { continue }
      cost += hinge
      row.derivatives[j] = row.kinds[j] > 0 ? -1 : 1
    }
    sums.terms.add(row.weighted(cost))
  }
}

private struct FieldHinges: RowFunction {
  let margin, power: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    var cost: S = 0
    for j in row.indices where row.kinds[j] != 0 {
      let hinge = S(margin) - 1 + row.values[j]
      guard hinge > 0 else { continue }
      // hingeᵖ⁻¹, and so hingeᵖ.
      let slope = power == 2 ? hinge : S.exp(S(power - 1) * S.log(hinge))
      cost += slope * hinge
      row.derivatives[j] = S(power) * slope
    }
    sums.terms.add(Double(cost))
  }
}
