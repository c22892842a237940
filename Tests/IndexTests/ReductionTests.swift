import Autodiff
import Files
import Foundation
import Geometry
import Settings
import Testing

import Index

@Suite struct ReductionTests {
  /// Numbers from −1 to 1 by the generator that the golden values were made with.
  static func matrix(_ rows: Int, _ columns: Int, seed: Int, weights: [Double]? = nil) -> Tensor {
    var x = seed
    let values = (0..<rows * columns).map { i -> Double in
      x = (1_103_515_245 * x + 12345) % (1 << 31)
      return (Double(x) / Double(1 << 31) * 2 - 1) * (weights?[i % columns] ?? 1)
    }
    return Tensor(values, shape: [rows, columns])
  }

  @Test(arguments: [1, 2, 7, 40]) func eigenvectorsDiagonalize(size n: Int) {
    let x = ReductionTests.matrix(n + 3, n, seed: 5)
    // A matrix of full rank, one with equal eigenvalues, and one of rank 1.
    let products = x.times(x, transposingSelf: true)
    let one = x.rows(at: [0]).times(x.rows(at: [0]), transposingSelf: true)
    for matrix in [products, Tensor.identity(n, n), one, one.scaled(by: 1e-200)] {
      let eigen = SymmetricEigen(matrix.elements(as: Double.self), size: n)
      let v = Tensor(eigen.vectors, shape: [n, n])
      let size = max(eigen.values.map { abs($0) }.max() ?? 0, .leastNormalMagnitude)
      #expect(eigen.values == eigen.values.sorted(by: >))
      let unit = v.timesTransposed(v) - Tensor.identity(n, n)
      #expect(unit.dot(unit) < 1e-24)
      let turned = v.times(matrix).timesTransposed(v).elements(as: Double.self)
      for i in 0..<n * n {
        let expected = i / n == i % n ? eigen.values[i / n] : 0
        #expect(abs(turned[i] - expected) <= 1e-12 * size)
      }
    }
  }

  @Test func orthogonalFactorsAreOrthogonal() {
    let x = ReductionTests.matrix(9, 4, seed: 3)
    let y = x.orthogonalFactor()
    let error = y.times(y, transposingSelf: true) - Tensor.identity(4, 4)
    #expect(error.dot(error) < 1e-20)
    // x = y p with p symmetric and without negative eigenvalues.
    let p = y.times(x, transposingSelf: true)
    let skew = p - p.transposed
    #expect(skew.dot(skew) < 1e-18)
    #expect(SymmetricEigen(p.elements(as: Double.self), size: 4).values[3] > 0)
    let nothing = Tensor(zeros: [3, 2], dtype: .float64).orthogonalFactor()
    #expect(nothing.elements(as: Double.self) == Array(repeating: 0, count: 6))
  }

  /// Golden values of retrieval.py, section 24: PCA, Frank-Wolfe and the optimum without bounds.
  @Test func leanVecAgreesWithItsReference() {
    let x = ReductionTests.matrix(40, 6, seed: 23, weights: [3, 2, 1, 1, 0.5, 0.2])
    let q = ReductionTests.matrix(30, 6, seed: 24, weights: [0.2, 1, 3, 0.5, 2, 1])
    let (k, l) = (q.times(q, transposingSelf: true), x.times(x, transposingSelf: true))
    let same = l.leadingEigenvectors(3).transposed
    #expect(abs(LeanVec.loss(k, l, same, same) - 900.6358127978415) < 1e-8)
    let maps = LeanVec(queries: k, vectors: l, dimension: 3, tolerance: 0)
    #expect(abs(maps.loss - 66.33448411836194) < 1e-3)
    #expect(maps.loss > 62.34916533835087)
    let again = LeanVec.loss(k, l, maps.query.transposed, maps.vector.transposed)
    #expect(again == maps.loss)
    // With queries like the vectors nothing is better than their principal directions.
    let alike = LeanVec(queries: l, vectors: l, dimension: 3)
    #expect(abs(alike.loss - LeanVec.loss(l, l, same, same)) <= 1e-9 * alike.loss)
  }

  /// Golden values of retrieval.py, section 15.
  @Test func barlowTwinsAndItsRateAgreeWithTheirReference() {
    let reduction = NeighborReduction()
    let expected = [0.008, 0.4, 0.8, 0.40040000000000003, 0.000802434499946959]
    for (step, rate) in zip([1, 50, 100, 550, 999], expected) {
      #expect(abs(reduction.rate(step, of: 1000, 10240, 1024) - rate) < 1e-12)
    }
    let z = ReductionTests.matrix(64, 5, seed: 12)
    let value = barlowTwins(z, z).elements(as: Double.self)[0]
    // Against the definition: c of normalised columns.
    let rows = z.elements(as: Double.self)
    var (on, off) = (0.0, 0.0)
    func column(_ j: Int) -> [Double] {
      let x = (0..<64).map { rows[$0 * 5 + j] }
      let mean = x.reduce(0, +) / 64
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 64
      return x.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
    }
    for i in 0..<5 {
      for j in 0..<5 {
        let c = zip(column(i), column(j)).reduce(0) { $0 + $1.0 * $1.1 } / 64
        if i == j { on += (1 - c) * (1 - c) } else { off += c * c }
      }
    }
    #expect(abs(value - (on + 3.9e-3 * off) / 32) < 1e-12)
  }

  /// Vectors on a plane of 6 directions with a little noise in 20: 6 numbers are enough.
  static func flat(_ count: Int) -> Tensor {
    var random = Random(seed: 4)
    let plane = Tensor(normal: [6, 20], deviation: 1, dtype: .float32, random: &random)
    let inner = HNSWTests.vectors(count, 6)
    let noise = Tensor(normal: [count, 20], deviation: 0.01, dtype: .float32, random: &random)
    return (inner.times(plane) + noise).normalizedRows()
  }

  @Test(arguments: ReductionMethod.allCases, ExactIndex.Metric.allCases)
  func reductionsShipInsideIndexes(method: ReductionMethod, metric: ExactIndex.Metric) throws {
    let base = ReductionTests.flat(400)
    var options = ExportOptions()
    (options.reduction, options.dimension, options.queries) = (method, 7, base)
    func made() throws -> any VectorIndex {
      try options.composed(base, metric, { _, _ in }) { (x) throws(Failure) in
        try ExactIndex(x, metric: metric)
      }
    }
    if method == .leanvecQueries, metric == .l2 {
      #expect(throws: Failure.self) { try made() }
      return
    }
    let index = try made()
    #expect(index.dimension == 20 && index.count == 400)
    let read = try FaissFile.index(try FaissFile.bytes(index), at: "test")
    let truth = try ExactIndex(base, metric: metric).search(base, count: 10)
    let found = try read.search(base, count: 10)
    #expect(try index.search(base, count: 10) == found)
    let least: [ReductionMethod: Double] = [.none: 1, .leading: 0.2, .tldr: 0.5]
    #expect(found.recall(of: truth) >= least[method] ?? 0.85, "\(found.recall(of: truth))")
    // Learned twice it would take long, and candidates are refined alike.
    if method == .tldr { return }
    options.refine = 20
    let refined = try made().search(base, count: 10)
    #expect(refined.recall(of: truth) > (method == .leading ? 0.6 : 0.95))
  }

  @Test func reductionsRefuseWhatDoesNotFit() throws {
    let base = ReductionTests.flat(30)
    for dimension in [0, 21] {
      #expect(throws: Failure.self) {
        try LinearReduction(.pca, of: base, to: dimension, metric: .l2)
      }
    }
    #expect(throws: Failure.self) {
      try LinearReduction(.leanvecQueries, of: base, to: 3, metric: .innerProduct)
    }
    for count in [0, 1] {
      let few = base.rows(at: Array(0..<count))
      for method in ReductionMethod.allCases where count == 0 || method == .tldr {
        guard method != .none else { continue }
        #expect(throws: Failure.self) {
          try LinearReduction(method, of: few, to: 3, metric: .innerProduct, queries: base)
        }
      }
    }
    // One vector, copies and zeros give finite maps.
    for values in [[Float](repeating: 0, count: 40), [Float](repeating: 2, count: 40)] {
      let same = Tensor(values, shape: [10, 4])
      for method in ReductionMethod.allCases {
        let reduction = try LinearReduction(
          method, of: same, to: 2, metric: .innerProduct, queries: same)
        let reduced = reduction.vectorTransforms.applied(to: same).elements(as: Float.self)
        #expect(reduced.filter { !$0.isFinite }.isEmpty, "\(method)")
      }
    }
  }

  @Test func reductionsAreTheSameBitsOnAnyNumberOfThreads() throws {
    let base = ReductionTests.flat(200)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    for method in [ReductionMethod.tldr, .leanvecQueries] {
      let reduced = try [1, 3].map { threads in
        Parallel.threadCount = threads
        return try LinearReduction(method, of: base, to: 4, metric: .innerProduct, queries: base)
          .vectorTransforms.applied(to: base).elements(as: Float.self)
      }
      #expect(reduced[0] == reduced[1])
    }
  }

  /// Numbers of unlike variance that belong together: a rotation helps the quantiser.
  @Test func rotationsMakeCentresFitBetter() throws {
    var random = Random(seed: 8)
    let mix = Tensor(normal: [8, 8], deviation: 1, dtype: .float32, random: &random)
    let base = HNSWTests.vectors(1500, 8).times(mix)
    func error(_ rows: Tensor) throws -> Double {
      let index = try ProductIndex(rows, metric: .l2, parts: 2)
      let away = (rows - index.storedVectors()).converted(to: .float64)
      return away.dot(away)
    }
    let rotation = try ProductIndex.rotation(for: base, parts: 2)
    let exact = rotation.converted(to: .float64)
    let unit = exact.timesTransposed(exact) - Tensor.identity(8, 8)
    #expect(unit.dot(unit) < 1e-10)
    #expect(try error(base.timesTransposed(rotation)) < 0.9 * error(base))
    #expect(throws: Failure.self) { try ProductIndex.rotation(for: base, parts: 3) }
  }
}
