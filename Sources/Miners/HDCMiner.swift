import Autodiff
import Settings

/// The hardest share of a batch's positive pairs, and of its negative pairs.
///
/// Of all positive pairs the ⌈f n⌉ that are farthest, of all negative pairs the ⌈f n⌉ that are
/// nearest. Of pairs that tie, the one with the smallest anchor, then the smallest other, is taken.
/// - Complexity: O(batch² log batch) time, O(batch²) memory.
public struct HDCMiner: Miner, Measuring {
  public var fraction: Double
  public var distance: Distance

  public init(fraction: Double, distance: Distance = .euclidean) {
    (self.fraction, self.distance) = (fraction, distance)
  }
  public init() { self.init(fraction: 0.5) }

  public static let summary = "the hardest share of all positive and of all negative pairs"
  public static let source =
    "Yuan, Yang and Zhang, Hard-Aware Deeply Cascaded Embedding, ICCV 2017"
  public static var settings: [Setting<Self>] {
    [Setting("fraction", \Self.fraction, "the share f of the pairs of a kind", in: 0...1)]
      + distanceSettings
  }

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let pairs = PairTable(labels: labels, reference: reference)
    let values = distance.matrix(embeddings.detached, reference?.embeddings.detached)
      .elements(as: Double.self)
    let columns = pairs.columns
    var positive: [Ranked] = []
    var negative = positive
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
      for i in 0..<pairs.rows {
        pairs.fill(kinds, row: i)
        for j in 0..<columns where kinds[j] != 0 {
          let value = distance.sign * values[i * columns + j]
          if kinds[j] > 0 {
            positive.append(Ranked(hardness: value, anchor: Int32(i), other: Int32(j)))
          } else {
            negative.append(Ranked(hardness: -value, anchor: Int32(i), other: Int32(j)))
          }
        }
      }
    }
    return .pairs(positive: hardest(of: &positive), negative: hardest(of: &negative))
  }

  /// A pair and how hard it is, in 16 bytes: a batch has many.
  private struct Ranked {
    var hardness: Double
    var anchor, other: Int32
  }

  private func hardest(of pairs: inout [Ranked]) -> [Pair] {
    let count = Int((fraction * Double(pairs.count)).rounded(.up))
    pairs.sort {
      $0.hardness != $1.hardness
        ? $0.hardness > $1.hardness : ($0.anchor, $0.other) < ($1.anchor, $1.other)
    }
    return pairs.prefix(count).map { Pair(Int($0.anchor), Int($0.other)) }
  }
}
