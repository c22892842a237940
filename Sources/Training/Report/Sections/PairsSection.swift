import Evaluation
import Foundation
import Settings

extension RunReport {
  /// All pairs of test items under one threshold.
  var pairsSection: ReportSection? {
    let steps = inspection.steps
    let positives = steps.reduce(0) { $0 + $1.positives }
    let negatives = steps.reduce(0) { $0 + $1.negatives }
    guard positives > 0, negatives > 0 else { return nil }
    var accepted = (positives: 0, negatives: 0)
    let points = steps.map { step -> RatePoint in
      accepted.positives += step.positives
      accepted.negatives += step.negatives
      return RatePoint(
        distance: step.distance, accepts: Double(accepted.positives) / Double(positives),
        falseAccepts: Double(accepted.negatives) / Double(negatives))
    }
    let threshold =
      calibration?.distance ?? points.last { $0.falseAccepts <= 0.01 }?.distance
      ?? points[0].distance
    let charts = [
      histogram(positives: positives, negatives: negatives, threshold: threshold),
      receiverChart(points, least: 1 / Double(negatives)),
      errorChart(points, least: 1 / Double(negatives), positives: positives),
    ]
    return ReportSection(
      id: "pairs", title: "Same or not: one threshold",
      body: "<p>\(positives) matching and \(negatives) other pairs of test items. "
        + "\(thresholdSentence)</p>\(calibrationTable)"
        + "<div class=\"charts\">\(charts.map(\.html).joined())</div>")
  }

  private var thresholdName: String {
    calibration.map { "calibrated threshold for FAR \($0.requestedRate)" }
      ?? "FAR 1 % on these pairs"
  }

  private var thresholdSentence: String {
    calibration == nil
      ? "No threshold has been calibrated: <code>kindred calibrate RUN --far 0.01</code> fits one and "
        + "checks it on other classes, then <code>kindred report RUN</code> draws it here. The line in "
        + "the histogram is where 1 % of the other pairs here would be accepted."
      : "A pair is a match if its \(closeness) is on the matching side of the threshold."
  }

  private var calibrationTable: String {
    guard let calibration else { return "" }
    func span(_ range: ClosedRange<Double>?) -> String {
      range.map { "\(number($0.lowerBound, "%.4g")) … \(number($0.upperBound, "%.4g"))" } ?? "–"
    }
    let threshold =
      isUnit
      ? [number(calibration.similarity), span(calibration.similarityInterval)]
      : [number(calibration.distance), span(calibration.distanceInterval)]
    return htmlTable(
      ["calibration", "value", "95 % interval"],
      [
        ["threshold (\(closeness))"] + threshold,
        ["false accept rate asked for", "\(calibration.requestedRate)", "–"],
        [
          "false accept rate on \(calibration.check.classes) other classes",
          number(calibration.check.falseAcceptRate, "%.4g"),
          span(calibration.check.falseAcceptInterval),
        ],
        [
          "false reject rate on them", number(calibration.check.falseRejectRate, "%.4g"),
          span(calibration.check.falseRejectInterval),
        ],
      ])
  }

  private func histogram(positives: Int, negatives: Int, threshold: Double) -> Chart {
    let steps = inspection.steps
    let values = steps.map { closeness(of: $0.distance) }
    let (low, high) = (values.min() ?? 0, max(values.max() ?? 1, (values.min() ?? 0) + 1e-9))
    let count = 48
    var bins = Array(repeating: (positive: 0.0, negative: 0.0), count: count)
    for (step, value) in zip(steps, values) {
      let bin = min(count - 1, max(0, Int(within: (value - low) / (high - low) * Double(count))))
      bins[bin].positive += Double(step.positives) / Double(positives)
      bins[bin].negative += Double(step.negatives) / Double(negatives)
    }
    let ranges = bins.indices.map { i in
      let width = (high - low) / Double(count)
      return low + Double(i) * width...low + Double(i + 1) * width
    }
    let most = bins.reduce(0) { max($0, $1.positive, $1.negative) }
    return Chart(
      title: "How near pairs are",
      description: "share of pairs over \(closeness), each kind summing to 1; \(thresholdName) at "
        + number(closeness(of: threshold)),
      x: Axis(closeness, range: low...high), y: Axis("", range: 0...max(most, 1e-9)),
      marks: [
        .bars("other pairs", zip(ranges, bins).map { ($0, $1.negative) }, style: 1),
        .bars("matching pairs", zip(ranges, bins).map { ($0, $1.positive) }, style: 0),
        .rule("\(thresholdName): \(number(closeness(of: threshold)))", x: closeness(of: threshold)),
      ])
  }

  private func receiverChart(_ points: [RatePoint], least: Double) -> Chart {
    let low = min(0.1, max(1e-6, least))
    return Chart(
      title: "ROC: matching pairs accepted over others accepted",
      description: "area under the curve \(number(result.trained["auc"]))",
      x: Axis("false accept rate", range: low...1, isLogarithmic: true), y: Axis("", range: 0...1),
      marks: [.line("", thinned(points).map { ($0.falseAccepts, $0.accepts) }, style: 0)])
  }

  private func errorChart(_ points: [RatePoint], least: Double, positives: Int) -> Chart {
    let lowX = min(0.1, max(1e-6, least))
    let lowY = min(0.1, max(1e-6, 1 / Double(positives)))
    let line = thinned(points).filter { $0.falseAccepts > 0 }.map {
      (x: $0.falseAccepts, y: max(lowY, 1 - $0.accepts))
    }
    let diagonal = max(lowX, lowY)
    return Chart(
      title: "DET: matching pairs refused over others accepted",
      description: "both rates are equal at \(number(result.trained["eer"]))",
      x: Axis("false accept rate", range: lowX...1, isLogarithmic: true),
      y: Axis("", range: lowY...1, isLogarithmic: true),
      marks: [
        .line("false reject rate", line, style: 0),
        .line(
          "equal rates (EER \(number(result.trained["eer"])))", [(diagonal, diagonal), (1, 1)],
          style: 2),
      ])
  }

  /// Points that can be told apart in a picture.
  private func thinned(_ points: [RatePoint]) -> [RatePoint] {
    var kept: [RatePoint] = []
    for point in points {
      if let last = kept.last, point.falseAccepts < last.falseAccepts * 1.01,
        abs(point.accepts - last.accepts) < 0.003
      {
        continue
      }
      kept.append(point)
    }
    if let last = points.last { kept.append(last) }
    return kept
  }
}

/// What a threshold at a distance accepts.
private struct RatePoint {
  let distance, accepts, falseAccepts: Double
}
