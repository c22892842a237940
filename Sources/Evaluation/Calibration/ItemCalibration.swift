import Autodiff
import Settings

/// A threshold for each stored item, so that few of the answers given without a check are wrong.
///
/// Half of the items, drawn at random, ask questions that the thresholds are learned from: each stored
/// item observes the nearest 50 of them (itself left out) and whether they are of its class; see
/// ``ItemThreshold``. Its threshold is the least similarity at which no check is needed for the error
/// rate δ. The other half of the items ask the questions that this is checked with: the nearest stored
/// item answers if the similarity reaches its threshold.
public struct ItemCalibration: Sendable, Equatable {
  public static let definition =
    "vcache/least-similarity-without-check/nearest-50-of-half-the-items/checked-on-the-other-half"

  /// δ: the largest share of questions that may be answered wrongly.
  public var errorRate: Double
  /// For each stored item the least similarity (0 … 1) at which its answer needs no check; nil for an
  /// item whose answers always need one.
  public var thresholds: [Double?]
  /// Of the half that it was checked with: the questions, those that were answered, and of these the
  /// wrong ones.
  public var questions, answered, wrong: Int

  /// - Complexity: O(n² d) time.
  /// - Throws: if the rows have not unit length, since a similarity of 1 must mean the same item.
  public init(_ set: EmbeddingSet, errorRate: Double, seed: Int = 0) throws(Failure) {
    try set.check()
    guard errorRate > 0, errorRate < 1 else {
      throw Failure(
        .badUsage, at: "per-item", "the error rate is \(errorRate)", expected: "above 0 and below 1"
      )
    }
    guard set.hasUnitRows else {
      throw Failure(
        .badData, at: set.name, "the embeddings have not unit length",
        expected: "unit length for thresholds of items", remedy: "normalise them")
    }
    self =
      set.embeddings.dtype == .float64
      ? ItemCalibration(set, errorRate, seed, of: Double.self)
      : ItemCalibration(set, errorRate, seed, of: Float.self)
  }

  private init<S: Scalar>(_ set: EmbeddingSet, _ errorRate: Double, _ seed: Int, of type: S.Type) {
    let rows = LabeledRows<S>.prepare([set], distance: .cosine)[0]
    var random = Random(seed: UInt64(bitPattern: Int64(seed))).split("items")
    let order = random.permutation(rows.count)
    let teachers = order.prefix(rows.count / 2).sorted()
    let isTeacher = teachers.reduce(into: [Bool](repeating: false, count: rows.count)) {
      $0[$1] = true
    }
    var thresholds = [Double](repeating: .nan, count: rows.count)
    var answers = [(item: Int, similarity: Double)](repeating: (-1, 0), count: rows.count)
    thresholds.withUnsafeMutableBufferPointer { thresholds in
      answers.withUnsafeMutableBufferPointer { answers in
        let (thresholds, answers) = (thresholds, answers)
        _ = DistanceRows(query: rows, gallery: rows, isSelf: true).reduce(0) { _, row, line in
          func similarity(_ other: Int) -> Double { 1 - Double(line[other]) / 2 }
          let nearest = teachers.filter { $0 != row }.sorted {
            line[$0] != line[$1] ? line[$0] < line[$1] : $0 < $1
          }
          var item = ItemThreshold()
          for other in nearest.prefix(50) {
            item.observe(
              similarity: similarity(other), isRight: rows.classes[other] == rows.classes[row])
          }
          thresholds[row] = item.leastTrusted(errorRate: errorRate) ?? .nan
          guard !isTeacher[row], rows.count > 1 else { return }
          let best = line.indices.min { line[$0] != line[$1] ? line[$0] < line[$1] : $0 < $1 }
          if let best { answers[row] = (best, similarity(best)) }
        }
      }
    }
    let given = rows.classes.indices.filter { row in
      answers[row].item >= 0 && answers[row].similarity >= thresholds[answers[row].item]
    }
    self.init(
      errorRate: errorRate, thresholds: thresholds.map { $0.isNaN ? nil : $0 },
      questions: answers.count { $0.item >= 0 }, answered: given.count,
      wrong: given.count { rows.classes[$0] != rows.classes[answers[$0].item] })
  }

  private init(
    errorRate: Double, thresholds: [Double?], questions: Int, answered: Int, wrong: Int
  ) {
    (self.errorRate, self.thresholds) = (errorRate, thresholds)
    (self.questions, self.answered, self.wrong) = (questions, answered, wrong)
  }

  public var json: JSONValue {
    [
      "definition": .string(ItemCalibration.definition), "errorRate": .number(errorRate),
      "thresholds": .array(thresholds.map { $0.map { .number($0) } ?? .null }),
      "questions": JSONValue(questions), "answered": JSONValue(answered),
      "wrong": JSONValue(wrong),
    ]
  }

  /// Reads what ``json`` wrote.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    guard case .array(let items)? = value["thresholds"] else {
      throw Failure(.badData, at: place, "there are no thresholds", remedy: "calibrate again")
    }
    self.init(
      errorRate: try value.finiteNumber("errorRate", at: place),
      thresholds: items.map { if case .number(let number) = $0 { number } else { nil } },
      questions: try value.wholeNumber("questions", at: place),
      answered: try value.wholeNumber("answered", at: place),
      wrong: try value.wholeNumber("wrong", at: place))
  }
}

extension ItemThreshold {
  /// The least similarity at which an answer needs no check; nil if there is none up to 1.
  ///
  /// The probability of a check falls with the similarity, so halving finds where it is 0.
  func leastTrusted(errorRate: Double) -> Double? {
    guard observations.count >= ItemThreshold.least else { return nil }
    let fit = AnswerFit(observations)
    func isTrusted(_ similarity: Double) -> Bool {
      fit.checkingProbability(similarity: similarity, errorRate: errorRate) <= 0
    }
    guard isTrusted(1) else { return nil }
    guard !isTrusted(0) else { return 0 }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if isTrusted(middle) { high = middle } else { low = middle }
    }
    return high
  }
}
