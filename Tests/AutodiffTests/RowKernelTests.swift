import Testing

import Autodiff

/// The row kernels of every instruction set against loops that say what they do.
@Suite struct RowKernelTests {
  /// Lengths around those of vectors.
  static let counts = [1, 3, 4, 7, 8, 16, 17, 33, 100]

  @Test(arguments: InstructionSet.available, counts)
  func fitTheirDefinitions(set: InstructionSet, count: Int) {
    InstructionSet.$chosen.withValue(set) {
      check(count, tolerance: 1e-5, Float.self)
      check(count, tolerance: 1e-13, Double.self)
    }
  }

  @Test(arguments: InstructionSet.available, counts)
  func linesFitTheirDefinitions(set: InstructionSet, count: Int) {
    InstructionSet.$chosen.withValue(set) {
      checkLine(count, Float.self)
      checkLine(count, Double.self)
    }
  }

  /// Numbers with many ties, and one that is infinite.
  private func checkLine<S: Scalar>(_ count: Int, _: S.Type) {
    var random = Random(seed: UInt64(count) + 1)
    let kernels = LineKernels<S>()
    var x = (0..<count).map { _ in S(random.below(7)) / 2 }
    if count > 2 { x[1] = .infinity }
    for ties in [0, count / 2, count] {
      let expected = x.indices.count { $0 < ties ? x[$0] <= 1.5 : x[$0] < 1.5 }
      #expect(kernels.countBefore(x, limit: 1.5, ties: ties, count) == expected)
    }
    let roots = x.filter(\.isFinite).reduce(0) { $0 + Double($1).squareRoot() }
    #expect(abs(kernels.sumOfRoots(x, count) - roots) <= 1e-6 * max(1, roots))
    var bins = [Int64](repeating: 0, count: 1 << 17)
    kernels.countBins(&bins, x, count)
    func bin(_ value: S) -> Int { Int(Float(value).bitPattern >> 14) }
    #expect(bins.indices.allSatisfy { i in bins[i] == 0 || x.contains { bin($0) == i } })
    #expect(bins[bin(1)] == x.count { $0 == 1 })
    var marks = [UInt8](repeating: 0, count: 1 << 17)
    (marks[bin(0)], marks[bin(2)]) = (1, 1)
    var places = [Int32](repeating: 0, count: count)
    let marked = kernels.placesMarked(&places, x, marks, count)
    #expect(places.prefix(marked).map(Int.init) == x.indices.filter { x[$0] == 0 || x[$0] == 2 })
    let within = kernels.placesWithin(&places, x, limit: 1, count)
    #expect(places.prefix(within).map(Int.init) == x.indices.filter { x[$0] <= 1 })

    let values: [S] = [0.5, 1, 1, 2.5]
    // One part for all: every value is looked for from the first on.
    let starts: [Int32] = [0, 4]
    let below = values.withUnsafeBufferPointer { values in
      starts.withUnsafeBufferPointer { starts in
        LineKernels.ladder(values: values, starts: starts, low: 0.5, scale: 0.1)
          .map { kernels.twiceBelow(x, count, $0) }
      }
    }
    let expected = x.filter(\.isFinite).reduce(0) { sum, number in
      sum + 2 * values.count { $0 < number } + values.count { $0 == number }
    }
    #expect(below == expected)

    let norms = (0..<count).map { _ in S(random.below(5) + 1) }
    var products = (0..<count).map { _ in S(random.below(4)) }
    let squares = zip(products, norms).map { 3 + $1 - 2 * $0 }
    let small = zip(squares, norms).count { $0 < (3 + $1) / 4 }
    #expect(kernels.squares(&products, norms: norms, norm: 3, share: 0.25, count) == small)
    #expect(products == squares)
  }

  /// Exponentials by the label of their column.
  private func checkLabels<S: Scalar>(_ x: [S], _ labels: [Int32], _ tolerance: Double) {
    var (y, equal) = (x, [S](repeating: 1, count: x.count))
    var other = equal
    func add(
      _ y: UnsafeMutablePointer<S>, _ a: UnsafeMutablePointer<S>, _ b: UnsafeMutablePointer<S>
    )
      -> Sides<Double>
    {
      RowKernels<S>().expByLabel(
        y, x, columns: Sides(positive: a, negative: b), labels: labels, label: 2, slope: 1.5,
        peak: 0.25, x.count)
    }
    let sums = add(&y, &equal, &other)
    let expected = x.map { Double.exp(1.5 * Double($0) - 0.25) }
    var (own, rest) = (0.0, 0.0)
    for j in x.indices {
      let bound = 4 * tolerance * max(1, expected[j])
      #expect(abs(Double(y[j]) - expected[j]) <= bound)
      #expect(abs(Double(equal[j]) - 1 - (labels[j] == 2 ? expected[j] : 0)) <= bound)
      #expect(abs(Double(other[j]) - 1 - (labels[j] == 2 ? 0 : expected[j])) <= bound)
      if labels[j] == 2 { own += expected[j] } else { rest += expected[j] }
    }
    #expect(abs(sums.positive - own) <= tolerance * max(1, own))
    #expect(abs(sums.negative - rest) <= tolerance * max(1, rest))
  }

  /// The first of the largest of each group, among few values so that many are equal.
  private func checkGroups<S: Scalar>(_ x: [S], of group: Int) {
    let few = x.map { $0.rounded() }
    var y = [S](repeating: 7, count: x.count)
    RowKernels<S>().largestOfGroups(&y, few, of: group, times: 3, x.count)
    for start in stride(from: 0, to: x.count, by: group) {
      let own = few[start..<start + group]
      let place = own.max().flatMap { own.firstIndex(of: $0) }
      for j in own.indices {
        #expect(y[j] == (j == place ? 3 * few[j] : -.infinity), "\(group) \(j) of \(x.count)")
      }
    }
  }

  private func check<S: Scalar>(_ count: Int, tolerance: Double, _: S.Type) {
    var random = Random(seed: UInt64(count))
    let x = (0..<count).map { _ in S(random.normal()) }
    let kinds = (0..<count).map { _ in Int32((random.uniform(in: -2.5...2.5)).rounded()) }
    let zeros = [S](repeating: 0, count: count)
    let kernels = RowKernels<S>()
    let positive = kinds.indices.filter { kinds[$0] > 0 }
    let negative = kinds.indices.filter { kinds[$0] < 0 }
    func isNear(_ a: some BinaryFloatingPoint, _ b: Double) -> Bool {
      abs(Double(a) - b) <= tolerance * max(1, abs(b))
    }

    #expect(kernels.maximum(x, count) == x.max())
    #expect(isNear(kernels.innerProduct(x, x, count), x.reduce(0) { $0 + Double($1 * $1) }))
    #expect(kernels.nextPositive(kinds, from: 0, count) == positive.first ?? count)
    let next = kinds.dropFirst().firstIndex(of: 1)
    #expect(kernels.nextEqual(kinds, to: 1, from: 1, count) == next ?? count)
    checkLabels(x, kinds, tolerance)
    for group in [1, 2, 3, 5, 40] where count % group == 0 { checkGroups(x, of: group) }
    let rows: [UInt32] = [2, 0, 3, 0, 1]
    let base = (0..<4 * count).map { _ in S(random.normal()) }
    for isSquared in [false, true] {
      var found = [S](repeating: 0, count: rows.count)
      kernels.distances(
        &found, from: x, to: base, rows: rows, count: rows.count, columns: count,
        isSquared: isSquared)
      for (i, row) in rows.enumerated() {
        let expected = x.indices.reduce(0.0) { sum, j in
          let (a, b) = (Double(x[j]), Double(base[Int(row) * count + j]))
          return sum + (isSquared ? (a - b) * (a - b) : -a * b)
        }
        #expect(abs(Double(found[i]) - expected) <= tolerance * Double(count))
      }
    }
    let maxima = kernels.sideMaxima(x, kinds: kinds, count)
    #expect(maxima.positive == positive.map { x[$0] }.max() ?? -.infinity)
    #expect(maxima.negative == negative.map { x[$0] }.max() ?? -.infinity)
    let minima = kernels.sideMaxima(x, kinds: kinds, slope: -2, count)
    #expect(minima.positive == positive.map { -2 * x[$0] }.max() ?? -.infinity)

    var y = zeros
    let sums = kernels.sideExp(
      &y, x, kinds: kinds, slope: -1.5, peaks: Sides(positive: 0.5, negative: -0.25),
      counting: true, count)
    let expected = kinds.indices.map {
      Double(abs(kinds[$0])) * Double.exp(-1.5 * Double(x[$0]) - (kinds[$0] > 0 ? 0.5 : -0.25))
    }
    #expect(isNear(sums.positive, positive.reduce(0) { $0 + expected[$1] }))
    #expect(isNear(sums.negative, negative.reduce(0) { $0 + expected[$1] }))
    #expect(zip(y, expected).allSatisfy { isNear($0, $1) })

    kernels.scaleSides(
      &y, x, kinds: kinds, factors: Sides(positive: 2, negative: 3),
      offsets: Sides(positive: 1, negative: -1), count)
    #expect(
      kinds.indices.allSatisfy {
        y[$0] == (kinds[$0] > 0 ? 2 * x[$0] + 1 : kinds[$0] < 0 ? 3 * x[$0] - 1 : 0)
          || isNear(y[$0], Double(kinds[$0] > 0 ? 2 * x[$0] + 1 : 3 * x[$0] - 1))
      })

    let hinges = kernels.hinges(
      &y, x, kinds: kinds, bounds: Sides(positive: 0.25, negative: 0.5), sign: -1, count)
    let costs = kinds.indices.map { max(0, kinds[$0] > 0 ? 0.25 - x[$0] : x[$0] - 0.5) }
    let total = { (side: [Int]) in
      side.reduce(0.0) { $0 + Double(costs[$1]) * Double(abs(kinds[$1])) }
    }
    #expect(isNear(hinges.positive.total, total(positive)))
    #expect(isNear(hinges.negative.total, total(negative)))
    #expect(hinges.positive.count == positive.reduce(0) { $0 + Int(kinds[$1]) })
    #expect(
      hinges.negative.activeCount
        == negative.filter { costs[$0] > 0 }.reduce(0) { $0 - Int(kinds[$1]) })
    #expect(kinds.indices.allSatisfy { y[$0] == (costs[$0] > 0 ? -S(kinds[$0]) : 0) })

    let plain = kernels.sideSums(x, kinds: kinds, count)
    #expect(
      isNear(plain.positive.total, positive.reduce(0) { $0 + Double(x[$1]) * Double(kinds[$1]) }))
    #expect(
      isNear(plain.negative.total, negative.reduce(0) { $0 - Double(x[$1]) * Double(kinds[$1]) }))
    #expect(plain.negative.count == negative.reduce(0) { $0 - Int(kinds[$1]) })

    let squared = kernels.squaredHinges(
      &y, x, kinds: kinds, bounds: Sides(positive: 0.25, negative: 0.5),
      bases: Sides(positive: 0.125, negative: 2), sign: -1, count)
    let squares = { (side: [Int]) in
      side.reduce(0.0) { $0 + Double(costs[$1] * costs[$1]) * Double(abs(kinds[$1])) }
    }
    #expect(isNear(squared.positive.total, squares(positive)))
    #expect(isNear(squared.negative.total, squares(negative)))
    #expect(squared.negative.activeCount == hinges.negative.activeCount)
    #expect(
      kinds.indices.allSatisfy {
        let base: S = kinds[$0] > 0 ? 0.125 : 2
        return isNear(y[$0], Double(-2 * S(kinds[$0]) * (costs[$0] - base)))
      })

    var places = [Int32](repeating: -1, count: count)
    for offsets in [nil, kinds.map { Float($0) }] {
      let numbers = x.map { Float($0) }
      let found = PlacesBelow()(&places, numbers, offsets, limit: 0.5, count: count)
      let below = kinds.indices.filter { (offsets?[$0] ?? 0) - numbers[$0] < 0.5 }
      #expect(places.prefix(found).map { Int($0) } == below)
    }

    let square = (0..<count * count).map { S($0 % 31) - S($0 % 7) }
    var turned = [S](repeating: -99, count: count * count)
    kernels.addTransposed(&turned, square, count, rows: 0..<count / 2)
    kernels.addTransposed(&turned, square, count, rows: count / 2..<count)
    #expect(
      turned.indices.allSatisfy {
        turned[$0] == square[$0] + square[$0 % count * count + $0 / count]
      })

    var steps = zeros
    let triplets = kernels.tripletHinges(
      &steps, x, kinds: kinds, limit: 0.5, sign: 1, times: 2, count)
    let active = negative.filter { x[$0] < 0.5 }
    #expect(triplets.activeCount == active.reduce(0) { $0 - Int(kinds[$1]) })
    #expect(triplets.count == negative.reduce(0) { $0 - Int(kinds[$1]) })
    #expect(
      isNear(
        triplets.total, active.reduce(0) { $0 + (0.5 - Double(x[$1])) * Double(-kinds[$1]) }))
    #expect(active.allSatisfy { steps[$0] == S(2 * kinds[$0]) })

    let rank = kernels.softRank(&y, x, kinds: kinds, centre: 0.25, scale: 3, count)
    let chances = negative.map { 1 / (1 + Double.exp(-3 * (Double(x[$0]) - 0.25))) }
    #expect(isNear(rank, chances.reduce(0, +)))
    var slopes = zeros
    let added = kernels.addSoftRankGradient(&slopes, rank: y, slope: 4, count)
    #expect(isNear(added, chances.reduce(0) { $0 + 4 * $1 * (1 - $1) }))
    #expect(zip(negative, chances).allSatisfy { isNear(slopes[$0], 4 * $1 * (1 - $1)) })
  }
}
