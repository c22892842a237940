import Classical
import Files
import Foundation
import Settings
import Testing

/// The fixtures beside the repository, which hold 102 cases, and a few of other data inside it.
private let sharedPath = "../shared/fixtures/classical.json"

private func cases(at path: String) -> [GoldenCases.Case] {
  FileSystem.exists(path) ? ((try? GoldenCases(path: path).cases) ?? []) : []
}

@Suite struct GoldenTests {
  @Test(
    "All cases of the shared fixtures",
    .enabled(if: FileSystem.exists(sharedPath), "../shared is not there"))
  func shared() throws {
    let golden = try GoldenCases(path: sharedPath)
    #expect(golden.cases.count == 102)
    for item in golden.cases { try check(item, among: golden) }
  }

  @Test("Cases of other data")
  func own() throws {
    let path =
      ProcessInfo.processInfo.environment["KINDRED_CLASSICAL_CASES"]
      ?? Bundle.module.path(forResource: "Fixtures/classical", ofType: "json") ?? ""
    let golden = try GoldenCases(path: path)
    #expect(!golden.cases.isEmpty)
    for item in golden.cases { try check(item, among: golden) }
  }
}

private func check(_ item: GoldenCases.Case, among golden: GoldenCases) throws {
  let clock = ContinuousClock()
  let start = clock.now
  defer {
    if ProcessInfo.processInfo.environment["KINDRED_TIMES"] != nil {
      print(item, clock.now - start)
    }
  }
  switch item.method {
  case "covariance": try checkMetric(CovarianceLearner(), item, 1e-8)
  case "rca":
    var problem = item.problem
    problem.chunks = numbers(item.value["chunks"] ?? .array([])).map { Int($0) }
    problem.components = Int(numbers([item.parameters["components"] ?? .null])[0])
    try checkMetric(RelevantComponents(), item, 1e-8, problem)
  case "lfda": try checkLFDA(item)
  case "nca", "mlkr": try checkLocal(item)
  case "lmnn": try checkLMNN(item)
  case "itml", "itml library bounds": try checkITML(item, among: golden)
  case "sdml":
    var learner = SparseDeterminantLearner()
    learner.balance = numbers([item.parameters["balance"] ?? .null]).first
    learner.sparsity = numbers([item.parameters["sparsity"] ?? .null])[0]
    var problem = item.problem
    problem.pairs = item.pairs
    try checkMetric(learner, item, 1e-5, problem)
  case "mmc": try checkMMC(item)
  case "mmc diagonal": try checkDiagonal(item, among: golden)
  case "lsml": try checkLSML(item)
  case "scml": try checkSCML(item)
  case "malts": try checkMALTS(item)
  case "ordinal mds": try checkOrdinal(item)
  case "project and forget": try checkNearness(item)
  case let name where name.hasSuffix("_Supervised"): try checkSupervised(name, item)
  default: Issue.record("no check for \(item)")
  }
}

private func checkMetric(
  _ learner: some MetricLearner, _ item: GoldenCases.Case, _ tolerance: Double,
  _ problem: LearningProblem? = nil
) throws {
  let found = try learner.learn(problem ?? item.problem)
  let expected = try #require(item.matrix("M"))
  let distance = found.metric.distance(to: expected)
  #expect(distance <= tolerance, "\(item): M is \(distance) off, certificate \(found.certificate)")
  #expect(found.certificate < 1e-8, "\(item): certificate \(found.certificate)")
  if let objective = item.number("objective") {
    #expect(
      found.objective <= objective + 1e-9 * abs(objective), "\(item): \(found.objective)")
  }
  if let correct = item.number("correct"), let data = item.data {
    #expect(abs(Double(rightByNeighbors(found.map, data)) - correct) <= 1, "\(item): accuracy")
  }
}

private func checkLFDA(_ item: GoldenCases.Case) throws {
  var learner = LocalFisherDiscriminant()
  var problem = item.problem
  problem.components = Int(numbers([item.parameters["components"] ?? .null])[0])
  // The default is the fixture's number of neighbours.
  try checkMetric(learner, item, 1e-6, problem)
  learner.neighbors = Int(numbers([item.parameters["neighbours"] ?? .null])[0])
  learner.embedding = .plain
  let plain = try learner.learn(problem)
  let distance = plain.metric.distance(to: try #require(item.matrix("MPlain")))
  #expect(distance <= 1e-6, "\(item): plain M is \(distance) off")
  learner.embedding = .orthonormalized
  let orthonormal = try learner.learn(problem).map
  #expect(
    (orthonormal.times(orthonormal, transposingOther: true) - Matrix(identity: orthonormal.rows))
      .norm < 1e-12)
}

private func checkLocal(_ item: GoldenCases.Case) throws {
  let start = Matrix(json: item.parameters["initL"] ?? .null)
  var problem = item.problem
  problem.targets = item.targets
  problem.components = start.rows
  if item.dataset == "slope" { problem.labels = nil }
  let isNCA = item.method == "nca"
  let (value, gradient) =
    isNCA
    ? NeighborhoodComponents.value(item.rows, item.labels, map: start)
    : KernelRegressionLearner.value(item.rows, item.targets, map: start)
  let expected = try #require(item.number("valueAtInit"))
  #expect(abs(value - expected) <= 1e-9 * abs(expected), "\(item): value \(value)")
  let distance = gradient.distance(to: try #require(item.matrix("gradientAtInit")))
  #expect(distance <= 1e-9, "\(item): gradient \(distance) off")
  let found: LearnedMetric
  if isNCA {
    var learner = NeighborhoodComponents()
    learner.initial = .identity
    found = try learner.learn(problem)
  } else {
    var learner = KernelRegressionLearner()
    learner.initial = .identity
    found = try learner.learn(problem)
  }
  let library = try #require(item.number("libraryObjective"))
  let slack = item.number("slack") ?? 0
  #expect(
    isNCA ? found.objective >= library - slack : found.objective <= library + slack,
    "\(item): \(found.objective) against \(library)")
}

private func checkLMNN(_ item: GoldenCases.Case) throws {
  var learner = LargeMarginNeighbors()
  let (rows, labels) = (item.rows, item.labels)
  let targets = item.indices("targets")
  let (value, gradient) = learner.value(
    rows, labels, targets: targets, map: Matrix(identity: rows.columns))
  let expected = try #require(item.number("valueAtInit"))
  #expect(abs(value - expected) <= 1e-9 * expected, "\(item): value \(value)")
  let distance = gradient.distance(to: try #require(item.matrix("gradientAtInit")))
  #expect(distance <= 1e-9, "\(item): gradient \(distance) off")
  let own = try learner.learn(item.problem)
  let library = try #require(item.number("libraryObjective"))
  #expect(own.objective <= library, "\(item): \(own.objective) against \(library)")
  #expect(own.certificate <= 0.002 * own.objective, "\(item): gap \(own.certificate)")
  // What is reachable depends on which of equally near rows are the targets.
  learner.tolerance = 5e-4
  let found = try learner.learn(item.problem, targets: targets)
  let reachable = try #require(item.number("reachable"))
  #expect(
    found.objective <= reachable * 1.001,
    "\(item): \(found.objective) against \(reachable), gap \(found.certificate)")
  #expect(found.certificate <= 0.002 * found.objective, "\(item): gap \(found.certificate)")
}

private func checkITML(_ item: GoldenCases.Case, among golden: GoldenCases) throws {
  var learner = InformationTheoreticLearner()
  learner.bounds = numbers(item.parameters["bounds"] ?? .null)
  var problem = item.problem
  problem.pairs = item.pairs
  if item.pairs.isEmpty {
    problem.pairs = try #require(golden.other(than: item, method: "itml")).pairs
  }
  try checkMetric(learner, item, 1e-6, problem)
  guard item.method == "itml" else { return }
  // The default bounds are the fixture's.
  learner.bounds = []
  try checkMetric(learner, item, 1e-6, problem)
}

private func checkMMC(_ item: GoldenCases.Case) throws {
  var problem = item.problem
  problem.pairs = item.pairs
  let found = try ClusteringMetricLearner().learn(problem)
  let expected = try #require(item.matrix("M"))
  let distance = found.metric.distance(to: expected)
  #expect(distance <= 1e-5, "\(item): M is \(distance) off, gap \(found.certificate)")
  let objective = try #require(item.number("objective"))
  #expect(found.objective >= objective - 1e-9, "\(item): \(found.objective)")
  #expect(found.certificate < 1e-8, "\(item): gap \(found.certificate)")
  let library = try #require(item.number("libraryObjective"))
  let used = try #require(item.number("libraryBudgetUsed"))
  #expect(found.objective >= library - 0.5 * log(used))
}

private func checkDiagonal(_ item: GoldenCases.Case, among golden: GoldenCases) throws {
  var learner = ClusteringMetricLearner()
  learner.diagonal = true
  var problem = item.problem
  problem.pairs = try #require(golden.other(than: item, method: "mmc")).pairs
  let found = try learner.learn(problem)
  let objective = try #require(item.number("objective"))
  #expect(found.objective <= objective + 1e-9, "\(item): \(found.objective)")
  let weights = numbers(item.value["weights"] ?? .null)
  let distance = norm(zip(found.metric.diagonal, weights).map { $0 - $1 }) / norm(weights)
  #expect(distance <= 1e-3, "\(item): weights \(distance) off")
  #expect(found.certificate < 1e-9, "\(item): certificate \(found.certificate)")
}

private func checkLSML(_ item: GoldenCases.Case) throws {
  var problem = item.problem
  problem.quadruplets = item.indices("quadruplets").map {
    RowQuadruplet($0[0], $0[1], $0[2], $0[3])
  }
  try checkMetric(LeastSquaresLearner(), item, 1e-5, problem)
  let rows = item.rows
  func differences(_ a: Int, _ b: Int) -> Matrix {
    let quadruplets = item.indices("quadruplets")
    return rows.rows(at: quadruplets.map { $0[a] }) - rows.rows(at: quadruplets.map { $0[b] })
  }
  let identity = Matrix(identity: rows.columns)
  let (value, gradient) = try #require(
    LeastSquaresLearner.value(
      identity, near: differences(0, 1), far: differences(2, 3), inversePrior: identity))
  #expect(abs(value - (item.number("valueAtPrior") ?? .nan)) < 1e-9 * value)
  #expect(gradient.distance(to: try #require(item.matrix("gradientAtPrior"))) < 1e-9)
}

private func checkSCML(_ item: GoldenCases.Case) throws {
  let path = NSTemporaryDirectory() + "kindred-basis-\(UUID().uuidString).npy"
  defer { try? FileManager.default.removeItem(atPath: path) }
  let basis = try #require(item.matrix("basis"))
  try NumPyArray(shape: [basis.rows, basis.columns], elements: .float64(basis.elements))
    .write(to: path)
  var learner = SparseCompositionalLearner()
  learner.basis = path
  var problem = item.problem
  problem.triplets = item.indices("triplets").map { RowTriplet($0[0], $0[1], $0[2]) }
  let found = try learner.learn(problem)
  let optimum = try #require(item.number("optimum"))
  #expect(
    found.objective <= optimum + 1e-6 && found.objective >= optimum - 1e-6,
    "\(item): \(found.objective) against \(optimum)")
  #expect(found.certificate <= 1e-7, "\(item): gap \(found.certificate)")
  learner.solver = .stochastic
  learner.steps = Int(numbers([item.parameters["steps"] ?? .null]).first ?? 10_000)
  let stepped = try learner.learn(problem)
  let library = try #require(item.number("libraryHinge"))
  #expect(stepped.objective >= optimum - 1e-9, "\(item): \(stepped.objective)")
  #expect(stepped.objective <= 2 * library + 0.02, "\(item): \(stepped.objective)")
}

private func checkMALTS(_ item: GoldenCases.Case) throws {
  let x = try #require(item.matrix("x"))
  let discrete = item.indices("discrete").map { $0[0] }
  let kinds = (discrete.max() ?? 0) + 1
  var rows = Matrix(zeros: x.rows, x.columns + kinds)
  for i in 0..<x.rows {
    for j in 0..<x.columns { rows[i, j] = x[i, j] }
    rows[i, x.columns + discrete[i]] = 1
  }
  let covariates = (0..<x.columns).map { $0..<$0 + 1 } + [x.columns..<x.columns + kinds]
  let treated = numbers(item.value["treated"] ?? .null).map { $0 > 0 }
  let outcomes = numbers(item.value["outcome"] ?? .null)
  var learner = MatchingStretch()
  learner.neighbors = 5
  guard case .array(let values)? = item.value["values"] else { return }
  for point in values {
    let expected = numbers([point["objective"] ?? .null])[0]
    let value = learner.value(
      rows, covariates, treated: treated, outcomes: outcomes,
      stretch: numbers(point["stretch"] ?? .null))
    #expect(abs(value - expected) <= 1e-10 * abs(expected), "\(item): \(value)")
  }
  var problem = LearningProblem(rows: rows, place: item.description)
  (problem.treated, problem.targets, problem.covariates) = (treated, outcomes, covariates)
  let found = try learner.learn(problem)
  #expect(
    found.objective <= 1.05 * (item.number("foundObjective") ?? .nan), "\(item): \(found.objective)"
  )
}

private func checkOrdinal(_ item: GoldenCases.Case) throws {
  let all = Matrix(json: item.data?["x"] ?? .null)
  let labels = numbers(item.data?["y"] ?? .null).map { Int($0) }
  let least = labels.min() ?? 0
  let problem = LearningProblem(rows: all, labels: labels.map { $0 - least })
  var learner = OrdinalScaling()
  learner.dimensions = Int(numbers([item.parameters["dimensions"] ?? .null])[0])
  let found = try learner.learn(problem)
  let distance = found.metric.distance(to: try #require(item.matrix("M")))
  #expect(distance <= 1e-8, "\(item): M is \(distance) off")
  let objective = try #require(item.number("objective"))
  #expect(abs(found.objective - objective) <= 1e-9 * objective, "\(item): \(found.objective)")
}

private func checkNearness(_ item: GoldenCases.Case) throws {
  let found = MetricNearness(try #require(item.matrix("given")))
  let distance = found.distances.distance(to: try #require(item.matrix("nearest")))
  #expect(distance <= 1e-8, "\(item): \(distance) off")
  let objective = try #require(item.number("objective"))
  #expect(abs(found.objective - objective) <= 1e-8 * max(1, objective), "\(item)")
  #expect(found.violation <= 1e-9 && found.gap <= 1e-8, "\(item): \(found.violation) \(found.gap)")
}

/// The supervised form is at most 10 % of the test rows worse than the library's best of two seeds.
private func checkSupervised(_ name: String, _ item: GoldenCases.Case) throws {
  let learner: any MetricLearner =
    switch name {
    case "ITML_Supervised": InformationTheoreticLearner()
    case "LSML_Supervised": LeastSquaresLearner()
    case "MMC_Supervised": ClusteringMetricLearner()
    case "RCA_Supervised": RelevantComponents()
    case "SCML_Supervised": SparseCompositionalLearner()
    default: SparseDeterminantLearner()
    }
  let found = try learner.learn(item.problem)
  #expect(try learner.learn(item.problem).map == found.map, "\(item): the seed decides")
  let data = try #require(item.data)
  let right = rightByNeighbors(found.map, data)
  let library = numbers(item.value["correct"] ?? .null).max() ?? 0
  let count = Double(numbers(data["test"] ?? .null).count)
  #expect(Double(right) >= library - 0.1 * count, "\(item): \(right) against \(library)")
  if name != "RCA_Supervised" {
    #expect(found.certificate < 1e-6, "\(item): certificate \(found.certificate)")
  }
}
