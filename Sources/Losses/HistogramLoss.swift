import Autodiff
import Miners
import Settings

/// How likely a negative pair is more similar than a positive pair, by soft histograms.
///
/// With h₊ and h₋ the shares of the positive and the negative pairs at R + 1 nodes from -1 to 1, a
/// pair's cosine shared linearly between its two neighbours:
///
///     Σ_r h₋(r) Σ_{q ≤ r} h₊(q)
///
/// A pair counts if it is in a triplet, that is, if one of its rows has both a positive and a negative
/// as an anchor; it counts once, whichever of its rows is the anchor and however often tuples repeat
/// it. Cosines are cut to [-1, 1], where pytorch-metric-learning stops with an error. One class, or
/// distinct classes, give 0. O(batch² + R).
///
/// Default: R = 100.
/// - Reference: Ustinova and Lempitsky, *Learning Deep Embeddings with Histogram Loss* (NeurIPS
///   2016).
public struct HistogramLoss: Loss {
  public var bins = 100

  public init() {}

  public static let summary = "how likely a negative pair is more similar than a positive one"
  public static let source =
    "Ustinova and Lempitsky, Learning Deep Embeddings with Histogram Loss, NeurIPS 2016"
  public static let settings = [
    Setting("bins", \Self.bins, "how many bins there are from -1 to 1", in: 1...100_000)
  ]

  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let cosines = Distance.cosine.matrix(wide.embeddings, wide.reference?.embeddings)
    let values = cosines.elements(as: Double.self)
    let kinds = input.kindsInTriplets
    // The node to the left of each cosine, and the share of the node to the right.
    let places = values.map { value in
      let place = (min(1, max(-1, value)) + 1) / 2 * Double(bins)
      let node = min(bins - 1, Int(place))
      return (node: node, share: place - Double(node))
    }
    var positive = [Double](repeating: 0, count: bins + 1)
    var negative = positive
    var (positives, negatives) = (0.0, 0.0)
    for (i, kind) in kinds.enumerated() where kind != 0 {
      let (node, share) = places[i]
      let times = Double(abs(kind))
      if kind > 0 {
        positive[node] += times * (1 - share)
        positive[node + 1] += times * share
        positives += times
      } else {
        negative[node] += times * (1 - share)
        negative[node + 1] += times * share
        negatives += times
      }
    }
    guard positives > 0, negatives > 0 else {
      return LossOutput(
        value: cosines.sum().scaled(by: 0).narrowed(to: input.embeddings.dtype), active: 0)
    }
    var (value, below) = (0.0, 0.0)
    for r in 0...bins {
      positive[r] /= positives
      negative[r] /= negatives
      below += positive[r]
      value += negative[r] * below
    }
    let width = 2 / Double(bins)
    let slopes = kinds.indices.map { i in
      let (times, node) = (Double(kinds[i]), places[i].node)
      return times > 0
        ? -negative[node] / (width * positives) * times
        : -positive[node + 1] / (width * negatives) * times
    }
    let result = Tensor(value, dtype: .float64).recorded(
      "histogram",
      cosines.edge { [shape = cosines.shape] in Tensor(slopes, shape: shape).scaled(by: $0.item) })
    return LossOutput(value: result, active: value > 0 ? 1 : 0)
      .narrowed(to: input.embeddings.dtype)
  }
}

extension LossInput {
  /// The kinds of the pairs that are in a triplet: 1, -1 or 0; of a pair and its mirror image, only
  /// the first.
  fileprivate var kindsInTriplets: [Int32] {
    let pairs = self.pairs
    let columns = pairs.columns
    var kinds = pairs.kinds.map { $0.signum() }
    if case .triplets = tuples {
    } else {
      for i in 0..<pairs.rows {
        let row = i * columns..<(i + 1) * columns
        if !kinds[row].contains(1) || !kinds[row].contains(-1) {
          for place in row { kinds[place] = 0 }
        }
      }
    }
    let (places, rows) = (self.places, rowsOfColumns)
    for i in 0..<pairs.rows {
      guard let column = places[i] else { continue }
      for j in 0..<columns {
        guard let other = rows[j], other < i, kinds[other * columns + column] != 0 else { continue }
        kinds[i * columns + j] = 0
      }
    }
    return kinds
  }
}

extension PairTable {
  /// The kind of every pair, by rows.
  var kinds: [Int32] {
    var all = [Int32](repeating: 0, count: rows * columns)
    all.withUnsafeMutableBufferPointer { all in
      for i in 0..<rows {
        fill(UnsafeMutableBufferPointer(rebasing: all[i * columns..<(i + 1) * columns]), row: i)
      }
    }
    return all
  }
}
