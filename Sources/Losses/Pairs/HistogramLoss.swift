import Autodiff
import Geometry
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
    let cosines = Distance.cosine.matrix(input.embeddings, input.reference?.embeddings)
    let nodes = CosineNodes(cosines: cosines.detached, kinds: input.kindsInTriplets, bins: bins)
    let (positive, negative) = nodes.shares()
    guard let positive, let negative else {
      return LossOutput(value: cosines.sum().scaled(by: 0), active: 0)
    }
    var (value, below) = (0.0, 0.0)
    for r in 0...bins {
      below += positive.share(r)
      value += negative.share(r) * below
    }
    // What a pair changes that moves from the node to its left to the one to its right.
    let width = 2 / Double(bins)
    let slopes = (0..<bins).map { r in
      Sides(
        positive: -negative.share(r) / (width * positive.count),
        negative: positive.share(r + 1) / (width * negative.count))
    }
    let result = Tensor(value, dtype: cosines.dtype).recorded(
      "histogram",
      cosines.scaledEdge { Cotangent(nodes.derivative(slopes), times: $0.product.item) })
    return LossOutput(value: result, active: value > 0 ? 1 : 0)
  }
}

/// The cosines of a batch between nodes from -1 to 1.
private struct CosineNodes: Sendable {
  let cosines: Tensor
  let kinds: [Int32]
  let bins: Int

  struct Shares {
    /// By node, how many pairs are there, a pair shared between its neighbours.
    fileprivate(set) var pairs: [Double]
    fileprivate(set) var count = 0.0

    func share(_ node: Int) -> Double { pairs[node] / count }

    fileprivate mutating func add(_ node: Int, _ share: Double) {
      pairs[node] += 1 - share
      pairs[node + 1] += share
      count += 1
    }

    fileprivate mutating func add(_ other: Shares) {
      for node in pairs.indices { pairs[node] += other.pairs[node] }
      count += other.count
    }
  }

  /// The shares of positive and of negative pairs; nil for a side without pairs.
  func shares() -> (positive: Shares?, negative: Shares?) {
    let sides =
      cosines.dtype == .float32 ? summed(Float.self) : summed(Double.self)
    return (
      sides.positive.count > 0 ? sides.positive : nil,
      sides.negative.count > 0 ? sides.negative : nil
    )
  }

  /// The derivative in each cosine, from that in a pair between two nodes.
  func derivative(_ slopes: [Sides<Double>]) -> Tensor {
    func run<S: Scalar>(_: S.Type) -> Tensor {
      let slopes = slopes.map { (positive: S($0.positive), negative: S($0.negative)) }
      return cosines.withElements(of: S.self) { cosines in
        Tensor(shape: self.cosines.shape, of: S.self) { result in
          Parallel.forEachRange(cosines.count, grain: 8192) { range in
            for i in range {
              let kind = kinds[i]
              guard kind != 0 else {
                result[i] = 0
                continue
              }
              let slope = slopes[node(cosines[i]).node]
              result[i] = kind > 0 ? slope.positive : slope.negative
            }
          }
        }
      }
    }
    return cosines.dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The node to the left of a cosine, and the share of the node to the right.
  @inline(__always)
  private func node<S: Scalar>(_ cosine: S) -> (node: Int, share: Double) {
    let place = (min(1, max(-1, Double(cosine))) + 1) / 2 * Double(bins)
    let node = min(bins - 1, Int(place))
    return (node, place - Double(node))
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private func summed<S: Scalar>(_: S.Type) -> Sides<Shares> {
    let pieces = 16
    let grain = (kinds.count + pieces - 1) / pieces
    let empty = Shares(pairs: Array(repeating: 0, count: bins + 1))
    var sides = [Sides](repeating: Sides(positive: empty, negative: empty), count: pieces)
    sides.withUnsafeMutableBufferPointer { sides in
      cosines.withElements(of: S.self) { cosines in
        Parallel.forEachRange(kinds.count, grain: grain) { range in
          var (positive, negative) = (empty, empty)
          for i in range where kinds[i] != 0 {
            let (node, share) = node(cosines[i])
            if kinds[i] > 0 { positive.add(node, share) } else { negative.add(node, share) }
          }
          sides[range.lowerBound / max(1, grain)] = Sides(positive: positive, negative: negative)
        }
      }
    }
    return sides.reduce(into: Sides(positive: empty, negative: empty)) { all, piece in
      all.positive.add(piece.positive)
      all.negative.add(piece.negative)
    }
  }
}

extension LossInput {
  /// The kinds of the pairs that are in a triplet: 1, -1 or 0; of a pair and its mirror image, only
  /// the first.
  fileprivate var kindsInTriplets: [Int32] {
    guard tuples != nil || likeness != nil else { return kindsOfLabelsInTriplets }
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

  /// The same for all pairs of equal and of other labels, of which each is like its mirror image.
  private var kindsOfLabelsInTriplets: [Int32] {
    let pairs = self.pairs
    let (rows, columns) = (rowsOfColumns, pairs.columns)
    var isWhole = [Bool](repeating: false, count: pairs.rows)
    let places = self.places
    return [Int32](unsafeUninitializedCapacity: pairs.rows * columns) { all, count in
      count = pairs.rows * columns
      func row(_ i: Int) -> UnsafeMutableBufferPointer<Int32> {
        UnsafeMutableBufferPointer(rebasing: all[i * columns..<(i + 1) * columns])
      }
      isWhole.withUnsafeMutableBufferPointer { isWhole in
        Parallel.forEachRange(pairs.rows, grain: 32) { range in
          for i in range {
            pairs.fill(row(i), row: i)
            isWhole[i] = row(i).contains { $0 > 0 } && row(i).contains { $0 < 0 }
          }
        }
        Parallel.forEachRange(pairs.rows, grain: 32) { range in
          for i in range {
            let kinds = row(i)
            guard isWhole[i] else {
              kinds.update(repeating: 0)
              continue
            }
            guard places[i] != nil else { continue }
            for j in kinds.indices {
              if let other = rows[j], other < i, isWhole[other] { kinds[j] = 0 }
            }
          }
        }
      }
    }
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
