import Autodiff
import Foundation
import Geometry
import Settings

/// Each positive against all negatives of its anchor and a mixture of the hardest, easy pairs
/// weighted down.
///
/// With s the cosine, h̃ a mixed negative of the anchor a, and for each positive pair (a, p)
///
///     π = exp(s_ap / τ) / (exp(s_ap / τ) + Σ_N exp(s_an / τ) + exp(s(a, h̃) / τ))
///
/// the mean over the positive pairs of (1 − π)^γ · (−log π); the weight takes no gradient. The
/// mixture is of the ``hardest`` negatives h_k most similar to the anchor, of unit length, scaled to
/// unit length itself; gradients flow through it, but not through its coefficients:
///
///     list   Σ_k α_k h_k,  α = softmax(s(a, h_k) / τ)
///     pair   λ h_i + (1 − λ) h_j,  i ≠ j drawn, λ ~ Beta(2, 2)
///
/// An anchor with fewer than two negatives has no mixture. What is drawn depends on the labels of
/// the batch and the anchor's row. γ = 0 and no mixture is the loss "nt-xent". An anchor without
/// negatives adds 0.
///
/// Defaults: τ = 0.05, γ = 0.5, a list of 8. One class, or distinct classes, give 0. O(batch²)
/// memory; another product of the similarities' size for the mixture.
/// - Reference: Zhao et al., *KaLM-Embedding-V2* (2025); the form of the weight and the coefficients
///   of the list are reconstructed.
public struct FocalInfoNCELoss: Loss {
  public enum Mixing: String, CaseIterable, Sendable { case none, list, pair }
  public var temperature = 0.05
  public var gamma = 0.5
  public var mixing = Mixing.list
  public var hardest = 8
  /// What takes no gradient, when it is held for a batch.
  private var held: Held?

  private struct Held: Sendable {
    var coefficients: Tensor?
    /// A weight for each pair, [rows, columns].
    var weights: [Double]
  }

  public init() {}

  public static let summary =
    "each positive against all negatives and a mixture of the hardest, easy pairs weighted down"
  public static let source =
    "Zhao et al., KaLM-Embedding-V2: Superior Training Techniques and Data Inspire A Versatile "
    + "Embedding Model, 2025"
  public static let settings = [
    Setting("temperature", \Self.temperature, "the softness τ of the softmax", in: 1e-3...1e4),
    Setting("gamma", \Self.gamma, "how much easy pairs are weighted down, γ", in: 0...100),
    Setting("mixing", \Self.mixing, "how hard negatives are mixed"),
    Setting("hardest", \Self.hardest, "how many of the hardest are mixed", in: 2...1_000_000),
  ]

  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let unit = input.embeddings.withUnitRows()
    let others = input.reference.map { $0.embeddings.withUnitRows() }
    let matrix = others.map { unit.timesTransposed($0) } ?? unit.timesOwnTranspose()
    let pairs = input.pairs
    guard mixing != .none else {
      return matrix.reduced(
        by: FocalRows(loss: self, weights: held?.weights, coefficients: nil), pairs: pairs)
    }
    let coefficients =
      held?.coefficients ?? self.coefficients(matrix.detached, pairs, labels: input.labels)
    let mixed = coefficients.times(others ?? unit).withUnitRows()
    let column = (unit * mixed).sumOverColumns().reshaped(to: [pairs.rows, 1])
    return matrix.appendingColumns(column).reduced(
      by: FocalRows(loss: self, weights: held?.weights, coefficients: coefficients),
      pairs: pairs.withIgnoredColumns(1))
  }

  public func holdingWeights(of input: LossInput) -> any Loss {
    var result = self
    let unit = input.embeddings.detached.withUnitRows()
    let others = input.reference.map { $0.embeddings.detached.withUnitRows() }
    let matrix = others.map { unit.timesTransposed($0) } ?? unit.timesOwnTranspose()
    let pairs = input.pairs
    let coefficients =
      mixing == .none ? nil : self.coefficients(matrix, pairs, labels: input.labels)
    let columns = pairs.columns
    let values = matrix.elements(as: Double.self)
    let mixed = coefficients.map {
      (unit * $0.times(others ?? unit).withUnitRows()).sumOverColumns().elements(as: Double.self)
    }
    let rows = FocalRows(loss: self, weights: nil, coefficients: coefficients)
    var weights = [Double](repeating: 0, count: pairs.rows * columns)
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
      for row in 0..<pairs.rows {
        pairs.fill(kinds, row: row)
        let logits = (0..<columns).filter { kinds[$0] < 0 }.map { values[row * columns + $0] }
        let all = logits + (rows.hasMixture(row) ? [mixed?[row] ?? 0] : [])
        guard let peak = all.max() else { continue }
        let sum = all.reduce(0) { $0 + exp(($1 - peak) / temperature) }
        for j in 0..<columns where kinds[j] > 0 {
          let slope = softplus(
            log(sum) + (peak - values[row * columns + j]) / temperature
          ).slope
          weights[row * columns + j] = pow(slope, gamma)
        }
      }
    }
    result.held = Held(coefficients: coefficients, weights: weights)
    return result
  }

  /// What each row's mixture is made of, [rows, columns]; a row of zeros for none.
  private func coefficients(_ matrix: Tensor, _ pairs: PairTable, labels: [Int]) -> Tensor {
    let (rows, columns) = (pairs.rows, pairs.columns)
    let values = matrix.elements(as: Double.self)
    var result = [Double](repeating: 0, count: rows * columns)
    let seed = labels.reduce(UInt64(labels.count)) {
      ($0 ^ UInt64(bitPattern: Int64($1))) &* 0x100_0000_01B3
    }
    result.withUnsafeMutableBufferPointer { result in
      let result = result
      Parallel.forEachRange(rows, grain: 16) { range in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
          for row in range {
            pairs.fill(kinds, row: row)
            let own = values[row * columns..<(row + 1) * columns]
            let first = own.startIndex
            let hard = nearest(columns, kinds, { own[first + $0] })
            guard hard.count > 1 else { continue }
            switch mixing {
            case .none: break
            case .list:
              for j in hard {
                result[row * columns + j] = exp(
                  (own[first + j] - own[first + hard[0]]) / temperature)
              }
            case .pair:
              var random = Random(seed: seed).split(UInt64(row))
              let i = random.below(hard.count)
              let k = (i + 1 + random.below(hard.count - 1)) % hard.count
              // The median of three even draws has the distribution Beta(2, 2).
              let share = (0..<3).map { _ in random.uniform() }.sorted()[1]
              result[row * columns + hard[i]] = share
              result[row * columns + hard[k]] = 1 - share
            }
          }
        }
      }
    }
    return Tensor(result, shape: [rows, columns]).converted(to: matrix.dtype)
  }

  /// The most similar negatives in order, of equal ones the first.
  private func nearest(
    _ columns: Int, _ kinds: UnsafeMutableBufferPointer<Int32>, _ value: (Int) -> Double
  ) -> [Int] {
    var found: [Int] = []
    for j in 0..<columns where kinds[j] < 0 {
      guard found.count < hardest || value(j) > value(found[found.count - 1]) else { continue }
      if found.count == hardest { found.removeLast() }
      var place = found.count
      while place > 0, value(found[place - 1]) < value(j) { place -= 1 }
      found.insert(j, at: place)
    }
    return found
  }
}

private struct FocalRows: RowFunction {
  let (temperature, gamma): (Double, Double)
  let weights: [Double]?
  /// For each row whether it has a mixture, in the last column; empty if no row has.
  let mixtures: [Bool]

  init(loss: FocalInfoNCELoss, weights: [Double]?, coefficients: Tensor?) {
    (temperature, gamma) = (loss.temperature, loss.gamma)
    self.weights = weights
    mixtures =
      coefficients.map { coefficients in
        let (numbers, columns) = (coefficients.elements(as: Double.self), coefficients.shape[1])
        return (0..<coefficients.shape[0]).map { row in
          numbers[row * columns..<(row + 1) * columns].contains { $0 != 0 }
        }
      } ?? []
  }

  func hasMixture(_ row: Int) -> Bool { row < mixtures.count && mixtures[row] }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let scale = S(1 / temperature)
    let columns = row.values.count - (mixtures.isEmpty ? 0 : 1)
    let mixture = hasMixture(row.index) ? columns : -1
    var peak = mixture >= 0 ? row.values[mixture] : -S.infinity
    for j in 0..<columns where row.kinds[j] < 0 { peak = max(peak, row.values[j]) }
    var sum: S = 0
    if peak > -S.infinity {
      for j in row.indices where row.kinds[j] < 0 || j == mixture {
        let times = j == mixture ? 1 : S(-row.kinds[j])
        let share = times * S.exp((row.values[j] - peak) * scale)
        row.derivatives[j] = share
        sum += share
      }
    }
    let total = sum > 0 ? peak * scale + S.log(sum) : 0
    var push: S = 0
    for j in 0..<columns where row.kinds[j] > 0 {
      let times = Int(row.kinds[j])
      guard sum > 0 else {
        sums.terms.add(0, times: times)
        continue
      }
      let (cost, slope) = softplus(total - row.values[j] * scale)
      // 1 − π is the slope itself.
      let weight = weights.map { S($0[row.index * columns + j]) } ?? S(pow(Double(slope), gamma))
      sums.terms.add(Double(weight * cost), times: times)
      row.derivatives[j] = -weight * slope * scale * S(times)
      push += weight * slope * scale * S(times)
    }
    guard sum > 0 else { return }
    for j in row.indices where row.kinds[j] < 0 || j == mixture {
      row.derivatives[j] *= push / sum
    }
  }
}
