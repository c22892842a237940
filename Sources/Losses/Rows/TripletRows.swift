import Autodiff
import Geometry

/// The term of one triplet.
struct HingeTerm: Sendable {
  let margin: Double
  /// What makes a distance of a value: 1, or -1 for a similarity.
  let sign: Double
  let isSmooth: Bool

  /// The term for the violation x = d(a, p) - d(a, n) + m, and its derivative.
  @inline(__always)
  func callAsFunction<S: Scalar>(_ x: S) -> (value: S, slope: S) {
    isSmooth ? softplus(x) : x > 0 ? (x, 1) : (0, 0)
  }
}

/// Every positive of an anchor with every negative.
struct JoinedTriplets: RowFunction {
  let term: HingeTerm
  var reduction: Reduction { .meanOfActive }

  /// With more positives than this, sorting is faster than looking at every triplet.
  var mostPositives = 192

  init(term: HingeTerm) { self.term = term }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let isListed = term.isSmooth || sums.terms.isSelective
    guard isListed || row.kinds.count(where: { $0 > 0 }) > mostPositives else {
      return visit(row, into: &sums.terms)
    }
    let positives = row.indices.filter { row.kinds[$0] > 0 }
    let negatives = row.indices.filter { row.kinds[$0] < 0 }
    if isListed {
      enumerate(row, positives, negatives, into: &sums.terms)
    } else {
      sort(row, positives, negatives, into: &sums.terms)
    }
  }

  /// Each positive with all negatives at once.
  private func visit<S: Scalar>(_ row: LossRow<S>, into terms: inout TermSum) {
    guard let (values, kinds, derivatives) = row.start else { return }
    let (margin, sign) = (S(term.margin), S(term.sign))
    var added = TermSum()
    row.forEachPositive { p in
      let times = Int(kinds[p])
      let found = row.kernels.tripletHinges(
        derivatives, values, kinds: kinds, limit: sign * values[p] + margin, sign: sign,
        times: S(times), row.values.count)
      derivatives[p] += sign * S(found.activeCount * times)
      added.add(
        total: found.total * Double(times), count: found.count * times,
        activeCount: found.activeCount * times)
    }
    terms.add(added)
  }

  private func enumerate<S: Scalar>(
    _ row: LossRow<S>, _ positives: [Int], _ negatives: [Int], into terms: inout TermSum
  ) {
    let (margin, sign) = (S(term.margin), S(term.sign))
    for p in positives {
      let limit = sign * row.values[p] + margin
      var (total, slopes): (S, S) = (0, 0)
      var (count, activeCount) = (0, 0)
      let positiveTimes = row.kinds[p]
      for n in negatives {
        let (cost, slope) = term(limit - sign * row.values[n])
        let times = -row.kinds[n] * positiveTimes
        guard terms.counts(Double(cost), times: Int(times)) else { continue }
        count += Int(times)
        guard cost > 0 else { continue }
        activeCount += Int(times)
        total += cost * S(times)
        slopes += slope * S(times)
        row.derivatives[n] -= sign * slope * S(times)
      }
      row.derivatives[p] += sign * slopes
      terms.add(total: Double(total), count: count, activeCount: activeCount)
    }
  }

  /// With the negatives in order of distance, those that violate a positive's margin are the first
  /// of them, so their number and their sum are looked up.
  private func sort<S: Scalar>(
    _ row: LossRow<S>, _ positives: [Int], _ negatives: [Int], into terms: inout TermSum
  ) {
    let order = negatives.sorted { term.sign * Double(row.values[$0] - row.values[$1]) < 0 }
    var counts = [0]
    var sums = [0.0]
    for n in order {
      let times = -Int(row.kinds[n])
      counts.append(counts[counts.count - 1] + times)
      sums.append(sums[sums.count - 1] + term.sign * Double(row.values[n]) * Double(times))
    }
    // How many positives have exactly this many violating negatives.
    var ends = [Int](repeating: 0, count: order.count + 1)
    for p in positives {
      let times = Int(row.kinds[p])
      let limit = S(term.sign) * row.values[p] + S(term.margin)
      var (low, high) = (0, order.count)
      while low < high {
        let middle = (low + high) / 2
        if S(term.sign) * row.values[order[middle]] < limit {
          low = middle + 1
        } else {
          high = middle
        }
      }
      ends[low] += times
      row.derivatives[p] += S(term.sign) * S(counts[low] * times)
      terms.add(
        total: (Double(limit) * Double(counts[low]) - sums[low]) * Double(times),
        count: counts[order.count] * times, activeCount: counts[low] * times)
    }
    var violated = 0
    for k in order.indices.reversed() {
      violated += ends[k + 1]
      let n = order[k]
      row.derivatives[n] -= S(term.sign) * S(violated * -Int(row.kinds[n]))
    }
  }
}

/// Every triplet of a batch, where the nearer of anchor and positive faces the negative.
///
/// A triplet whose positive faces the negative has its derivative in the positive's row, so each
/// row looks at the triplets of which it is the anchor and at those of which it is the positive.
struct SwappedTriplets: RowFunction {
  let term: HingeTerm
  let matrix: Tensor
  let pairs: PairTable
  let positives: PositivePairs
  private var choice = TermChoice()
  var reduction: Reduction { .meanOfActive }

  init(term: HingeTerm, matrix: Tensor, pairs: PairTable, positives: PositivePairs) {
    (self.term, self.matrix, self.pairs, self.positives) = (term, matrix, pairs, positives)
  }

  func choosing(_ choice: TermChoice) -> Self? {
    var result = self
    result.choice = choice
    return result
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (margin, sign) = (S(term.margin), S(term.sign))
    let width = matrix.shape[1]
    let negatives = row.indices.filter { row.kinds[$0] < 0 }
    matrix.withElements(of: S.self) { matrix in
      for (p, _) in positives.byAnchor[row.index] {
        let near = sign * row.values[p]
        for n in negatives {
          let (own, other) = (sign * row.values[n], sign * matrix[p * width + n])
          let (cost, slope) = term(near - min(own, other) + margin)
          sums.terms.add(Double(cost))
          let weighted = sign * slope * S(choice.factor(Double(cost), row: row.index))
          row.derivatives[p] += weighted
          if own <= other { row.derivatives[n] -= weighted }
        }
      }
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { kinds in
        for (a, _) in positives.byPositive[row.index] {
          pairs.fill(kinds, row: a)
          let near = sign * matrix[a * width + row.index]
          for n in row.indices where kinds[n] < 0 {
            let (own, other) = (sign * row.values[n], sign * matrix[a * width + n])
            guard own < other else { continue }
            let (cost, slope) = term(near - own + margin)
            row.derivatives[n] -= sign * slope * S(choice.factor(Double(cost), row: a))
          }
        }
      }
    }
  }
}

/// The triplets of a list, by row.
struct ListedTriplets: RowFunction {
  let term: HingeTerm
  /// All distances, for swapped triplets.
  let matrix: Tensor?
  private let byAnchor: [[Triplet]]
  private let byPositive: [[Triplet]]
  private var choice = TermChoice()
  var reduction: Reduction { .meanOfActive }

  /// - Parameter matrix: all distances, if the nearer of anchor and positive faces the negative.
  init(term: HingeTerm, swappingIn matrix: Tensor?, triplets: [Triplet], rows: Int) {
    (self.term, self.matrix) = (term, matrix)
    var byAnchor = [[Triplet]](repeating: [], count: rows)
    var byPositive = byAnchor
    for triplet in triplets {
      byAnchor[triplet.anchor].append(triplet)
      if matrix != nil { byPositive[triplet.positive].append(triplet) }
    }
    (self.byAnchor, self.byPositive) = (byAnchor, byPositive)
  }

  func choosing(_ choice: TermChoice) -> Self? {
    var result = self
    result.choice = choice
    return result
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let matrix else { return visit(row, nil, into: &sums.terms) }
    matrix.withElements(of: S.self) { visit(row, $0.baseAddress, into: &sums.terms) }
  }

  @inline(__always)
  private func visit<S: Scalar>(
    _ row: LossRow<S>, _ matrix: UnsafePointer<S>?, into terms: inout TermSum
  ) {
    let (margin, sign) = (S(term.margin), S(term.sign))
    let width = row.values.count
    for triplet in byAnchor[row.index] {
      let (p, n) = (triplet.positive, triplet.negative)
      let own = sign * row.values[n]
      let other = matrix.map { sign * $0[p * width + n] } ?? own
      let (cost, slope) = term(sign * row.values[p] - min(own, other) + margin)
      terms.add(Double(cost))
      let weighted = sign * slope * S(choice.factor(Double(cost), row: row.index))
      row.derivatives[p] += weighted
      if own <= other { row.derivatives[n] -= weighted }
    }
    guard let matrix else { return }
    for triplet in byPositive[row.index] {
      let n = triplet.negative
      let (own, other) = (sign * row.values[n], sign * matrix[triplet.anchor * width + n])
      guard own < other else { continue }
      let near = sign * matrix[triplet.anchor * width + row.index]
      let (cost, slope) = term(near - own + margin)
      let factor = S(choice.factor(Double(cost), row: triplet.anchor))
      row.derivatives[n] -= sign * slope * factor
    }
  }
}
