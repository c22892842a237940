import Autodiff
import Foundation
import Geometry
import Miners
import Testing

@Suite struct DistanceTests {
  @Test func noPowerOverflows() {
    let rows = Tensor([1e30, 2e30, -1e30, 3e-30] as [Float], shape: [2, 2])
    let distance = Distance(.euclidean, normalizes: false, p: 7)
    let (value, gradient) = valueWithGradient(at: rows) { distance.matrix($0).sum() }
    #expect(value.item.isFinite)
    #expect(gradient.elements(as: Double.self).allSatisfy { $0.isFinite && $0 != 0 })
  }

  private static let distances =
    Distance.Kind.allCases.flatMap { kind in
      [true, false].flatMap { normalizes in
        [1.0, 2, 1.5].map { Distance(kind, normalizes: normalizes, power: $0) }
          + [1.0, 1.5, 3].map { Distance(kind, normalizes: normalizes, power: $0, p: 4 - $0) }
          + [Distance(kind, normalizes: normalizes, p: 1)]
      }
    }

  @Test(arguments: distances) func gradientFitsDifferences(_ distance: Distance) {
    var random = Random(seed: 1)
    var a = Tensor(normal: [5, 4], deviation: 1, dtype: .float64, random: &random)
    let b = Tensor(normal: [3, 4], deviation: 1, dtype: .float64, random: &random)
    // Two rows that are near enough for the way that sums differences.
    a.updateElements(of: Double.self) { x in for k in 0..<4 { x[4 + k] = x[k] + 0.002 } }
    let checks = [
      GradientCheck("own", at: [a]) { distance.matrix($0[0]) },
      GradientCheck("two", at: [a, b]) { distance.matrix($0[0], $0[1]) },
      GradientCheck("near", at: [a, a.shifted(by: 0.003)], tolerance: 1e-5) {
        distance.matrix($0[0], $0[1])
      },
    ]
    for check in checks {
      let outcome = check.run()
      #expect(outcome.passes, "\(outcome)")
    }
  }

  @Test(arguments: distances) func matchesItsFormula(_ distance: Distance) {
    var random = Random(seed: 2)
    let x = Tensor(normal: [4, 3], deviation: 1, dtype: .float64, random: &random)
    let found = distance.matrix(x).elements(as: Double.self)
    let rows = (0..<4).map { i in
      let row = Array(x.elements(as: Double.self)[i * 3..<i * 3 + 3])
      let isEuclidean = distance.kind == .euclidean || distance.kind == .squaredEuclidean
      let length = norm(row, isEuclidean ? distance.p : 2)
      return distance.normalizes || distance.kind == .cosine ? row.map { $0 / length } : row
    }
    for i in 0..<4 {
      for j in 0..<4 {
        let expected = expected(distance, rows[i], rows[j])
        #expect(abs(found[i * 4 + j] - expected) < 1e-12 * max(1, abs(expected)))
      }
    }
  }

  @Test(arguments: DType.allCases) func equalRowsAreExactlyZeroApart(_ dtype: DType) {
    var random = Random(seed: 3)
    let row = Tensor(normal: [1, 64], deviation: 1, dtype: dtype, random: &random)
    let values = row.elements(as: Double.self)
    let rows = Tensor((0..<40).flatMap { _ in values }, shape: [40, 64]).converted(to: dtype)
    let own = Distance.euclidean.matrix(rows).elements(as: Double.self)
    let other = Distance.euclidean.matrix(rows, row).elements(as: Double.self)
    #expect(own.allSatisfy { $0 == 0 })
    #expect(other.allSatisfy { $0 == 0 })
    let (_, gradient) = valueWithGradient(at: rows) { Distance.euclidean.matrix($0).sum() }
    #expect(gradient.elements(as: Double.self).allSatisfy { $0 == 0 })
  }

  @Test(arguments: distances) func rowsOfZerosAreFinite(_ distance: Distance) {
    let rows = Tensor([0, 0, 0, 1, 1, 1, 1, 2, 3] as [Float], shape: [3, 3])
    #expect(distance.matrix(rows).elements(as: Double.self).allSatisfy { $0.isFinite })
    let (_, gradient) = valueWithGradient(at: rows) { distance.matrix($0).sum() }
    let values = gradient.elements(as: Double.self)
    #expect(values.allSatisfy { $0.isFinite })
    if distance.normalizes || distance.kind == .cosine {
      #expect(values.prefix(3).allSatisfy { $0 == 0 })
    }
  }

  private func expected(_ distance: Distance, _ a: [Double], _ b: [Double]) -> Double {
    let norm = norm(zip(a, b).map { $0 - $1 }, distance.p)
    return switch distance.kind {
    case .euclidean: pow(norm, distance.power)
    case .squaredEuclidean: pow(norm, 2 * distance.power)
    case .cosine, .dot: zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    case .snr: variance(zip(a, b).map { $0 - $1 }) / variance(a)
    }
  }

  private func norm(_ x: [Double], _ p: Double) -> Double {
    pow(x.reduce(0) { $0 + pow(abs($1), p) }, 1 / p)
  }

  private func variance(_ x: [Double]) -> Double {
    let mean = x.reduce(0, +) / Double(x.count)
    return x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
  }

  /// The gradient in rows that were scaled takes the place of the derivative, unless another step
  /// of the computation gets that too.
  @Test(arguments: DType.allCases) func derivativesForTwoAreNotOverwritten(dtype: DType) {
    var random = Random(seed: 3)
    let shape = [9, 5]
    let (x, w, c) = (
      Tensor(normal: shape, deviation: 1, dtype: dtype, random: &random),
      Tensor(normal: shape, deviation: 1, dtype: dtype, random: &random),
      Tensor(normal: shape, deviation: 1, dtype: dtype, random: &random)
    )
    let (_, both) = valueWithGradient(at: [x, w]) {
      (($0[0].withUnitRows() + $0[1].withUnitRows()) * c).sum()
    }
    for (found, rows) in zip(both, [x, w]) {
      let (_, alone) = valueWithGradient(at: rows) { ($0.withUnitRows() * c).sum() }
      #expect(found.elements(as: Double.self) == alone.elements(as: Double.self))
    }
  }
}
