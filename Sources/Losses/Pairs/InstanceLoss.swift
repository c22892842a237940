import Autodiff
import Geometry
import Settings

/// Every row of a batch as a class of its own, which its whole class may claim.
///
/// With s the similarity (a distance is negated) and C the rows of the row's class, itself among
/// them, the mean over the rows of
///
///     -log(Σ_C exp(γ s) / Σ_j exp(γ s_j))
///
/// With `parity`, as in pytorch-metric-learning: the only right row is the one whose number is the
/// rank of the row's label among those of the columns. Both are the paper's where every class
/// has one row and labels ascend.
///
/// One class gives 0; one row too. A row of zeros takes no gradient.
///
/// Defaults: γ = 64, cosine. Tuples weight the rows. O(batch²).
/// - Reference: Zheng et al., *Dual-Path Convolutional Image-Text Embeddings with Instance Loss*
///   (ACM TOMM 2020).
public struct InstanceLoss: Loss, RowFunction, Measuring {
  public var gamma: Double
  public var parity: Bool
  public var distance: Distance

  public init(gamma: Double, parity: Bool = false, distance: Distance = .cosine) {
    (self.gamma, self.parity, self.distance) = (gamma, parity, distance)
  }
  public init() { self.init(gamma: 64) }

  public static let summary = "every row as a class of its own, which its whole class may claim"
  public static let source =
    "Zheng et al., Dual-Path Convolutional Image-Text Embeddings with Instance Loss, 2020"
  public static var settings: [Setting<Self>] {
    [
      Setting("gamma", \Self.gamma, "the sharpness γ of the softmax", in: 1e-4...1e4),
      Setting("parity", \Self.parity, "whether to be as pytorch-metric-learning is"),
    ] + distanceSettings
  }

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    if let plain = input.rowReducer.plain(for: self), comparesCosinesOfBatch(input),
      let classes = input.allPairs.numbers?.rows
    {
      return SymmetricSoftmax(classes: classes, scale: gamma)
        .reduced(distance.scaled(input.embeddings), as: plain)
    }
    var pairs = input.allPairs.withPositives(at: input.places)
    if parity {
      let labels = input.reference?.labels ?? input.labels
      let order = Set(labels).sorted()
      let ranks = Dictionary(uniqueKeysWithValues: zip(order, order.indices))
      pairs = PairTable(
        rowLabels: input.labels.map { ranks[$0] ?? -1 }, columnLabels: Array(labels.indices))
    }
    return input.distances(distance).reduced(
      by: self, pairs: pairs, weights: input.rowWeights, reducer: input.rowReducer)
  }

  /// Whether rows are compared with each other, by cosines, so that one exponential serves two rows,
  /// and none of a row with itself is too small for float32.
  private func comparesCosinesOfBatch(_ input: LossInput) -> Bool {
    let isCosine = distance.kind == .cosine || distance.kind == .dot && distance.normalizes
    return isCosine && gamma <= 80 && !parity && input.reference == nil && input.chunk == nil
      && input.rowWeights == nil
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let cost = row.softmaxCost(scale: S(-distance.sign * gamma)) else { return }
    sums.terms.add(row.weighted(cost))
  }
}
