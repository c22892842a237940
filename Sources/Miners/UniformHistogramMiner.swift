import Autodiff
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
      .converted(to: .float64)
    return matrix.withElements(of: Double.self) { values in
      .pairs(
        positive: draw(
          positivesPerBin, sign: 1, of: pairs, values, random.split("positive")),
        negative: draw(
          negativesPerBin, sign: -1, of: pairs, values, random.split("negative")))
    }
  }

  /// Draws from each bin of the pairs of one kind.
  ///
  /// Which pairs of a bin, counted in their order, is drawn before the pairs are looked up, so no
  /// list of all pairs is needed.
  private func draw(
    _ count: Int, sign: Int32, of pairs: PairTable, _ values: UnsafeBufferPointer<Double>,
    _ random: Random
  ) -> [Pair] {
    var (least, greatest) = (Double.infinity, -Double.infinity)
    forEachPair(sign, of: pairs) { i, j in
      least = min(least, values[i * pairs.columns + j])
      greatest = max(greatest, values[i * pairs.columns + j])
    }
    guard least <= greatest else { return [] }
    let width = (greatest - least) / Double(bins)
    let bin = { (value: Double) -> Int in
      width > 0 ? min(bins - 1, Int((value - least) / width)) : 0
    }
    var sizes = [Int](repeating: 0, count: bins)
    forEachPair(sign, of: pairs) { i, j in sizes[bin(values[i * pairs.columns + j])] += 1 }
    let drawn = sizes.enumerated().map { b, size -> [Int] in
      guard size > 0 else { return [] }
      var random = random.split(UInt64(b))
      return (0..<count).map { _ in random.below(size) }.sorted()
    }
    var (seen, taken) = (
      [Int](repeating: 0, count: bins), [Int](repeating: 0, count: bins)
    )
    var found: [Pair] = []
    forEachPair(sign, of: pairs) { i, j in
      let b = bin(values[i * pairs.columns + j])
      while taken[b] < drawn[b].count, drawn[b][taken[b]] == seen[b] {
        found.append(Pair(i, j))
        taken[b] += 1
      }
      seen[b] += 1
    }
    return found
  }

  private func forEachPair(_ sign: Int32, of pairs: PairTable, _ body: (Int, Int) -> Void) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: pairs.columns) { kinds in
      for i in 0..<pairs.rows {
        pairs.fill(kinds, row: i)
        for j in 0..<pairs.columns where kinds[j].signum() == sign { body(i, j) }
      }
    }
  }
}
