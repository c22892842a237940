import CKernels

/// A number for positive pairs and one for negative pairs.
public struct Sides<Value> {
  public var positive, negative: Value
  @inlinable @inline(__always)
  public init(positive: Value, negative: Value) {
    (self.positive, self.negative) = (positive, negative)
  }
}

extension Sides: Sendable where Value: Sendable {}

/// The terms of one side of a row, each as often as its pair occurs.
public struct PairTerms {
  public let total: Double
  /// How many there are, and how many of them are above 0.
  public let count, activeCount: Int

  @usableFromInline
  init(total: Double, count: Int, activeCount: Int) {
    (self.total, self.count, self.activeCount) = (total, count, activeCount)
  }
}

/// Loops over one row, on the calling thread, in the instruction set in use.
///
/// Get them once for an operation; inlinable, because a generic call for each row takes a tenth of a
/// row's time. Where there are kinds, kind > 0 is a positive pair, < 0 a
/// negative one and 0 none; its size says how often the pair occurs.
public struct RowKernels<S: Scalar> {
  @usableFromInline let kernels: UnsafePointer<ck_kernels>

  public init() {
    kernels = InstructionSet.kernelTable(elementSize: MemoryLayout<S>.size)
  }

  @inlinable
  public func sum(_ x: UnsafePointer<S>, _ count: Int) -> Double { kernels.pointee.sum(x, count) }

  @inlinable
  public func innerProduct(
    _ a: UnsafePointer<S>, _ b: UnsafePointer<S>, _ count: Int
  ) -> Double {
    kernels.pointee.inner_product(a, b, count)
  }

  /// The largest element; minus infinity if there are none.
  @inlinable
  public func maximum(_ x: UnsafePointer<S>, _ count: Int) -> S {
    S(kernels.pointee.maximum(x, count))
  }

  /// y = exp(x - peak); returns the sum.
  @inlinable
  public func expSum(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, peak: S, _ count: Int
  ) -> S {
    S(kernels.pointee.exp_sum(y, x, Double(peak), count))
  }

  /// y = exp(slope · x - peak), each added to its column's sum: to that of positives where the column's
  /// label is `label`, else to that of negatives. Returns the sums of the row.
  @inlinable
  public func expByLabel(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, columns: Sides<UnsafeMutablePointer<S>>,
    labels: UnsafePointer<Int32>, label: Int32, slope: S, peak: S, _ count: Int
  ) -> Sides<Double> {
    withNumbers(0, 0) { sums in
      kernels.pointee.exp_by_label(
        sums, y, columns.positive, columns.negative, x, labels, label, Double(slope), Double(peak),
        count)
      return Sides(positive: sums[0], negative: sums[1])
    }
  }

  /// y = x · factor + offset with the numbers of the pair's side; 0 for no pair.
  @inlinable
  public func scaleSides(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>,
    factors: Sides<S>, offsets: Sides<S> = Sides(positive: 0, negative: 0), _ count: Int
  ) {
    withNumbers(Double(factors.positive), Double(factors.negative)) { factors in
      withNumbers(Double(offsets.positive), Double(offsets.negative)) { offsets in
        kernels.pointee.scale_sides(y, x, kinds, factors, offsets, count)
      }
    }
  }

  /// The largest slope · x of each side; minus infinity if there are none.
  @inlinable
  public func sideMaxima(
    _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>, slope: S = 1, _ count: Int
  ) -> Sides<S> {
    withNumbers(0, 0) { result in
      kernels.pointee.side_maxima(result, x, kinds, Double(slope), count)
      return Sides(positive: S(result[0]), negative: S(result[1]))
    }
  }

  /// y = exp(slope · x - peak) with the peak of the pair's side, times the pair's number if `counting`; 0
  /// for no pair. Returns the sum of each side.
  @inlinable
  public func sideExp(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>,
    slope: S = 1, peaks: Sides<S>, counting: Bool = false, _ count: Int
  ) -> Sides<S> {
    withNumbers(Double(peaks.positive), Double(peaks.negative)) { peaks in
      withNumbers(0, 0) { sums in
        kernels.pointee.side_exp(
          sums, y, x, kinds, Double(slope), peaks, counting ? 1 : 0, count)
        return Sides(positive: S(sums[0]), negative: S(sums[1]))
      }
    }
  }

  /// The terms max(0, sign (x - bound)) of positive pairs and max(0, sign (bound - x)) of negative
  /// ones; y is the derivative.
  @inlinable
  public func hinges(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>,
    bounds: Sides<S>, sign: S, _ count: Int
  ) -> Sides<PairTerms> {
    var result = ck_hinges()
    withNumbers(Double(bounds.positive), Double(bounds.negative)) {
      kernels.pointee.hinges(&result, y, x, kinds, $0, Double(sign), count)
    }
    return Sides(result)
  }

  /// The numbers of either side as terms, each as often as its pair occurs.
  @inlinable
  public func sideSums(
    _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>, _ count: Int
  ) -> Sides<PairTerms> {
    var result = ck_hinges()
    kernels.pointee.side_sums(&result, x, kinds, count)
    return Sides(result)
  }

  /// The squares of the terms h of ``hinges``; y is twice the derivative of h times (h - base).
  @inlinable
  public func squaredHinges(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>,
    bounds: Sides<S>, bases: Sides<S>, sign: S, _ count: Int
  ) -> Sides<PairTerms> {
    var result = ck_hinges()
    withNumbers(Double(bounds.positive), Double(bounds.negative)) { bounds in
      withNumbers(Double(bases.positive), Double(bases.negative)) { bases in
        kernels.pointee.squared_hinges(&result, y, x, kinds, bounds, bases, Double(sign), count)
      }
    }
    return Sides(result)
  }

  /// result = factor (g - y ⟨y, g⟩) / length: the gradient in a row that was scaled to y of length 1.
  @inlinable
  public func unitRowGradient(
    _ result: UnsafeMutablePointer<S>, _ g: UnsafePointer<S>, unit y: UnsafePointer<S>, length: S,
    times factor: Double, _ count: Int
  ) {
    withUnsafePointer(to: length) {
      kernels.pointee.normalize_rows_gradient(result, g, y, $0, 0, factor, 1, count)
    }
  }

  /// Rows of y = x + xᵀ for square x of n rows.
  @inlinable
  public func addTransposed(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, _ n: Int, rows: Range<Int>
  ) {
    kernels.pointee.add_transposed(y, x, n, rows.lowerBound, rows.upperBound)
  }

  /// Σ H(x - y), with H(u) = u²/2 for |u| < 1, else |u| - 1/2; x becomes u - H'(u), what a
  /// difference u is beyond [-1, 1], and `isBeyond` tells whether any is.
  @inlinable
  public func huber(
    _ x: UnsafeMutablePointer<S>, minus y: UnsafePointer<S>, _ count: Int
  ) -> (total: Double, isBeyond: Bool) {
    var beyond = 0.0
    let total = kernels.pointee.huber(&beyond, x, y, count)
    return (total, beyond > 0)
  }

  /// y = x · number.
  @inlinable
  public func scale(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, by number: S, _ count: Int
  ) {
    kernels.pointee.map(Int32(CK_SCALE), y, x, Double(number), count)
  }

  /// kinds = 1 where a label is `label`, else -1.
  @inlinable
  public func fillKinds(
    _ kinds: UnsafeMutablePointer<Int32>, labels: UnsafePointer<Int32>, label: Int32, _ count: Int
  ) {
    kernels.pointee.fill_kinds(kinds, labels, label, count)
  }

  /// The first place from `first` on with a positive pair; `count` if there is none.
  @inlinable
  public func nextPositive(_ kinds: UnsafePointer<Int32>, from first: Int, _ count: Int) -> Int {
    kernels.pointee.next_positive(kinds, first, count)
  }

  /// The first place from `first` on with this label; `count` if there is none.
  @inlinable
  public func nextEqual(
    _ labels: UnsafePointer<Int32>, to label: Int32, from first: Int, _ count: Int
  ) -> Int {
    kernels.pointee.next_equal(labels, label, first, count)
  }

  /// y = factor · x for the first of the largest of each `group` elements, and minus infinity for the
  /// others; `count` is a multiple of `group`.
  @inlinable
  public func largestOfGroups(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, of group: Int, times factor: S,
    _ count: Int
  ) {
    kernels.pointee.largest_of_groups(y, x, group, Double(factor), count)
  }

  /// The terms max(0, limit - sign x) over negative pairs, each as often as its pair occurs;
  /// y -= sign · times · number for each of them above 0.
  @inlinable
  public func tripletHinges(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>, limit: S,
    sign: S, times: S, _ count: Int
  ) -> PairTerms {
    var result = ck_hinges()
    kernels.pointee.triplet_hinges(
      &result, y, x, kinds, Double(limit), Double(sign), Double(times), count)
    return PairTerms(
      total: result.total.1, count: Int(result.count.1), activeCount: Int(result.active.1))
  }

  /// y = 1 / (1 + exp(-(x - centre) scale)) for negative pairs, else 0; returns the sum.
  @inlinable
  public func softRank(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, kinds: UnsafePointer<Int32>, centre: S,
    scale: S, _ count: Int
  ) -> S {
    S(kernels.pointee.soft_rank(y, x, kinds, Double(centre), Double(scale), count))
  }

  /// y += slope · rank (1 - rank); returns the sum of what was added.
  @inlinable
  public func addSoftRankGradient(
    _ y: UnsafeMutablePointer<S>, rank: UnsafePointer<S>, slope: S, _ count: Int
  ) -> S {
    S(kernels.pointee.soft_rank_gradient(y, rank, Double(slope), count))
  }

  /// y = own + squares - 2 y, or its root; -1 where that is less than `nearness` of own + squares.
  /// Returns whether there is such an element.
  @inlinable
  public func distances(
    _ y: UnsafeMutablePointer<S>, squares: UnsafePointer<S>, own: S, nearness: S, isRoot: Bool,
    _ count: Int
  ) -> Bool {
    kernels.pointee.distances(y, squares, Double(own), Double(nearness), isRoot ? 1 : 0, count) != 0
  }

  /// weights = g / y for roots, else 2 g, where y is a distance; 0 for the near ones. Returns
  /// whether one of the near has a derivative and is not 0.
  @inlinable
  public func distanceWeights(
    _ weights: UnsafeMutablePointer<S>, _ g: UnsafePointer<S>, _ y: UnsafePointer<S>,
    squares: UnsafePointer<S>, own: S, nearness: S, isRoot: Bool, _ count: Int
  ) -> Bool {
    kernels.pointee.distance_weights(
      weights, g, y, squares, Double(own), Double(nearness), isRoot ? 1 : 0, count) != 0
  }

  /// y[i] = ‖query − base[rows[i]]‖², or −⟨query, base[rows[i]]⟩, for rows of `columns` elements.
  @inlinable
  public func distances(
    _ y: UnsafeMutablePointer<S>, from query: UnsafePointer<S>, to base: UnsafePointer<S>,
    rows: UnsafePointer<UInt32>, count: Int, columns: Int, isSquared: Bool
  ) {
    kernels.pointee.distances_to_rows(y, query, base, rows, count, columns, isSquared ? 1 : 0)
  }

  /// y[i] = ‖query − base[rows[i]]‖², or ⟨query, base[rows[i]]⟩, summed in float64 in one order that
  /// all instruction sets keep; the first `count` rows if `rows` is nil.
  @inlinable
  public func scores(
    _ y: UnsafeMutablePointer<Double>, from query: UnsafePointer<Double>,
    to base: UnsafePointer<S>, rows: UnsafePointer<UInt32>?, count: Int, columns: Int,
    isSquared: Bool
  ) {
    kernels.pointee.scores_of_rows(y, query, base, rows, count, columns, isSquared ? 1 : 0)
  }

  @inlinable
  func withNumbers<Result>(
    _ first: Double, _ second: Double, _ body: (UnsafeMutablePointer<Double>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2) { numbers in
      numbers[0] = first
      numbers[1] = second
      guard let start = numbers.baseAddress else { preconditionFailure("two numbers have a place") }
      return body(start)
    }
  }
}

extension Sides<PairTerms> {
  @inlinable
  init(_ terms: ck_hinges) {
    self.init(
      positive: PairTerms(
        total: terms.total.0, count: Int(terms.count.0), activeCount: Int(terms.active.0)),
      negative: PairTerms(
        total: terms.total.1, count: Int(terms.count.1), activeCount: Int(terms.active.1)))
  }
}
