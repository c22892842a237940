import Autodiff
import Foundation
import Geometry
import Settings

/// Each positive told from noise, and each negative as noise, one by one.
///
/// With s the cosine and m the anchor's negatives, E the mean of exp(s / τ) over all pairs and
/// u = s / τ - log(m E), the mean over the anchors that have positives and negatives of
///
///     mean_P log(1 + exp(-u_ap)) + Σ_N log(1 + exp(u_an))
///
/// which is -log h - Σ_N log(1 - h) with h = P / (P + m / n), the probability that a row is the
/// anchor's own and not one of m drawn out of n, and P = exp(s / τ) / Z with Z = n E. E is found in
/// the first step, takes no gradient, is state, and is kept in checkpoints. Unlike a softmax, a
/// negative's pull does not depend on the others.
///
/// For instance discrimination give the loss a memory with a slot for each item, whose positives
/// are items: `memory: {slots: 'item', positives: 'item', size: 60000}` with `noise: 4096`, which
/// draws m = 4096 of its negatives for each anchor by itself, with replacement, as the paper does
/// (where one of them may be the anchor's own). Without `noise` an anchor has all of its negatives
/// as noise; `drawn: 4096` of the memory then lets a batch share 4096 slots, which costs less.
///
/// Defaults: τ = 0.07. One class, or distinct classes, give 0. O(batch × references).
/// - Reference: Wu et al., *Unsupervised Feature Learning via Non-Parametric Instance
///   Discrimination* (CVPR 2018).
public struct NoiseContrastiveLoss: Loss {
  public var temperature = 0.07
  /// How many negatives each anchor draws for itself; 0: all are its noise.
  public var noise = 0
  /// Whether log E is known, and it; [2], empty outside of training.
  private var normalizer = Tensor(zeros: [0], dtype: .float64)

  public init() {}

  public static let summary = "each positive told from noise, and each negative as noise"
  public static let source =
    "Wu et al., Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR 2018"
  public static let settings = [
    Setting("temperature", \Self.temperature, "the softness τ of a similarity", in: 1e-3...1e4),
    Setting(
      "noise", \Self.noise, "how many negatives each anchor draws for itself; 0: all",
      in: 0...10_000_000),
  ]

  public var labelUse: LabelUse { .pairs }

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    normalizer = Tensor(zeros: [2], dtype: .float64)
  }

  public mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    if normalizer.count == 2 { try body("normalizer", &normalizer) }
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let matrix = Distance.cosine.matrix(input.embeddings, input.reference?.embeddings)
    let found = logMean(input, matrix.detached)
    let rows = NoiseContrastiveRows(
      temperature: temperature, logMean: found ?? 0, noise: noise,
      random: input.random.split("noise"))
    var output = matrix.reduced(by: rows, pairs: input.pairs, reducer: input.rowReducer)
    if let found { output.state = [Tensor([1, found], shape: [2])] }
    return output
  }

  public func holdingWeights(of input: LossInput) -> any Loss {
    var result = self
    let matrix = Distance.cosine.matrix(
      input.embeddings.detached, input.reference?.embeddings.detached)
    if let found = logMean(input, matrix) { result.normalizer = Tensor([1, found], shape: [2]) }
    return result
  }

  /// log E, of this batch if it is not known; nil if the batch has no pairs.
  private func logMean(_ input: LossInput, _ matrix: Tensor) -> Double? {
    let known = normalizer.elements(as: Double.self)
    if known.count == 2, known[0] > 0 { return known[1] }
    let (pairs, values) = (input.allPairs, matrix.elements(as: Double.self))
    // The largest is taken off, so that neither all vanish nor one overflows.
    let peak = values.max() ?? 0
    var (sum, count) = (0.0, 0.0)
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: pairs.columns) { kinds in
      for row in 0..<pairs.rows {
        pairs.fill(kinds, row: row)
        for j in kinds.indices where kinds[j] != 0 {
          sum += exp((values[row * pairs.columns + j] - peak) / temperature)
          count += 1
        }
      }
    }
    return count > 0 ? log(max(sum, .leastNormalMagnitude) / count) + peak / temperature : nil
  }
}

private struct NoiseContrastiveRows: RowFunction {
  let temperature, logMean: Double
  let noise: Int
  let random: Random

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    var (positives, negatives) = (0, 0)
    for j in row.indices {
      if row.kinds[j] > 0 { positives += Int(row.kinds[j]) }
      if row.kinds[j] < 0 { negatives -= Int(row.kinds[j]) }
    }
    guard positives > 0, negatives > 0 else { return }
    guard noise > 0 else {
      add(row, negatives: negatives, positives: positives, into: &sums) { Int(-row.kinds[$0]) }
      return
    }
    // How often each column is drawn: a stream for each row, whatever thread it is on.
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: row.indices.count) { times in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: negatives) { places in
        var (count, stream) = (0, random.split(UInt64(row.index)))
        for j in row.indices {
          times[j] = 0
          for _ in 0..<max(0, -row.kinds[j]) {
            places[count] = Int32(j)
            count += 1
          }
        }
        for _ in 0..<noise { times[Int(places[stream.below(negatives)])] += 1 }
        add(row, negatives: noise, positives: positives, into: &sums) { Int(times[$0]) }
      }
    }
  }

  /// - Parameter count: how often a column that holds a negative is noise.
  @inline(__always)
  private func add<S: Scalar>(
    _ row: LossRow<S>, negatives: Int, positives: Int, into sums: inout LossSums,
    _ count: (Int) -> Int
  ) {
    let scale = S(1 / temperature)
    let shift = S(log(Double(negatives)) + logMean)
    let share = 1 / S(positives)
    var total: S = 0
    for j in row.indices where row.kinds[j] != 0 {
      let isPositive = row.kinds[j] > 0
      let times = isPositive ? S(row.kinds[j]) * share : S(count(j))
      guard times > 0 else { continue }
      let u = row.values[j] * scale - shift
      let (cost, slope) = softplus(isPositive ? -u : u)
      total += times * cost
      row.derivatives[j] = (isPositive ? -slope : slope) * times * scale
    }
    sums.terms.add(Double(total))
  }
}
