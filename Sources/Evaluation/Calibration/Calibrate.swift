import Autodiff
import Settings

/// Fits one threshold on half of the classes and checks it on the other half.
///
/// The classes are divided at random. On the first half the threshold is the largest distance at
/// which no more than the share `rate` of the pairs that do not match are accepted. Intervals are
/// those of the bootstrap over classes (percentiles 2.5 and 97.5), so they tell what other classes
/// of the same kind would have given; with few classes they are too narrow.
///
/// - Parameters:
///   - rate: the false accept rate to keep to, above 0 and below 1.
///   - map: how the probability of a match follows from the distance.
///   - draws: bootstrap draws.
/// - Returns: the threshold; the same bits for any number of threads.
/// - Throws: if a half has fewer than 10 / `rate` pairs that do not match (a rate so small would
///   be a guess; the message says the least that the data allow), or if so many of them are at
///   distance 0 that no threshold keeps to the rate.
/// - Complexity: O(n² d) time; per draw O(rate · n²), and memory O(rate · n² + matching pairs).
public func calibrate(
  _ set: EmbeddingSet, falseAcceptRate rate: Double, map: ProbabilityMap.Kind = .platt,
  seed: Int = 0, draws: Int = 1000
) throws(Failure) -> Calibration {
  try set.check()
  guard rate > 0, rate < 1 else {
    throw Failure(
      .badUsage, at: "far", "the false accept rate is \(rate)", expected: "above 0 and below 1")
  }
  guard draws > 0 else {
    throw Failure(.badUsage, at: "draws", "there are \(draws) draws", expected: "1 or more")
  }
  let random = Random(seed: UInt64(bitPattern: Int64(seed))).split("calibration")
  let halves = try set.halves(seed: seed)
  for half in halves {
    let pairs = half.negativePairs
    guard Double(pairs) * rate >= 10 * (1 - 1e-12) else {
      throw Failure(
        .badData, at: set.name,
        "half of the classes have \(pairs) pairs that do not match: too few for a false accept "
          + "rate of \(rate)", expected: "\(Int(within: (10 / rate).rounded(.up))) pairs",
        remedy: pairs > 10
          ? "ask for a rate of \(Float((10 / Double(pairs)).nextUp)) or more, or give more items"
          : "give more items")
    }
  }
  return set.embeddings.dtype == .float64
    ? try Calibrator<Double>(halves, set.name, rate, seed, draws, random).calibrate(map)
    : try Calibrator<Float>(halves, set.name, rate, seed, draws, random).calibrate(map)
}

private struct Calibrator<S: Scalar> {
  let fit, check: DistanceRows<S>
  let isUnit: Bool
  let name: String
  let rate: Double
  let seed, draws: Int
  let random: Random

  init(
    _ halves: [EmbeddingSet], _ name: String, _ rate: Double, _ seed: Int, _ draws: Int,
    _ random: Random
  ) {
    let rows = halves.map { LabeledRows<S>.prepare([$0], distance: .euclidean)[0] }
    fit = DistanceRows(query: rows[0], gallery: rows[0], isSelf: true)
    check = DistanceRows(query: rows[1], gallery: rows[1], isSelf: true)
    isUnit = halves.allSatisfy(\.hasUnitRows)
    (self.name, self.rate, self.random) = (name, rate, random)
    (self.seed, self.draws) = (seed, draws)
  }

  func calibrate(_ map: ProbabilityMap.Kind) throws(Failure) -> Calibration {
    let (distance, interval) = try threshold()
    // Without a pair that matches there is nothing that a probability could be fitted to.
    let counts = pairCounts(of: fit)
    let probability =
      counts.contains { $0.positives > 0 } ? ProbabilityMap(map, counts) : nil
    return Calibration(
      requestedRate: rate, distance: distance, distanceInterval: interval, isUnit: isUnit,
      fit: part(fit, distance, random.split("fit")),
      check: part(check, distance, random.split("check")), seed: seed, draws: draws,
      probability: probability,
      probabilityFit: probability.flatMap {
        ProbabilityFit(pairCounts(of: check), $0.probability(atDistance:))
      })
  }

  private func pairCounts(of distances: DistanceRows<S>) -> [PairCount] {
    RankPass(distances, measures: [], countsPairs: true).pairCounts(scale: distances.query.scale)
  }

  private func threshold() throws(Failure) -> (Double, ClosedRange<Double>) {
    let scale = fit.query.scale
    let bins = RankPass(fit, measures: [], countsPairs: true).negativeBins
    let bootstrap = ClassBootstrap(
      sizes: fit.query.members.map(\.count), draws: draws, random: random.split("threshold"))
    let ones = [Int](repeating: 1, count: bootstrap.sizes.count)
    let total = bootstrap.negativePairs(ones)
    // Draws need more of the tail than the classes as they are; how much, the draws tell.
    var count = Int(min(Double(total), rate * Double(total) * 4 + 1000))
    while true {
      let tail = NegativeTail(fit, bins: bins, count: count)
      func distance(_ weights: [Int]) -> Double? {
        let pairs = bootstrap.negativePairs(weights)
        guard let (low, high) = tail.crossing(share: rate, weights: weights, total: pairs) else {
          return nil
        }
        return (Double(low).squareRoot() + Double(high).squareRoot()) / 2 * scale
      }
      let found = distance(ones)
      let values = bootstrap.values(distance)
      guard let found, let interval = ClassBootstrap.interval(values),
        tail.isWhole || !values.contains(nil)
      else {
        count = min(total, count * 2)
        continue
      }
      guard found > 0 else {
        throw Failure(
          .badData, at: name,
          "more than \(rate) of the pairs that do not match have the same embedding",
          remedy: "no threshold can tell them apart; train longer or look for equal items")
      }
      return (found, interval)
    }
  }

  private func part(
    _ distances: DistanceRows<S>, _ distance: Double, _ random: Random
  ) -> Calibration.Part {
    let limit = distance / distances.query.scale
    let counts = ThresholdCounts(distances, limit: limit * limit)
    let bootstrap = ClassBootstrap(
      sizes: distances.query.members.map(\.count), draws: draws, random: random)
    func falseAcceptRate(_ weights: [Int]) -> Double {
      Double(counts.falseAccepts(weights)) / Double(bootstrap.negativePairs(weights))
    }
    let ones = [Int](repeating: 1, count: bootstrap.sizes.count)
    return Calibration.Part(
      classes: bootstrap.sizes.count, items: distances.query.count,
      positivePairs: counts.positives.reduce(0, +), negativePairs: bootstrap.negativePairs(ones),
      falseAcceptRate: falseAcceptRate(ones), falseRejectRate: counts.falseRejectRate(ones),
      falseAcceptInterval: ClassBootstrap.interval(bootstrap.values(falseAcceptRate)),
      falseRejectInterval: ClassBootstrap.interval(bootstrap.values(counts.falseRejectRate)))
  }
}

extension EmbeddingSet {
  /// Unordered pairs of rows of different classes.
  fileprivate var negativePairs: Int {
    let sizes = Dictionary(labels.map { ($0, 1) }, uniquingKeysWith: +).values
    return (count * count - sizes.reduce(0) { $0 + $1 * $1 }) / 2
  }

  /// The rows of one half of the classes, drawn at random, and those of the other half: what every
  /// calibration with this seed is fitted on, and what it is checked on.
  ///
  /// Two or three classes, as tables have them, leave no two for each half: then these are halves of the
  /// rows of each class.
  package func halves(seed: Int) throws(Failure) -> [EmbeddingSet] {
    let classes = Set(labels).sorted()
    guard classes.count >= 2 else {
      throw Failure(
        .badData, at: name, "all rows are of one class", expected: "two classes or more")
    }
    var random = Random(seed: UInt64(bitPattern: Int64(seed))).split("calibration")
      .split("halves")
    var isFirst = [Bool](repeating: false, count: labels.count)
    if classes.count >= 4 {
      let order = random.permutation(classes.count)
      let first = Set(order.prefix(classes.count / 2).map { classes[$0] })
      for row in labels.indices { isFirst[row] = first.contains(labels[row]) }
    } else {
      for label in classes {
        let own = labels.indices.filter { labels[$0] == label }
        guard own.count >= 4 else {
          throw Failure(
            .badData, at: name,
            "there are \(classes.count) classes, and a class of \(own.count) rows",
            expected: "4 classes or more, half of them to check on, or 4 rows or more of each class"
          )
        }
        for place in random.permutation(own.count).prefix(own.count / 2) {
          isFirst[own[place]] = true
        }
      }
    }
    return [true, false].map { half in
      let rows = labels.indices.filter { isFirst[$0] == half }
      return EmbeddingSet(
        embeddings: embeddings.dtype == .float64
          ? gathered(rows, of: Double.self) : gathered(rows, of: Float.self),
        labels: rows.map { labels[$0] }, name: name)
    }
  }

  private func gathered<S: Scalar>(_ rows: [Int], of type: S.Type) -> Tensor {
    let d = embeddings.shape[1]
    return embeddings.withElements(of: type) { elements in
      Tensor(rows.flatMap { elements[$0 * d..<($0 + 1) * d] }, shape: [rows.count, d])
    }
  }
}
