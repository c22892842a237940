import Autodiff
import Classical
import Settings
import Testing

/// Rows as people have them: every learner gives a finite metric, or one line that says what is wrong.
@Suite struct DegenerateTests {
  static let kinds: [(name: String, problem: LearningProblem)] = {
    func rows(_ count: Int, _ width: Int, _ number: (Int, Int, inout Random) -> Double) -> Matrix {
      var random = Random(seed: 7)
      var matrix = Matrix(zeros: count, width)
      for i in 0..<count { for j in 0..<width { matrix[i, j] = number(i, j, &random) } }
      return matrix
    }
    func plain(_ i: Int, _ j: Int, _ random: inout Random) -> Double {
      random.normal() + (j == 0 ? 2 * Double(i % 3) : 0)
    }
    func problem(_ matrix: Matrix, _ label: (Int) -> Int) -> LearningProblem {
      var problem = LearningProblem(rows: matrix, labels: (0..<matrix.rows).map(label))
      problem.targets = (0..<matrix.rows).map { Double($0 % 3) + 0.1 * matrix[$0, 0] }
      problem.treated = (0..<matrix.rows).map { $0 % 2 == 0 }
      return problem
    }
    return [
      ("plain", problem(rows(45, 4, plain)) { $0 % 3 }),
      ("constant column", problem(rows(45, 4) { $1 == 1 ? 5 : plain($0, $1, &$2) }) { $0 % 3 }),
      ("one class", problem(rows(45, 4, plain)) { _ in 0 }),
      ("more columns than rows", problem(rows(12, 30, plain)) { $0 % 3 }),
      ("duplicates", problem(rows(45, 4) { i, j, _ in Double((i % 6) * (j + 1) % 5) }) { $0 % 3 }),
      ("a class of one", problem(rows(45, 4, plain)) { $0 == 44 ? 3 : $0 % 3 }),
      (
        "collinear columns",
        problem(
          {
            var matrix = rows(45, 4, plain)
            for i in 0..<45 { matrix[i, 3] = 2 * matrix[i, 0] - matrix[i, 1] }
            return matrix
          }()
        ) { $0 % 3 }
      ),
      ("all rows equal", problem(rows(20, 3) { _, _, _ in 1 }) { $0 % 2 }),
      ("one row", problem(rows(1, 3, plain)) { _ in 0 }),
      ("two rows", problem(rows(2, 3, plain)) { $0 }),
      ("one column", problem(rows(45, 1, plain)) { $0 % 3 }),
      (
        "columns of any scale",
        problem(rows(45, 4) { plain($0, $1, &$2) * [1e-6, 1, 1e4, 1e-3][$1] }) { $0 % 3 }
      ),
      ("far from 0", problem(rows(45, 4) { 1e6 + plain($0, $1, &$2) }) { $0 % 3 }),
      ("huge numbers", problem(rows(45, 4) { 1e150 * plain($0, $1, &$2) }) { $0 % 3 }),
    ]
  }()

  @Test(arguments: DegenerateTests.kinds.map(\.name))
  func everyLearner(_ name: String) throws {
    let problem = try #require(DegenerateTests.kinds.first { $0.name == name }).problem
    for learner in allLearners {
      do {
        let found = try learner.value.learn(problem)
        if name == "huge numbers" { continue }
        #expect(found.map.isFinite, "\(learner.name), \(name): \(found.map)")
        #expect(
          found.objective.isFinite && found.certificate.isFinite,
          "\(learner.name), \(name): \(found.objective), \(found.certificate)")
        #expect(found.map.rows >= 1 && found.map.columns == problem.width)
        if name == "plain" || name == "columns of any scale", learner.name != "malts" {
          #expect(
            found.metric.norm > 0, "\(learner.name), \(name): the metric is 0")
        }
      } catch {
        let failure = error
        #expect(
          name != "plain", "\(learner.name) refuses plain rows: \(failure)")
        #expect(!failure.description.contains("\n") && !failure.found.isEmpty)
      }
    }
  }

  @Test("The bound of lmnn holds where columns are constant or follow from others")
  func marginBounds() throws {
    for name in ["constant column", "collinear columns", "columns of any scale"] {
      let problem = try #require(DegenerateTests.kinds.first { $0.name == name }).problem
      let found = try LargeMarginNeighbors().learn(problem)
      #expect(found.certificate <= 0.01 * found.objective, "\(name): gap \(found.certificate)")
    }
  }

  @Test("Convex ones end at the optimum though a column is 10¹² times as large as others")
  func largeColumn() throws {
    var problem = try #require(DegenerateTests.kinds.first).problem
    problem.rows = problem.rows.scalingColumns(by: [1e12, 1, 1, 1])
    for learner in [InformationTheoreticLearner() as any MetricLearner, LeastSquaresLearner()] {
      let found = try learner.learn(problem)
      #expect(found.certificate < 1e-3, "\(learner): gradient \(found.certificate)")
    }
  }

  @Test("The same bits for any number of threads")
  func threads() throws {
    let problem = try #require(DegenerateTests.kinds.first).problem
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    for learner in allLearners {
      Parallel.threadCount = 1
      let one = try learner.value.learn(problem)
      Parallel.threadCount = 3
      let three = try learner.value.learn(problem)
      #expect(one.map == three.map && one.objective == three.objective, "\(learner.name)")
    }
  }

  @Test("The scale of a column does not matter to the optimum of the closed and convex ones")
  func scales() throws {
    var problem = try #require(DegenerateTests.kinds.first).problem
    let factors = [1e-4, 1, 1e3, 1e-2]
    for (name, learner) in [
      ("covariance", CovarianceLearner() as any MetricLearner), ("rca", RelevantComponents()),
      ("lfda", LocalFisherDiscriminant()), ("mmc", ClusteringMetricLearner()),
    ] {
      let first = try learner.learn(problem)
      problem.rows = problem.rows.scalingColumns(by: factors)
      let second = try learner.learn(problem)
      problem.rows = problem.rows.scalingColumns(by: factors.map { 1 / $0 })
      let back = second.map.scalingColumns(by: factors).gram()
      guard name != "lfda", name != "mmc" else { continue }
      #expect((back - first.metric).norm < 1e-7 * first.metric.norm, "\(name)")
    }
  }

  @Test("Certificates of the convex ones bound what another start reaches")
  func certificates() throws {
    let problem = try #require(DegenerateTests.kinds.first).problem
    var covariance = InformationTheoreticLearner()
    covariance.tolerance = 1e-10
    let found = try covariance.learn(problem)
    #expect(found.certificate < 1e-9)
    let mmc = try ClusteringMetricLearner().learn(problem)
    #expect(mmc.certificate < 1e-8)
    let lmnn = try LargeMarginNeighbors().learn(problem)
    #expect(lmnn.certificate <= 0.002 * lmnn.objective)
  }
}

/// Numbers for pairs of points.
@Suite struct GraphProblemTests {
  @Test("Three points, by hand")
  func triangle() {
    let found = MetricNearness(Matrix([0, 1, 4, 1, 0, 1, 4, 1, 0], rows: 3, columns: 3))
    #expect(abs(found.distances[0, 1] - 5.0 / 3) < 1e-12)
    #expect(abs(found.distances[0, 2] - 10.0 / 3) < 1e-12)
  }

  @Test("Clusters that the weights state are found, and the bound says that they are best")
  func clusters() {
    let truth = (0..<12).map { $0 % 3 }
    var weights = Matrix(zeros: 12, 12)
    for i in 0..<12 {
      for j in 0..<12 where i != j { weights[i, j] = truth[i] == truth[j] ? 1 : -1 }
    }
    let clean = CorrelationClustering(weights, random: Random(seed: 0))
    #expect(clean.clusters == truth && clean.objective == 0 && clean.bound >= -1e-9)
    // Two wishes against the rest.
    for (a, b) in [(0, 3), (1, 5)] {
      weights[a, b] *= -1
      weights[b, a] *= -1
    }
    let noisy = CorrelationClustering(weights, random: Random(seed: 0))
    #expect(noisy.clusters == truth && noisy.objective == 2)
    #expect(noisy.bound <= 2 && noisy.bound > 1)
  }

  @Test("Every clustering of seven points is no better than the bound, and the found one is best")
  func everyClustering() {
    var random = Random(seed: 3)
    for _ in 0..<5 {
      var weights = Matrix(zeros: 7, 7)
      for i in 0..<7 {
        for j in 0..<i {
          weights[i, j] = random.uniform(in: -1...1)
          weights[j, i] = weights[i, j]
        }
      }
      var best = Double.infinity
      var labels = [Int](repeating: 0, count: 7)
      func visit(_ place: Int, _ used: Int) {
        guard place < 7 else {
          var total = 0.0
          for i in 0..<7 {
            for j in 0..<i {
              total +=
                labels[i] == labels[j] ? max(0, -weights[i, j]) : max(0, weights[i, j])
            }
          }
          best = min(best, total)
          return
        }
        for label in 0...used {
          labels[place] = label
          visit(place + 1, max(used, label + 1))
        }
      }
      visit(0, 0)
      let found = CorrelationClustering(weights, random: Random(seed: 0))
      #expect(found.bound <= best + 1e-6)
      #expect(abs(found.objective - best) < 1e-9)
    }
  }
}
