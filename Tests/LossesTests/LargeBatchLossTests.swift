import Autodiff
import Geometry
import Losses
import Miners
import Testing

/// What is found piece by piece for large batches, against the formula as it is written.
@Suite struct LargeBatchLossTests {
  @Test(arguments: [DType.float64, .float32])
  func anglesAreThoseOfLoops(dtype: DType) throws {
    var random = Random(seed: 6)
    let (n, d) = (21, 5)
    var points = Tensor(normal: [n, d], deviation: 1, dtype: .float64, random: &random)
      .elements(as: Double.self)
    for k in 0..<d { points[3 * d + k] = points[k] }
    let teacher = Tensor(normal: [n, 3], deviation: 1, dtype: .float64, random: &random)
    var loss = RelationalDistillationLoss()
    loss.distanceWeight = 0
    let x = Tensor(points, shape: [n, d]).converted(to: dtype)
    let (found, gradient) = valueWithGradient(at: [x]) {
      loss(LossInput(embeddings: $0[0], labels: Array(0..<n), teacher: teacher)).value
    }
    let tolerance = dtype == .float64 ? 1e-12 : 1e-5
    #expect(abs(found.item - angleCost(points, teacher.elements(as: Double.self), n)) < tolerance)
    // By finite differences of the loops, away from the two equal rows.
    for place in [7, d * 11 + 2, n * d - 1] {
      var (more, less) = (points, points)
      more[place] += 1e-5
      less[place] -= 1e-5
      let wanted = teacher.elements(as: Double.self)
      let slope = (angleCost(more, wanted, n) - angleCost(less, wanted, n)) / 2e-5
      #expect(abs(gradient[0].elements(as: Double.self)[place] - slope) < max(1e-7, tolerance))
    }
  }

  /// Above 256 rows there are several strips, of which each stands for its mirror image too.
  @Test func anglesOfSeveralStripsAreThoseOfLoops() {
    var random = Random(seed: 9)
    let n = 260
    let points = Tensor(normal: [n, 2], deviation: 1, dtype: .float64, random: &random)
    let teacher = Tensor(normal: [n, 1], deviation: 1, dtype: .float64, random: &random)
    var loss = RelationalDistillationLoss()
    loss.distanceWeight = 0
    let (found, gradient) = valueWithGradient(at: [points]) {
      loss(LossInput(embeddings: $0[0], labels: Array(0..<n), teacher: teacher)).value
    }
    let (x, wanted) = (points.elements(as: Double.self), teacher.elements(as: Double.self))
    #expect(abs(found.item - angleCost(x, wanted, n)) < 1e-10)
    // Along one direction, so that the loops are gone through three times only.
    let way = x.indices.map { Double($0 % 7) - 3 }
    func moved(_ step: Double) -> Double {
      angleCost(zip(x, way).map { $0 + step * $1 }, wanted, n)
    }
    let along = zip(gradient[0].elements(as: Double.self), way).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs((moved(1e-6) - moved(-1e-6)) / 2e-6 - along) < 1e-6 * max(1, abs(along)))
  }

  /// 2 / n³ Σ H over all triples.
  private func angleCost(_ x: [Double], _ teacher: [Double], _ n: Int) -> Double {
    func directions(_ x: [Double], from vertex: Int) -> [[Double]] {
      let d = x.count / n
      return (0..<n).map { row in
        let difference = (0..<d).map { x[row * d + $0] - x[vertex * d + $0] }
        let length = difference.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return difference.map { length > 1e-12 ? $0 / length : 0 }
      }
    }
    func product(_ a: [Double], _ b: [Double]) -> Double {
      a.indices.reduce(0.0) { $0 + a[$1] * b[$1] }
    }
    var total = 0.0
    for vertex in 0..<n {
      let (own, others) = (directions(x, from: vertex), directions(teacher, from: vertex))
      for i in 0..<n {
        for k in 0..<n {
          let u = abs(product(own[i], own[k]) - product(others[i], others[k]))
          total += u < 1 ? u * u / 2 : u - 0.5
        }
      }
    }
    return 2 * total / Double(n * n * n)
  }

  /// Lists of neighbours give what whole matrices do, wide neighbourhoods and equal rows too.
  @Test(arguments: [1, 4, 40], [0, 0.05, 1])
  func contextFromListsIsThatOfMatrices(neighbors: Int, slack: Double) {
    var random = Random(seed: 8)
    for (n, equal) in [(1, 1), (2, 1), (37, 1), (24, 9), (12, 12)] {
      var points = Tensor(normal: [n, 6], deviation: 1, dtype: .float64, random: &random)
        .elements(as: Double.self)
      for i in 1..<max(equal, 2) where equal > 1 {
        for k in 0..<6 { points[i * 6 + k] = points[k] }
      }
      let x = Tensor(points, shape: [n, 6])
      let labels = (0..<n).map { $0 / 3 }
      var loss = ContextualLoss()
      (loss.neighbors, loss.slack, loss.contextWeight) = (neighbors, slack, 0.9)
      let held = loss.holdingWeights(of: LossInput(embeddings: x, labels: labels))
      let (value, gradient) = valueWithGradient(at: [x]) {
        loss(LossInput(embeddings: $0[0], labels: labels)).value
      }
      let (expected, slopes) = valueWithGradient(at: [x]) {
        held(LossInput(embeddings: $0[0], labels: labels)).value
      }
      #expect(abs(value.item - expected.item) < 1e-12)
      let difference = zip(
        gradient[0].elements(as: Double.self), slopes[0].elements(as: Double.self)
      ).map { abs($0 - $1) }
      #expect(difference.max()! < 1e-9)
    }
  }

  /// P2SGrad without a matrix of all cosines, against itself row by row, as a reducer that looks at
  /// rows makes it go.
  @Test(arguments: DType.allCases) func squaredErrorsFromSumsAreThoseOfRows(dtype: DType) {
    var random = Random(seed: 10)
    let (n, d, classes) = (150, 7, 90)
    let points = { (rows: Int, zero: Int) -> Tensor in
      var values = Tensor(normal: [rows, d], deviation: 1, dtype: .float64, random: &random)
        .elements(as: Double.self)
      for k in 0..<d { values[zero * d + k] = 0 }
      return Tensor(values, shape: [rows, d]).converted(to: dtype)
    }
    let (x, proxies) = (points(n, 3), points(classes, 0))
    // Some classes have many rows, some one and some none.
    let labels = (0..<n).map { $0 * $0 % 83 }
    let found = [nil, PerAnchorReducer() as any Reducer].map { reducer in
      valueWithGradient(at: [x, proxies]) {
        var loss = P2SGradLoss()
        loss.proxies = $0[1]
        return loss(LossInput(embeddings: $0[0], labels: labels, reducer: reducer)).value
      }
    }
    let tolerance = dtype == .float64 ? 1e-14 : 2e-7
    #expect(found[0].value.item > 0)
    #expect(abs(found[0].value.item - found[1].value.item) < tolerance)
    for (gradient, expected) in zip(found[0].gradient, found[1].gradient) {
      #expect(expected.elements(as: Double.self).contains { abs($0) > 1e-4 })
      let difference = zip(gradient.elements(as: Double.self), expected.elements(as: Double.self))
        .map { abs($0 - $1) }
      #expect(difference.max()! < tolerance)
    }
  }

  /// The instance loss from half of the exponentials, against itself row by row.
  @Test(arguments: DType.allCases, [5.0, 64, 80])
  func symmetricSoftmaxIsThatOfRows(dtype: DType, gamma: Double) {
    var random = Random(seed: 11)
    // Several blocks of rows.
    let (n, d) = (131, 6)
    var values = Tensor(normal: [n, d], deviation: 1, dtype: .float64, random: &random)
      .elements(as: Double.self)
    for k in 0..<d {
      values[3 * d + k] = 0
      values[9 * d + k] = 2 * values[8 * d + k]
    }
    let x = Tensor(values, shape: [n, d]).converted(to: dtype)
    for labels in [(0..<n).map { $0 * $0 % 31 }, Array(repeating: 0, count: n), Array(0..<n)] {
      let found = [nil, PerAnchorReducer() as any Reducer].map { reducer in
        valueWithGradient(at: [x]) {
          InstanceLoss(gamma: gamma)(
            LossInput(embeddings: $0[0], labels: labels, reducer: reducer)
          ).value
        }
      }
      let tolerance = (dtype == .float64 ? 1e-15 : 1e-6) * gamma
      #expect(abs(found[0].value.item - found[1].value.item) < tolerance)
      let gradients = found.map { $0.gradient[0].elements(as: Double.self) }
      #expect(gradients[1].contains { abs($0) > 1e-3 } == (labels[1] != labels[0]))
      #expect(zip(gradients[0], gradients[1]).allSatisfy { abs($0 - $1) < tolerance })
    }
  }

  /// Pairs without a score are no pairs, so it is not enough to compare labels.
  @Test func instanceLossIgnoresPairsWithoutAScore() {
    var random = Random(seed: 12)
    let x = Tensor(normal: [24, 5], deviation: 1, dtype: .float64, random: &random)
    let scores = [
      LabelPair(0, 1): 1, LabelPair(0, 2): 0, LabelPair(1, 2): 0, LabelPair(3, 1): 0,
      LabelPair(3, 0): 0.5,
    ]
    let found = [nil, PerAnchorReducer() as any Reducer].map { reducer in
      InstanceLoss(gamma: 10).valueWithGradients(
        LossInput(embeddings: x, labels: (0..<24).map { $0 % 4 }, reducer: reducer),
        relevance: .scores(scores))
    }
    #expect(abs(found[0].value - found[1].value) < 1e-13)
    let gradients = found.map { $0.gradients[0].elements(as: Double.self) }
    #expect(gradients[1].contains { abs($0) > 1e-3 })
    #expect(zip(gradients[0], gradients[1]).allSatisfy { abs($0 - $1) < 1e-13 })
  }
}
