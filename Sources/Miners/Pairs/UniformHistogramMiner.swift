import Autodiff
import Geometry
import Settings

/// Pairs drawn so that all distances are seen equally often.
///
/// The range from the least to the greatest distance of the batch's positive pairs is cut into
/// ``bins`` of equal width, the greatest belonging to the last; each bin that is not empty gives
/// ``positivesPerBin`` of its pairs, drawn evenly and with replacement. The same for negatives.
/// Pairs come out in the order of their anchors; one that is drawn again is repeated.
/// - Complexity: O(batch² + bins × pairs per bin × log); O(batch²) memory.
public struct UniformHistogramMiner: Miner, Measuring {
  public var bins, positivesPerBin, negativesPerBin: Int
  public var distance: Distance

  public init(
    bins: Int, positivesPerBin: Int = 10, negativesPerBin: Int = 10,
    distance: Distance = .euclidean
  ) {
    self.bins = bins
    (self.positivesPerBin, self.negativesPerBin) = (positivesPerBin, negativesPerBin)
    self.distance = distance
  }
  public init() { self.init(bins: 100) }

  public static let summary = "pairs drawn evenly over the bins of a histogram of distances"
  public static let source =
    "Musgrave, Belongie and Lim, PyTorch Metric Learning, 2020 (no paper of its own)"
  public static var settings: [Setting<Self>] {
    [
      Setting("bins", \Self.bins, "how many bins the distances are put in", in: 1...1_000_000),
      Setting(
        "positivesPerBin", \Self.positivesPerBin, "how many positive pairs a bin gives",
        in: 1...1_000_000),
      Setting(
        "negativesPerBin", \Self.negativesPerBin, "how many negative pairs a bin gives",
        in: 1...1_000_000),
    ] + distanceSettings
  }

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let pairs = PairTable(labels: labels, reference: reference)
    let matrix = distance.matrix(embeddings.detached, reference?.embeddings.detached)
    return .pairs(
      positive: draw(
        positivesPerBin, sign: 1, of: pairs, matrix, random.split("positive")),
      negative: draw(
        negativesPerBin, sign: -1, of: pairs, matrix, random.split("negative")))
  }

  /// Draws from each bin of the pairs of one kind.
  ///
  /// Which pairs of a bin, counted in their order, is drawn before the pairs are looked up, so no
  /// list of all pairs is needed.
  private func draw(
    _ count: Int, sign: Int32, of pairs: PairTable, _ matrix: Tensor, _ random: Random
  ) -> [Pair] {
    // Few pieces: each has a count for every bin.
    let grain = max(16, pairs.rows / 8)
    func scan<Found>(
      _ initial: Found, _ body: (_ anchor: Int, _ other: Int, Double, inout Found) -> Void
    ) -> [Found] {
      matrix.mapAnchors(
        0..<pairs.rows, of: pairs, sign: 1, grain: grain, initial
      ) { row, found in
        for j in row.indices where row.kinds[j].signum() == sign {
          body(row.anchor, j, row.distances[j], &found)
        }
      }
    }
    let ends = scan((least: Double.infinity, greatest: -Double.infinity)) { _, _, value, ends in
      ends.least = min(ends.least, value)
      ends.greatest = max(ends.greatest, value)
    }
    let least = ends.map(\.least).min() ?? 0
    let greatest = ends.map(\.greatest).max() ?? 0
    guard least <= greatest else { return [] }
    let (bins, width) = (bins, (greatest - least) / Double(bins))
    let bin = { (value: Double) -> Int in
      width > 0 ? min(bins - 1, Int((value - least) / width)) : 0
    }
    let sizes = scan([Int](repeating: 0, count: bins)) { _, _, value, sizes in
      sizes[bin(value)] += 1
    }
    let drawn = (0..<bins).map { b -> [Int] in
      let size = sizes.reduce(0) { $0 + $1[b] }
      guard size > 0 else { return [] }
      var random = random.split(UInt64(b))
      return (0..<count).map { _ in random.below(size) }.sorted()
    }
    // Each piece goes on counting where the pieces before it end.
    var before = [Int](repeating: 0, count: bins)
    var starts: [[Int]] = []
    for piece in sizes {
      starts.append(before)
      for b in 0..<bins { before[b] += piece[b] }
    }
    return scan((seen: [Int](), taken: [Int](), pairs: [Pair]())) { anchor, other, value, found in
      if found.seen.isEmpty {
        found.seen = starts[anchor / grain]
        found.taken = (0..<bins).map { b in
          drawn[b].firstIndex { $0 >= found.seen[b] } ?? drawn[b].count
        }
      }
      let b = bin(value)
      while found.taken[b] < drawn[b].count, drawn[b][found.taken[b]] == found.seen[b] {
        found.pairs.append(Pair(anchor, other))
        found.taken[b] += 1
      }
      found.seen[b] += 1
    }.flatMap(\.pairs)
  }
}
