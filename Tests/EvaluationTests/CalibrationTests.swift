import Autodiff
import Settings
import Testing

import Evaluation

@Suite struct CalibrationTests {
  /// Classes around random centres.
  static func blobs(
    classes: Int, perClass: Int, spread: Double = 0.7, seed: UInt64, isUnit: Bool = false
  ) -> (rows: [[Double]], labels: [Int]) {
    var random = Random(seed: seed)
    let labels = (0..<classes * perClass).map { $0 / perClass }
    let centers = (0..<classes).map { _ in (0..<4).map { _ in random.normal() } }
    let rows = labels.map { label in
      let row = centers[label].map { $0 + spread * random.normal() }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return isUnit ? row.map { $0 / norm } : row
    }
    return (rows, labels)
  }

  @Test(arguments: DType.allCases, [false, true])
  func countsEqualBruteForce(dtype: DType, isUnit: Bool) throws {
    let (rows, labels) = Self.blobs(classes: 20, perClass: 5, seed: 1, isUnit: isUnit)
    let found = try calibrate(
      EmbeddingSet(rows, labels, dtype: dtype), falseAcceptRate: 0.02, seed: 3, draws: 50)
    #expect((found.fit.classes, found.check.classes) == (10, 10))
    #expect((found.similarity != nil) == isUnit)
    // Which classes were drawn follows from the counts: try both rates on every split of the seed.
    let random = Random(seed: 3).split("calibration").split("halves")
    var copy = random
    let fitted = Set(copy.permutation(20).prefix(10))
    for (part, isFit) in [(found.fit, true), (found.check, false)] {
      let items = labels.indices.filter { fitted.contains(labels[$0]) == isFit }
      let pairs = Oracle(items.map { rows[$0] }, items.map { labels[$0] }).pairs
      #expect(part.positivePairs == pairs.positives.count)
      #expect(part.negativePairs == pairs.negatives.count)
      let accepted = pairs.negatives.count { $0 <= found.distance }
      let refused = pairs.positives.count { $0 > found.distance }
      #expect(part.falseAcceptRate == Double(accepted) / Double(pairs.negatives.count))
      #expect(part.falseRejectRate == Double(refused) / Double(pairs.positives.count))
      if isFit {
        #expect(accepted == Int(0.02 * Double(pairs.negatives.count) + 1e-9))
        let sorted = pairs.negatives.sorted()
        let middle = (sorted[accepted - 1] + sorted[accepted]) / 2
        #expect(abs(found.distance - middle) < (dtype == .float64 ? 1e-12 : 1e-6))
      }
    }
    #expect(try Calibration(found.json, at: "test") == found)
    // Squares of distances below 0 would not ascend.
    guard case .object(var members) = found.json else {
      Issue.record("a calibration is an object")
      return
    }
    members["distanceInterval"] = [-2, 1]
    let negative = JSONValue.object(members)
    #expect(throws: Failure.self) { _ = try Calibration(negative, at: "test") }
  }

  /// The weighted crossing and rates of a draw against items that are really repeated.
  @Test func drawsEqualRepeatedClasses() throws {
    let (rows, labels) = Self.blobs(classes: 6, perClass: 4, seed: 2)
    let set = LabeledRows<Double>.prepare(
      [EmbeddingSet(rows, labels)], distance: .euclidean)[0]
    let distances = DistanceRows(query: set, gallery: set, isSelf: true)
    let bins = RankPass(distances, measures: [], countsPairs: true).negativeBins
    let tail = NegativeTail(distances, bins: bins, count: .max)
    let bootstrap = ClassBootstrap(
      sizes: set.members.map(\.count), draws: 1, random: Random(seed: 0))
    var random = Random(seed: 5)
    for _ in 0..<20 {
      var weights = [Int](repeating: 0, count: 6)
      for _ in 0..<6 { weights[random.below(6)] += 1 }
      var (positives, negatives): ([Double], [Double]) = ([], [])
      for i in labels.indices {
        for j in labels.indices where j > i {
          let isSame = labels[i] == labels[j]
          let times = weights[labels[i]] * (isSame ? 1 : weights[labels[j]])
          let square = zip(rows[i], rows[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
          for _ in 0..<times {
            if isSame {
              positives.append(square.squareRoot())
            } else {
              negatives.append(square.squareRoot())
            }
          }
        }
      }
      negatives.sort()
      #expect(bootstrap.negativePairs(weights) == negatives.count)
      guard !negatives.isEmpty else { continue }
      let crossing = try #require(
        tail.crossing(share: 0.05, weights: weights, total: negatives.count))
      let refused = negatives[Int(0.05 * Double(negatives.count))]
      #expect(abs(Double(crossing.refused).squareRoot() * set.scale - refused) < 1e-9)
      let below = negatives.last { $0 < refused } ?? 0
      #expect(abs(Double(crossing.accepted).squareRoot() * set.scale - below) < 1e-9)

      let threshold = 1.3
      let counts = ThresholdCounts(
        distances, limit: threshold / set.scale * (threshold / set.scale))
      #expect(counts.falseAccepts(weights) == negatives.count { $0 <= threshold })
      let rejected = positives.count { $0 > threshold }
      #expect(counts.falseRejectRate(weights) == Double(rejected) / Double(positives.count))
    }
  }

  /// Intervals hold the rate that other classes of the same kind would have, about as often as
  /// they say.
  @Test func intervalsCoverTheRate() throws {
    let (rows, labels) = Self.blobs(classes: 600, perClass: 3, seed: 77)
    let all = Oracle(rows, labels).pairs.negatives
    var hits = 0
    let trials = 200
    for trial in 0..<trials {
      let (rows, labels) = Self.blobs(classes: 80, perClass: 3, seed: UInt64(1000 + trial))
      let found = try calibrate(
        EmbeddingSet(rows, labels), falseAcceptRate: 0.05, seed: trial, draws: 200)
      let truth = Double(all.count { $0 <= found.distance }) / Double(all.count)
      let interval = try #require(found.check.falseAcceptInterval)
      hits += interval.contains(truth) ? 1 : 0
    }
    let coverage = Double(hits) / Double(trials)
    #expect((0.88...0.99).contains(coverage), "\(coverage)")
  }

  @Test("Two or three classes are halved by rows", arguments: [2, 3])
  func fewClasses(count: Int) throws {
    let (rows, labels) = Self.blobs(classes: count, perClass: 40, seed: 5)
    let found = try calibrate(EmbeddingSet(rows, labels), falseAcceptRate: 0.05, seed: 0, draws: 50)
    #expect((found.fit.classes, found.check.classes) == (count, count))
    #expect((found.fit.items, found.check.items) == (count * 20, count * 20))
    #expect(found.distance > 0 && found.check.falseAcceptRate < 0.3)
    #expect(try Calibration(found.json, at: "test") == found)
  }

  @Test func refusesToGuess() throws {
    func message(_ rows: [[Double]], _ labels: [Int], _ rate: Double) -> String {
      do {
        _ = try calibrate(EmbeddingSet(rows, labels), falseAcceptRate: rate, draws: 20)
        return ""
      } catch {
        return error.description
      }
    }
    let (rows, labels) = Self.blobs(classes: 10, perClass: 4, seed: 4)
    // Halves of 5 classes have 10 · 16 = 160 pairs that do not match.
    #expect(message(rows, labels, 0.001).contains("0.0625 or more"))
    #expect(message(rows, labels, 0.0625) == "")
    #expect(message(rows, labels, 0.062).contains("expected 162 pairs"))
    #expect(message(rows, labels, 0).contains("above 0"))
    #expect(message(rows, labels, .nan).contains("above 0"))
    #expect(message([[1], [2]], [0, 1], 0.1).contains("2 classes"))
    let equal = Array(repeating: [0.5, 1], count: 40)
    #expect(message(equal, labels, 0.1).contains("the same embedding"))
  }

  @Test func doesNotDependOnThreadsOrOrder() throws {
    let (rows, labels) = Self.blobs(classes: 40, perClass: 4, seed: 6)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let results = try [1, 3].map { threads in
      Parallel.threadCount = threads
      return try calibrate(
        EmbeddingSet(rows, labels, dtype: .float32), falseAcceptRate: 0.01, draws: 100)
    }
    #expect(results[0] == results[1])
    let other = try calibrate(
      EmbeddingSet(rows, labels, dtype: .float32), falseAcceptRate: 0.01, seed: 1, draws: 100)
    #expect(other.distance != results[0].distance)
  }
}
