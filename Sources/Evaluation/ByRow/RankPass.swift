import Autodiff

/// What one pass over all distances finds: the ranks of each query's matches, and the distances
/// of pairs as far as the metrics of pairs need them.
package struct RankPass<S: Scalar> {
  /// For each measure, its value for each query; NaN marks a query without a match.
  package let values: [[Double]]
  /// The squared distances of matching pairs, ascending.
  package let positives: [S]
  /// How many pairs that do not match fall into each bin; see ``DistanceBin``. Those that are farther
  /// than all matching pairs and than a tenth of the others may be in the last.
  package let negativeBins: [Int]
  /// The sum of the distances of pairs that do not match.
  package let negativeDistances: Double
  /// The nearest rows of each query, as many for each; −1 where there are fewer.
  package let nearest: [Int32]
  /// The pairs that do not match among those that do, where the pass has counted them so.
  package let cells: NegativeCells<S>?
  /// Pairs by class and threshold, where the pass has counted them so.
  package let zones: ZoneCounts<S>?

  fileprivate struct Accumulator {
    var matches: [Int] = []
    var ladder = Ladder<S>()
    var before: [Int] = []
    var ranks: [Int] = []
    var positives: [S] = []
    /// Of all pairs, matching or not.
    var bins: [Int64] = []
    var distances = 0.0
  }

  /// - Parameters:
  ///   - nearestCount: how many of the nearest rows of each query to keep.
  ///   - curves: whether ``PairCurve`` and ``OperatingCurves`` will follow, which then need no passes
  ///     of their own.
  ///   - countsAllBins: whether the bins beyond what the curves need are wanted.
  ///   - inTiles: whether half of the products may be enough; the numbers are the same.
  package init(
    _ distances: DistanceRows<S>, measures: [@Sendable (Ranks) -> Double], countsPairs: Bool,
    nearestCount: Int = 0, curves: Bool = false, countsAllBins: Bool = true, inTiles: Bool = true
  ) {
    if inTiles, S.self == Float.self, MatchDistances.areFew(distances) {
      self.init(
        inTilesOf: distances, measures: measures, countsPairs: countsPairs,
        nearestCount: nearestCount, curves: curves, countsAllBins: countsAllBins)
    } else {
      self.init(
        byRowOf: distances, measures: measures, countsPairs: countsPairs,
        nearestCount: nearestCount)
    }
  }

  private init(
    byRowOf distances: DistanceRows<S>, measures: [@Sendable (Ranks) -> Double], countsPairs: Bool,
    nearestCount: Int
  ) {
    let (query, gallery) = (distances.query, distances.gallery)
    let kernels = LineKernels<S>()
    var initial = Accumulator()
    if countsPairs { initial.bins = Array(repeating: 0, count: DistanceBin.count) }
    var values = Array(repeating: Double.nan, count: measures.count * query.count)
    var nearest = [Int32](repeating: 0, count: nearestCount * query.count)
    let accumulators: [Accumulator]
    if measures.isEmpty, nearestCount == 0 {
      accumulators =
        countsPairs
        ? distances.reducePairs(initial) { lane, row, first, line in
          lane.countPairs(row, from: first, distances, line, kernels)
        } : []
    } else {
      accumulators = nearest.withUnsafeMutableBufferPointer { nearest in
        values.withUnsafeMutableBufferPointer { values in
          distances.reduce(initial) { lane, row, line in
            let place = row * nearestCount..<(row + 1) * nearestCount
            selectSmallest(line, into: UnsafeMutableBufferPointer(rebasing: nearest[place]))
            let number = query.classes[row]
            lane.findMatches(of: row, distances, line)
            if !lane.matches.isEmpty, !measures.isEmpty {
              lane.rankMatches(line, classes: gallery.classes, of: number, kernels)
              lane.ranks.withUnsafeBufferPointer { ranks in
                for (i, measure) in measures.enumerated() {
                  values[i * query.count + row] = measure(Ranks(values: ranks))
                }
              }
            }
            guard countsPairs else { return }
            let first = distances.isSelf ? min(row + 1, line.count) : 0
            lane.countPairs(
              row, from: first, distances, UnsafeMutableBufferPointer(rebasing: line[first...]),
              kernels)
          }
        }
      }
    }
    self.nearest = nearest
    self.values = measures.indices.map { Array(values[$0 * query.count..<($0 + 1) * query.count]) }
    let positives = accumulators.flatMap(\.positives).sorted()
    self.positives = positives
    // All pairs less those that match, and less those that do not count, which lie at infinity.
    let roots = positives.reduce(0.0) { $0 + Double($1).squareRoot() }
    negativeDistances = max(0, accumulators.reduce(0) { $0 + $1.distances } - roots)
    var bins = initial.bins.map { Int($0) }
    for lane in accumulators {
      for i in bins.indices { bins[i] += Int(lane.bins[i]) }
    }
    if countsPairs {
      bins[DistanceBin.of(S.infinity)] = 0
      for value in positives { bins[DistanceBin.of(value)] -= 1 }
    }
    negativeBins = bins
    (cells, zones) = (nil, nil)
  }
}

extension RankPass {
  /// The pairs of each bin by ascending distance, at the far end of the bin; `countsPairs` was given.
  package func pairCounts(scale: Double) -> [PairCount] {
    let positives = DistanceBin.counts(positives)
    return negativeBins.indices.compactMap { bin in
      guard positives[bin] + negativeBins[bin] > 0 else { return nil }
      return PairCount(
        distance: DistanceBin.end(bin).squareRoot() * scale, positives: positives[bin],
        negatives: negativeBins[bin])
    }
  }
}

extension RankPass.Accumulator {
  /// The rows of the matches, nearest first and equally distant ones by row.
  fileprivate mutating func findMatches(
    of row: Int, _ distances: DistanceRows<S>, _ line: UnsafeMutableBufferPointer<S>
  ) {
    matches.removeAll(keepingCapacity: true)
    for member in distances.gallery.members[distances.query.classes[row]]
    where distances.isCompared(row, member) {
      matches.append(member)
    }
    matches.sort { line[$0] != line[$1] ? line[$0] < line[$1] : $0 < $1 }
  }

  /// The rank of each match: one more than the number of others that come before it.
  fileprivate mutating func rankMatches(
    _ line: UnsafeMutableBufferPointer<S>, classes: [Int], of number: Int,
    _ kernels: LineKernels<S>
  ) {
    // A vector loop for each match is quicker than to look each distance up, up to about so many.
    guard matches.count > 32, let x = line.baseAddress else {
      ranks.removeAll(keepingCapacity: true)
      if let x = line.baseAddress {
        for match in matches {
          ranks.append(1 + kernels.countBefore(x, limit: x[match], ties: match, line.count))
        }
      }
      return
    }
    rankMany(UnsafeMutableBufferPointer(start: x, count: line.count), classes: classes, of: number)
  }

  private mutating func rankMany(
    _ line: UnsafeMutableBufferPointer<S>, classes: [Int], of number: Int
  ) {
    let matches = self.matches
    ladder.replaceValues { values in
      values.removeAll(keepingCapacity: true)
      for match in matches { values.append(line[match]) }
    }
    before.removeAll(keepingCapacity: true)
    before.append(contentsOf: repeatElement(0, count: matches.count + 1))
    let last = ladder.values[matches.count - 1]
    for (column, x) in line.enumerated() where x <= last {
      var position = ladder.countBelow(x)
      if ladder.values[position] == x {
        guard classes[column] != number else { continue }
        // Equally distant matches stand by row; those before the column come before it.
        var end = matches.count
        while position < end {
          let middle = (position + end) / 2
          if ladder.values[middle] == x, matches[middle] < column {
            position = middle + 1
          } else {
            end = middle
          }
        }
      }
      before[position] += 1
    }
    ranks.removeAll(keepingCapacity: true)
    var others = 0
    for i in matches.indices {
      others += before[i]
      ranks.append(others + i + 1)
    }
  }

  /// Notes the row's pairs with the rows from `first` on, matching or not.
  fileprivate mutating func countPairs(
    _ row: Int, from first: Int, _ distances: DistanceRows<S>,
    _ line: UnsafeMutableBufferPointer<S>, _ kernels: LineKernels<S>
  ) {
    for member in distances.gallery.members[distances.query.classes[row]]
    where member >= first && distances.isCompared(row, member) {
      positives.append(line[member - first])
    }
    guard let x = line.baseAddress else { return }
    bins.withUnsafeMutableBufferPointer { bins in
      if let bins = bins.baseAddress { kernels.countBins(bins, x, line.count) }
    }
    self.distances += kernels.sumOfRoots(x, line.count)
  }
}

/// Cuts squared distances into bins of about 0.2 % relative width, in ascending order.
package enum DistanceBin {
  package static let count = 1 << 17

  @inline(__always)
  package static func of<S: Scalar>(_ distance: S) -> Int { Int(Float(distance).bitPattern >> 14) }

  /// The least squared distance that lies beyond a bin.
  package static func end(_ bin: Int) -> Double {
    Double(min(Float(bitPattern: UInt32(bin + 1) << 14), .greatestFiniteMagnitude))
  }

  /// How many of some squared distances fall into each bin.
  package static func counts<S: Scalar>(_ values: [S]) -> [Int] {
    values.reduce(into: Array(repeating: 0, count: count)) { $0[of($1)] += 1 }
  }
}
