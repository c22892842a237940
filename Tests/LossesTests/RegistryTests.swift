import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// What holds for every loss, by its registry entry alone.
@Suite struct RegistryTests {
  @Test(arguments: allLosses) func gradientFitsDifferences(_ named: Named<any Loss>) {
    let checks = gradientChecks(for: named)
    #expect(checks.count >= 3)
    for check in checks {
      let outcome = check.run()
      #expect(outcome.passes, "\(outcome)")
    }
  }

  @Test(arguments: allLosses, Distance.Kind.allCases)
  func gradientFitsDifferencesForEveryDistance(_ named: Named<any Loss>, kind: Distance.Kind) throws
  {
    for (normalizes, p, power) in [
      (true, 2.0, 1.0), (false, 2, 1), (true, 3, 1.5), (false, 1.5, 1),
    ]
    where p == 2 || kind == .euclidean || kind == .squaredEuclidean {
      let settings: [String: JSONValue] = [
        "distance": .string(kind.rawValue), "normalize": .bool(normalizes), "p": .number(p),
        "power": .number(power),
      ]
      guard let loss = try? named.value.setting(settings, at: named.name) else { return }
      for check in gradientChecks(for: Named(named.name, loss)) {
        let outcome = check.run()
        #expect(outcome.passes, "\(kind) \(normalizes) \(outcome)")
      }
    }
  }

  @Test func everyVariantFitsDifferences() throws {
    let learned: [String: JSONValue] = ["nu": 0.3, "learnBeta": true]
    let variants: [(any Loss, [String: JSONValue])] = [
      (MarginLoss(), learned), (MarginLoss(), learned.merging(["betaPerClass": true]) { $1 }),
      (TripletMarginLoss(), ["swap": true]), (TripletMarginLoss(), ["smooth": true]),
      (TripletMarginLoss(), ["smooth": true, "swap": true]),
      (ProxyNCALoss(), ["proxiesPerClass": 3]),
      (SphereFaceLoss(), ["margin": 3]), (FastAPLoss(), ["bins": 3]),
      (RankedListLoss(), ["alpha": 1.3, "positiveTemperature": 5]),
      (BatchHardTripletLoss(), ["activation": "hinge"]),
      (BatchHardTripletLoss(), ["activation": "none"]),
      (BatchAllTripletLoss(), ["activation": "softplus"]),
      (BatchAllTripletLoss(), ["average": "non-zero"]),
      (IConLoss(), ["kernel": "student"]), (IConLoss(), ["neighborhood": "proxies"]),
      (NBCLoss(), ["ratio": 0.5]), (GE2ELoss(), ["clamp": false]),
      (MeanFieldContrastiveLoss(), ["regularization": 1, "power": 3]),
      (MeanFieldClassWiseMultiSimilarityLoss(), ["regularization": 1, "power": 3]),
      (EquiangularBasisLoss(), ["labelSmoothing": 0.1]), (DSimplexLoss(), ["normalize": true]),
      (SubmodularLoss(), ["function": "graph-cut"]),
      (FocalInfoNCELoss(), ["mixing": "pair"]), (FocalInfoNCELoss(), ["mixing": "none"]),
      (FocalInfoNCELoss(), ["gamma": 0, "hardest": 2]), (NoiseContrastiveLoss(), ["noise": 3]),
      (SubmodularLoss(), ["function": "log-determinant"]),
      (SubmodularLoss(), ["function": "log-determinant", "measure": "information"]),
    ]
    let ranks = PNPLoss.Variant.allCases.map { ["variant": JSONValue.string($0.rawValue)] }
    for (loss, settings) in variants + ranks.map({ (PNPLoss() as any Loss, $0) }) {
      let named = Named("\(type(of: loss))", try loss.setting(settings, at: ""))
      for check in gradientChecks(for: named) {
        let outcome = check.run()
        #expect(outcome.passes, "\(settings) \(outcome)")
      }
    }
  }

  @Test(arguments: allLosses) func float32FollowsFloat64(_ named: Named<any Loss>) {
    let checks = precisionChecks(for: named)
    #expect(checks.count >= 3)
    for check in checks { #expect(check.passes, "\(check)") }
  }

  @Test(arguments: allLosses) func isDescribed(_ named: Named<any Loss>) {
    #expect(!type(of: named.value).summary.isEmpty)
    #expect(type(of: named.value).source.contains(/(19|20)\d\d/))
  }

  @Test(arguments: allLosses.filter { !type(of: $0.value).dependsOnOrder })
  func orderOfTheBatchDoesNotMatter(_ named: Named<any Loss>) {
    let labels = [0, 0, 0, 0, 1, 1, 2, 3, 3]
    let (loss, input) = batch(named.value, labels, .float64)
    var random = Random(seed: 2)
    let order = random.permutation(labels.count)
    var moved = input
    moved.embeddings = input.embeddings.rows(order)
    moved.labels = order.map { labels[$0] }
    moved.teacher = input.teacher?.rows(order)
    let (value, gradients) = loss.valueWithGradients(input)
    let (movedValue, movedGradients) = loss.valueWithGradients(moved)
    #expect(abs(value - movedValue) <= 1e-10 * max(1, abs(value)))
    #expect(largestError(movedGradients[0], gradients[0].rows(order)) <= 1e-9)
  }

  @Test(arguments: allLosses, DType.allCases)
  func degenerateBatchesAreFinite(_ named: Named<any Loss>, dtype: DType) throws {
    for (name, labels, scale) in Degenerate.all {
      for kind in Degenerate.Rows.allCases {
        let (prepared, plain) = batch(named.value, labels, dtype)
        var (loss, input) = (prepared, plain)
        kind.apply(to: &input, &loss, scale)
        for tuples in [nil, Tuples.pairs(positive: [], negative: []), .triplets([])] {
          input.tuples = tuples
          try loss.validate(input, at: named.name)
          let output = loss(input)
          let (value, gradients) = loss.valueWithGradients(input)
          #expect(value.isFinite, "\(named) \(name) \(kind)")
          #expect((0...1).contains(output.active), "\(named) \(name) \(kind)")
          for gradient in gradients {
            let isFinite = gradient.elements(as: Double.self).allSatisfy { $0.isFinite }
            #expect(isFinite, "\(named) \(name) \(kind)")
          }
        }
      }
    }
  }

  /// Losses that draw raw embeddings to fixed or learned points move them from 0 too.
  @Test(
    arguments: allLosses.filter {
      !["center", "d-simplex", "embedding-distillation"].contains($0.name)
    })
  func rowsOfZerosTakeNoGradient(_ named: Named<any Loss>) {
    var (loss, input) = batch(named.value, [0, 0, 1, 1], .float64)
    Degenerate.Rows.zeros.apply(to: &input, &loss, 1)
    let (_, gradients) = loss.valueWithGradients(input)
    #expect(gradients[0].elements(as: Double.self).allSatisfy { $0 == 0 })
  }

  /// Nested so that no other test of the suite changes the number of threads meanwhile.
  @Test func threadsDoNotChangeBits() {
    let threads = Parallel.threadCount
    defer { Parallel.threadCount = threads }
    let labels = (0..<150).map { $0 % 7 }
    for named in allLosses {
      for dtype in DType.allCases {
        let (loss, input) = batch(named.value, labels, dtype)
        var results: [[Double]] = []
        for count in [1, 2, 5] {
          Parallel.threadCount = count
          let (value, gradients) = loss.valueWithGradients(input)
          results.append([value] + gradients.flatMap { $0.elements(as: Double.self) })
        }
        #expect(results[0] == results[1], "\(named)")
        #expect(results[0] == results[2], "\(named)")
      }
    }
  }

  @Test(arguments: allLosses) func wrongBatchesAreRefused(_ named: Named<any Loss>) {
    let (loss, input) = batch(named.value, [0, 0, 1, 1], .float64)
    var short = input
    short.labels.removeLast()
    #expect(throws: Failure.self) { try loss.validate(short, at: "") }
    var infinite = input
    infinite.embeddings.updateElements(of: Double.self) { $0[3] = .nan }
    #expect(throws: Failure.self) { try loss.validate(infinite, at: "") }
    var outside = input
    outside.tuples = .triplets([Triplet(0, 1, 4)])
    #expect(throws: Failure.self) { try loss.validate(outside, at: "") }
  }

  @Test func aWrongGradientIsFound() {
    let checks = gradientChecks(for: Named("wrong", WrongLoss()))
    #expect(checks.contains { !$0.run().passes })
  }
}

/// A loss whose derivative is not that of its value.
private struct WrongLoss: PairwiseLoss {
  var distance = Distance.cosine
  static let summary = "wrong on purpose"
  static let source = "nobody, 2000"
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    for j in row.indices {
      sums.terms.add(Double(row.values[j]))
      row.derivatives[j] = 2
    }
  }
}

private enum Degenerate {
  static let all: [(name: String, labels: [Int], scale: Double)] = [
    ("one class", [0, 0, 0, 0], 1), ("distinct classes", [0, 1, 2, 3], 1), ("one row", [0], 1),
    ("two classes", [0, 0, 1, 1, 1], 1), ("huge", [0, 0, 1, 1], 1e30),
    ("tiny", [0, 0, 1, 1], 1e-30),
  ]

  enum Rows: CaseIterable {
    case plain, collapsed, duplicates, zeros, oneZero, onProxies

    func apply(to input: inout LossInput, _ loss: inout any Loss, _ scale: Double) {
      let (n, d) = (input.embeddings.shape[0], input.embeddings.shape[1])
      var values = input.embeddings.elements(as: Double.self)
      switch self {
      case .plain: break
      case .collapsed: for i in 0..<n { for k in 0..<d { values[i * d + k] = values[k] } }
      case .duplicates:
        for i in stride(from: 1, to: n, by: 2) {
          for k in 0..<d { values[i * d + k] = values[(i - 1) * d + k] }
        }
      case .zeros: values = values.map { _ in 0 }
      case .oneZero: for k in 0..<d { values[k] = 0 }
      case .onProxies:
        for proxies in loss.parameters.map(\.value) where proxies.shape.last == d {
          let rows = proxies.elements(as: Double.self)
          let perClass = proxies.shape[0] / ((input.labels.max() ?? 0) + 1)
          for i in 0..<n {
            for k in 0..<d { values[i * d + k] = rows[input.labels[i] * perClass * d + k] }
          }
        }
      }
      input.embeddings = Tensor(values.map { $0 * scale }, shape: [n, d])
        .converted(to: input.embeddings.dtype)
    }
  }
}

/// A loss with its parameters, and a random batch for it.
func batch(_ loss: any Loss, _ labels: [Int], _ dtype: DType) -> (loss: any Loss, LossInput) {
  var (loss, random) = (loss, Random(seed: 9))
  loss.makeParameters(
    classCount: (labels.max() ?? 0) + 1, dimension: 6, dtype: dtype, random: Random(seed: 4))
  let embeddings = Tensor(normal: [labels.count, 6], deviation: 1, dtype: dtype, random: &random)
  let width = loss.teacherUse == .ownDimension ? 6 : 5
  let teacher = Tensor(normal: [labels.count, width], deviation: 1, dtype: dtype, random: &random)
  return (loss, LossInput(embeddings: embeddings, labels: labels, teacher: teacher))
}

extension Tensor {
  func rows(_ order: [Int]) -> Tensor {
    let (values, width) = (elements(as: Double.self), shape[1])
    return Tensor(
      order.flatMap { values[$0 * width..<($0 + 1) * width] }, shape: [order.count, width]
    ).converted(to: dtype)
  }
}
