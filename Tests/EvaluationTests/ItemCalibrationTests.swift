import Autodiff
import Evaluation
import Foundation
import Settings
import Testing

@Suite struct ItemCalibrationTests {
  /// Unit rows around centres; `noise` says how far, class by class.
  private func set(_ noise: (Int) -> Double, classes: Int = 24, perClass: Int = 12) -> EmbeddingSet
  {
    var random = Random(seed: 3)
    let centres = (0..<classes).map { _ in (0..<8).map { _ in random.normal() } }
    let labels = (0..<classes * perClass).map { $0 / perClass }
    let rows = labels.map { label in
      let row = centres[label].map { $0 + noise(label) * random.normal() }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / norm }
    }
    return EmbeddingSet(rows, labels)
  }

  @Test(arguments: [0.02, 0.05, 0.1]) func keepsToTheErrorRate(rate: Double) throws {
    // Where classes are hard, answers need a check; where they are easy, few do.
    let found = try ItemCalibration(set { $0 % 2 == 0 ? 0.3 : 0.9 }, errorRate: rate)
    #expect(found.questions == 144)
    #expect(Double(found.wrong) <= rate * Double(found.questions))
    #expect(found.answered > 0 && found.answered < found.questions)
  }

  @Test func looserRatesAnswerMore() throws {
    let set = set { _ in 0.6 }
    let answered = try [0.01, 0.1, 0.3].map {
      try ItemCalibration(set, errorRate: $0).answered
    }
    #expect(answered == answered.sorted() && answered[0] < answered[2])
  }

  @Test func goesThroughJSON() throws {
    let found = try ItemCalibration(set { _ in 0.6 }, errorRate: 0.1)
    #expect(
      try ItemCalibration(JSONValue(json5: found.json.description, at: "t"), at: "t") == found)
    #expect(throws: Failure.self) { try ItemCalibration(["thresholds": 3], at: "t") }
  }

  @Test func needsUnitRowsAndARate() {
    let long = EmbeddingSet([[3, 4], [1, 1]], [0, 0])
    #expect(throws: Failure.self) { try ItemCalibration(long, errorRate: 0.1) }
    #expect(throws: Failure.self) { try ItemCalibration(set { _ in 1 }, errorRate: 0) }
  }

  @Test func probabilityMapsGoThroughJSON() throws {
    var calibration = try calibrate(
      set { _ in 0.8 }, falseAcceptRate: 0.05, map: .isotonic, draws: 20)
    #expect(try Calibration(calibration.json, at: "t") == calibration)
    guard case .isotonic(let map)? = calibration.probability else {
      Issue.record("no isotonic map")
      return
    }
    #expect(map.probability(atDistance: 0) > map.probability(atDistance: 2))
    calibration.probability = .platt(PlattMap(slope: -3, intercept: 2))
    #expect(try Calibration(calibration.json, at: "t") == calibration)
  }
}
