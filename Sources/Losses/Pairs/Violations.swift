import Autodiff
import Geometry

/// The violations x = d(a, p) - d(a, n) of all triplets of a batch, counted in equal bins.
///
/// A bin starts at each edge, `first` + b × `width`; what lies outside belongs to the first or to the
/// last of them. Joined pairs are not looked at triplet by triplet: for each positive and each edge
/// among its violations, one pass over the anchor's row finds how many are beyond the edge and how far
/// in all, and the bins are differences of these.
/// - Complexity: O(batch² × positives × edges among a positive's violations, at most
///   `mostEdges`) time, O(batch²) memory.
package struct Violations: Sendable {
  let values: Tensor
  let pairs: PairTable
  /// The triplets of each anchor; nil where its pairs are joined.
  let triplets: [[Triplet]]?
  let first, width: Double
  let bins: Int

  /// With more edges than this, it is faster to look at every triplet.
  package var mostEdges = 24

  package init(
    values: Tensor, pairs: PairTable, triplets: [[Triplet]]?, first: Double, width: Double,
    bins: Int
  ) {
    (self.values, self.pairs, self.triplets) = (values, pairs, triplets)
    (self.first, self.width, self.bins) = (first, width, bins)
  }

  package struct Sums {
    /// By bin: how many triplets, shared with the next bin, and the sum of their violations.
    package var shares, totals: [Double]
    package var count = 0.0
    package var active = 0.0
  }

  package func summed() -> Sums {
    values.dtype == .float32 ? summed(Float.self) : summed(Double.self)
  }

  /// The derivative in each distance, from that in a violation of each bin.
  package func derivative(_ slopes: [Double]) -> Tensor {
    values.dtype == .float32 ? derivative(slopes, Float.self) : derivative(slopes, Double.self)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private func summed<S: Scalar>(_: S.Type) -> Sums {
    let grain = 16
    let empty = Sums(
      shares: Array(repeating: 0, count: bins), totals: Array(repeating: 0, count: bins))
    var pieces = [Sums](repeating: empty, count: (pairs.rows + grain - 1) / grain)
    pieces.withUnsafeMutableBufferPointer { pieces in
      forEachRow(grain: grain) { (row: ViolationRow<S>) in
        add(row, to: &pieces[row.index / grain])
      }
    }
    return pieces.reduce(into: empty) { all, piece in
      for b in 0..<bins {
        all.shares[b] += piece.shares[b]
        all.totals[b] += piece.totals[b]
      }
      all.count += piece.count
      all.active += piece.active
    }
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private func derivative<S: Scalar>(_ slopes: [Double], _: S.Type) -> Tensor {
    let columns = pairs.columns
    return Tensor(shape: [pairs.rows, columns], of: S.self) { result in
      forEachRow(grain: 16) { (row: ViolationRow<S>) in
        let place = row.index * columns..<(row.index + 1) * columns
        let derivatives = UnsafeMutableBufferPointer(rebasing: result[place])
        derivatives.update(repeating: 0)
        pull(row, slopes, derivatives)
      }
    }
  }

  private func forEachRow<S: Scalar>(grain: Int, _ body: (ViolationRow<S>) -> Void) {
    let columns = pairs.columns
    let kernels = RowKernels<S>()
    values.withElements(of: S.self) { values in
      Parallel.forEachRange(pairs.rows, grain: grain) { rows in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
          withUnsafeTemporaryAllocation(of: S.self, capacity: columns) { room in
            for i in rows {
              if triplets == nil { pairs.fill(kinds, row: i) }
              body(
                ViolationRow(
                  index: i,
                  values: UnsafeBufferPointer(rebasing: values[i * columns..<(i + 1) * columns]),
                  kinds: UnsafeBufferPointer(kinds), room: room, kernels: kernels))
            }
          }
        }
      }
    }
  }

  /// Where a bin starts.
  private func edge(_ bin: Int) -> Double { first + Double(bin) * width }

  /// The bin of a violation, and the share that the next one has of it.
  @inline(__always)
  private func bin(_ x: Double) -> (bin: Int, share: Double) {
    let place = max(0, (x - first) / width)
    guard place < Double(bins - 1) else { return (bins - 1, 0) }
    let bin = Int(place)
    return (bin, x <= first ? 0 : place - Double(bin))
  }

  @inline(__always)
  private func add<S: Scalar>(_ row: ViolationRow<S>, to sums: inout Sums) {
    func add(_ x: Double, times: Double) {
      let (bin, share) = bin(x)
      sums.shares[bin] += times * (1 - share)
      if share > 0 { sums.shares[bin + 1] += times * share }
      sums.totals[bin] += times * x
      sums.count += times
      if x > 0 { sums.active += times }
    }
    if let triplets {
      for triplet in triplets[row.index] { add(row.violation(of: triplet), times: 1) }
      return
    }
    guard let negatives = row.negatives else { return }
    row.forEachPositive { p, near, times in
      let (low, high) = (bin(near - negatives.farthest).bin, bin(near - negatives.nearest).bin)
      guard high - low <= mostEdges else {
        return row.forEachNegative { n, count in
          add(near - Double(row.values[n]), times: times * count)
        }
      }
      sums.count += negatives.count * times
      sums.active += row.beyond(0, near: near, negatives, includingEqual: false).count * times
      // What is beyond the edge of a bin: all, for the lowest bin.
      let all = (count: negatives.count, total: negatives.count * near - negatives.total)
      var inner = all
      var innerExcess =
        near - negatives.farthest < edge(low)
        ? row.beyond(edge(low), near: near, negatives).excess
        : all.total - all.count * edge(low)
      for b in low...high {
        var (outer, outerExcess) = ((count: 0.0, total: 0.0), 0.0)
        if b < high {
          let found = row.beyond(edge(b + 1), near: near, negatives)
          outerExcess = found.excess
          outer = (found.count, found.excess + found.count * edge(b + 1))
        }
        let count = inner.count - outer.count
        let shared =
          b + 1 < bins
          ? min(count, max(0, (innerExcess - outerExcess) / width - outer.count)) : 0
        sums.shares[b] += times * (count - shared)
        if shared > 0 { sums.shares[b + 1] += times * shared }
        sums.totals[b] += times * (inner.total - outer.total)
        (inner, innerExcess) = (outer, outerExcess)
      }
    }
  }

  @inline(__always)
  private func pull<S: Scalar>(
    _ row: ViolationRow<S>, _ slopes: [Double], _ derivatives: UnsafeMutableBufferPointer<S>
  ) {
    if let triplets {
      for triplet in triplets[row.index] {
        let slope = S(slopes[bin(row.violation(of: triplet)).bin])
        derivatives[triplet.positive] += slope
        derivatives[triplet.negative] -= slope
      }
      return
    }
    guard let negatives = row.negatives, let start = derivatives.baseAddress else { return }
    // What every negative gets, and then more from edge to edge.
    var common = 0.0
    row.forEachPositive { p, near, times in
      let (low, high) = (bin(near - negatives.farthest).bin, bin(near - negatives.nearest).bin)
      var own = 0.0
      if high - low <= mostEdges {
        common += slopes[low] * times
        own = slopes[low] * negatives.count
        for b in low..<high {
          let step = slopes[b + 1] - slopes[b]
          own += step * row.pull(start, beyond: edge(b + 1), near: near, by: step * times)
        }
      } else {
        row.forEachNegative { n, count in
          let slope = slopes[bin(near - Double(row.values[n])).bin] * count
          own += slope
          derivatives[n] -= S(slope * times)
        }
      }
      derivatives[p] += S(own * times)
    }
    row.forEachNegative { n, count in derivatives[n] -= S(common * count) }
  }
}

/// The distances from one anchor.
private struct ViolationRow<S: Scalar> {
  let index: Int
  let values: UnsafeBufferPointer<S>
  let kinds: UnsafeBufferPointer<Int32>
  /// As many numbers, for passing use.
  let room: UnsafeMutableBufferPointer<S>
  let kernels: RowKernels<S>

  /// How many negatives there are, a pair as often as it occurs, the sum of their distances, and the
  /// least and the greatest.
  struct Negatives {
    let count, total, nearest, farthest: Double
  }

  var negatives: Negatives? {
    guard let x = values.baseAddress, let kinds = kinds.baseAddress else { return nil }
    let sums = kernels.sideSums(x, kinds: kinds, values.count).negative
    guard sums.count > 0 else { return nil }
    return Negatives(
      count: Double(sums.count), total: sums.total,
      nearest: -Double(kernels.sideMaxima(x, kinds: kinds, slope: -1, values.count).negative),
      farthest: Double(kernels.sideMaxima(x, kinds: kinds, values.count).negative))
  }

  func violation(of triplet: Triplet) -> Double {
    Double(values[triplet.positive]) - Double(values[triplet.negative])
  }

  /// Calls `body` with each positive, its distance and how often it occurs.
  @inline(__always)
  func forEachPositive(_ body: (_ place: Int, _ distance: Double, _ times: Double) -> Void) {
    guard let start = kinds.baseAddress else { return }
    var p = kernels.nextPositive(start, from: 0, kinds.count)
    while p < kinds.count {
      body(p, Double(values[p]), Double(kinds[p]))
      p = kernels.nextPositive(start, from: p + 1, kinds.count)
    }
  }

  /// Calls `body` with each negative and how often it occurs.
  @inline(__always)
  func forEachNegative(_ body: (_ place: Int, _ times: Double) -> Void) {
    for n in kinds.indices where kinds[n] < 0 { body(n, Double(-kinds[n])) }
  }

  /// How many violations with a positive are beyond an edge, and by how much in all.
  func beyond(
    _ edge: Double, near: Double, _ negatives: Negatives, includingEqual: Bool = true
  ) -> (count: Double, excess: Double) {
    guard near - negatives.nearest >= edge else { return (0, 0) }
    guard near - negatives.farthest < edge || !includingEqual else {
      return (negatives.count, negatives.count * (near - edge) - negatives.total)
    }
    let (count, excess) = hinges(room.baseAddress, limit(edge, near, includingEqual), times: 0)
    return (count, excess)
  }

  /// Takes `step` from the derivative of each negative with a violation beyond an edge, as often as it
  /// occurs; returns how many there are.
  func pull(
    _ derivatives: UnsafeMutablePointer<S>, beyond edge: Double, near: Double, by step: Double
  ) -> Double {
    hinges(derivatives, limit(edge, near, true), times: S(step)).count
  }

  /// What a negative's distance is below.
  private func limit(_ edge: Double, _ near: Double, _ includingEqual: Bool) -> S {
    let limit = S(near - edge)
    return includingEqual ? limit.nextUp : limit
  }

  private func hinges(
    _ steps: UnsafeMutablePointer<S>?, _ limit: S, times: S
  ) -> (count: Double, total: Double) {
    guard let steps, let x = values.baseAddress, let kinds = kinds.baseAddress else {
      return (0, 0)
    }
    let found = kernels.tripletHinges(
      steps, x, kinds: kinds, limit: limit, sign: 1, times: times, values.count)
    return (Double(found.activeCount), found.total)
  }
}
