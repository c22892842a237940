import Autodiff
import Geometry
import Miners
import Testing

import Losses

/// Violations that are counted edge by edge, against every triplet looked at.
@Suite struct ViolationsTests {
  /// Distances on a grid, so that some violations are exactly on an edge, with equal ones and some
  /// beyond the bins.
  private func distances(rows: Int, columns: Int, onGrid: Bool, _ dtype: DType) -> Tensor {
    var random = Random(seed: 12)
    let values = (0..<rows * columns).map { _ in
      let value = random.uniform(in: 0...2.5)
      return onGrid ? (value * 8).rounded() / 8 : value
    }
    return Tensor(values, shape: [rows, columns]).converted(to: dtype)
  }

  /// Pairs of which some occur twice, rows with neither kind, and rows with one of them.
  private func pairs(rows: Int, columns: Int) -> PairTable {
    let kinds = (0..<rows * columns).map { place -> Int32 in
      let (i, j) = (place / columns, place % columns)
      switch (i * 7 + j * 3 + j / 5) % 6 {
      case _ where i == 4: return 0
      case 0 where i != 5: return j % 3 == 0 ? 2 : 1
      case 1, 2, 3: return i == 6 ? 0 : j % 4 == 0 ? -3 : -1
      default: return 0
      }
    }
    return PairTable(kinds: kinds, rows: rows, columns: columns)
  }

  @Test(
    arguments: [1, 2, 7, 10, 64, 1000],
    [(DType.float64, true), (.float64, false), (.float32, true), (.float32, false)])
  func edgesGiveWhatTripletsDo(bins: Int, kind: (dtype: DType, onGrid: Bool)) {
    let (rows, columns) = (19, 45)
    let values = distances(rows: rows, columns: columns, onGrid: kind.onGrid, kind.dtype)
    // A width of a power of two keeps grid numbers exactly on edges.
    let width = kind.onGrid ? 0.25 : 3.1 / Double(bins)
    var violations = Violations(
      values: values, pairs: pairs(rows: rows, columns: columns), triplets: nil,
      first: kind.onGrid ? -0.25 * Double(bins / 2) : -1.6, width: width, bins: bins)
    let slopes = (0..<bins).map { Double(($0 * 37) % 11) - 4 }
    violations.mostEdges = 10_000
    let (sums, derivative) = (violations.summed(), violations.derivative(slopes))
    violations.mostEdges = -1
    let (expected, pull) = (violations.summed(), violations.derivative(slopes))
    let tolerance = kind.dtype == .float64 ? 1e-11 : 2e-5
    #expect(expected.count > 1000 && expected.active > 100)
    #expect(sums.count == expected.count && sums.active == expected.active)
    func isNear(_ a: [Double], _ b: [Double], _ scale: Double) -> Bool {
      a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * scale }
    }
    #expect(isNear(sums.shares, expected.shares, expected.count))
    #expect(isNear(sums.totals, expected.totals, expected.count))
    #expect(
      isNear(
        derivative.elements(as: Double.self), pull.elements(as: Double.self),
        kind.dtype == .float64 ? 100 : 5))
  }

  @Test func listedTripletsAreThoseOfJoinedPairs() {
    let labels = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
    let values = distances(rows: 10, columns: 10, onGrid: false, .float64)
    let pairs = PairTable(labels: labels, reference: nil)
    let listed = labels.indices.map { a in
      labels.indices.filter { $0 != a && labels[$0] == labels[a] }.flatMap { p in
        labels.indices.filter { labels[$0] != labels[a] }.map { Triplet(a, p, $0) }
      }
    }
    let make = { (triplets: [[Triplet]]?) in
      Violations(
        values: values, pairs: pairs, triplets: triplets, first: -2, width: 0.4, bins: 10)
    }
    let (joined, list) = (make(nil).summed(), make(listed).summed())
    #expect(joined.count == list.count && joined.active == list.active)
    #expect(zip(joined.shares, list.shares).allSatisfy { abs($0 - $1) < 1e-10 })
    #expect(zip(joined.totals, list.totals).allSatisfy { abs($0 - $1) < 1e-10 })
  }
}
