import Autodiff
import Geometry
import Settings

/// The hardest share of a batch's positive pairs, and of its negative pairs.
///
/// Of all positive pairs the ⌈f n⌉ that are farthest, of all negative pairs the ⌈f n⌉ that are
/// nearest. Of pairs that tie, the one with the smallest anchor, then the smallest other, is taken.
/// - Complexity: O(batch²).
public struct HDCMiner: StreamingMiner, Measuring {
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

  public static let findsTriplets = false

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let pairs = PairTable(labels: labels, reference: reference)
    let matrix = distance.matrix(embeddings.detached, reference?.embeddings.detached)
    var shares = shares(of: pairs, matrix)
    return hardest(0..<pairs.rows, of: pairs, matrix, &shares)
  }

  public func forEachBlock(
    of size: Int, _ embeddings: Tensor, labels: [Int], random: Random, _ body: (Tuples) -> Void
  ) {
    let pairs = PairTable(labels: labels, reference: nil)
    let matrix = distance.matrix(embeddings.detached)
    var shares = shares(of: pairs, matrix)
    for start in stride(from: 0, to: pairs.rows, by: size) {
      body(hardest(start..<min(pairs.rows, start + size), of: pairs, matrix, &shares))
    }
  }

  /// How hard the pairs of a kind are that are taken.
  private struct Share {
    /// How many of the lowest bits of a key tell nothing.
    var shift = 64
    /// Pairs with a greater key are all taken.
    var threshold: UInt64 = 0
    /// How many of those with this key are still to be taken; nil to take none at all.
    var ties: Int?
  }

  /// Finds the threshold of each kind digit by digit, from the highest: the pairs are counted by
  /// the digit, so that they need neither be listed nor sorted.
  private func shares(of pairs: PairTable, _ matrix: Tensor) -> [Share] {
    var shares = [Share(), Share()]
    // A float as a double has 29 bits that tell nothing.
    for width in matrix.dtype == .float32 ? [12, 12, 12] : [12, 12, 12, 14, 14] {
      let (known, digits) = (shares, 1 << width)
      let shift = UInt64(known[0].shift - width)
      let counts = matrix.mapAnchors(
        0..<pairs.rows, of: pairs, sign: distance.sign, grain: max(16, pairs.rows / 8),
        [Int32](repeating: 0, count: 2 * digits)
      ) { row, counts in
        for j in row.indices where row.kinds[j] != 0 {
          let kind = row.kinds[j] > 0 ? 0 : 1
          let key = HDCMiner.key(row, j) >> shift
          guard key >> UInt64(width) == known[kind].threshold else { continue }
          counts[kind * digits + Int(truncatingIfNeeded: key) & (digits - 1)] += 1
        }
      }
      for kind in 0...1 {
        let sums = (0..<digits).map { digit in
          counts.reduce(0) { $0 + Int($1[kind * digits + digit]) }
        }
        if known[kind].shift == 64 {
          let wanted = Int((fraction * Double(sums.reduce(0, +))).rounded(.up))
          shares[kind].ties = wanted > 0 ? wanted : nil
        }
        shares[kind].shift -= width
        guard var left = shares[kind].ties else { continue }
        var digit = digits - 1
        while digit > 0, sums[digit] < left {
          left -= sums[digit]
          digit -= 1
        }
        shares[kind].threshold = shares[kind].threshold << UInt64(width) | UInt64(digit)
        shares[kind].ties = left
      }
    }
    return shares
  }

  private struct Taken {
    var pairs: [Pair] = []
    /// The places in ``pairs`` of those that are as hard as the threshold.
    var ties: [Int] = []
  }

  /// The pairs of some anchors that are taken, and in `shares` how many ties are left for the next.
  private func hardest(
    _ anchors: Range<Int>, of pairs: PairTable, _ matrix: Tensor, _ shares: inout [Share]
  ) -> Tuples {
    let (known, grain) = (shares, 64)
    let found = matrix.mapAnchors(
      anchors, of: pairs, sign: distance.sign, grain: grain,
      [Taken](repeating: Taken(), count: 2)
    ) { row, found in
      for j in row.indices where row.kinds[j] != 0 {
        let kind = row.kinds[j] > 0 ? 0 : 1
        guard let ties = known[kind].ties else { continue }
        let key = HDCMiner.key(row, j) >> UInt64(known[kind].shift)
        guard key >= known[kind].threshold else { continue }
        if key == known[kind].threshold {
          guard found[kind].ties.count < ties else { continue }
          found[kind].ties.append(found[kind].pairs.count)
        }
        found[kind].pairs.append(Pair(row.anchor, j))
      }
    }
    var taken: [[Pair]] = [[], []]
    for piece in found {
      for kind in 0...1 {
        guard let left = shares[kind].ties else { continue }
        let ties = piece[kind].ties
        if ties.count <= left {
          taken[kind] += piece[kind].pairs
        } else {
          let surplus = Set(ties[left...])
          taken[kind] += piece[kind].pairs.indices.lazy.filter { !surplus.contains($0) }
            .map { piece[kind].pairs[$0] }
        }
        shares[kind].ties = max(0, left - ties.count)
      }
    }
    return .pairs(positive: taken[0], negative: taken[1])
  }

  /// A number that is greater the harder a pair is.
  private static func key(_ row: Candidates, _ j: Int) -> UInt64 {
    // Adding 0 makes -0 one with 0.
    let hardness = (row.kinds[j] > 0 ? row.distances[j] : -row.distances[j]) + 0
    let bits = hardness.bitPattern
    return bits >> 63 == 1 ? ~bits : bits | 1 << 63
  }
}
