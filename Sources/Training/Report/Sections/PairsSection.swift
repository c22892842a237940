import Evaluation
import Foundation
import Settings

extension RunReport {
  /// All pairs of test items under one threshold.
  var pairsSection: ReportSection? {
    guard !trained.rates.isEmpty, !raw.rates.isEmpty else { return nil }
    let charts = [
      histogram(of: raw, threshold: nil), histogram(of: trained, threshold: calibration?.distance),
      receiverChart, errorChart,
    ]
    return ReportSection(
      id: "pairs", title: "Same or not: one threshold",
      body: "<p>\(trained.positives) matching and \(trained.negatives) other pairs of test items. "
        + "\(thresholdSentence)</p>\(calibrationTable)"
        + "<div class=\"charts\">\(charts.map(\.html).joined())</div>")
  }

  private var thresholdSentence: String {
    calibration == nil
      ? "No threshold has been calibrated: <code>kindred calibrate RUN --far 0.01</code> fits one and "
        + "checks it on other classes, then <code>kindred report RUN</code> draws it here. The lines in "
        + "the histograms are where 1 % of the other pairs here would be accepted."
      : "A pair is a match if its \(trained.closeness) is on the matching side of the threshold."
  }

  private var calibrationTable: String {
    guard let calibration else { return "" }
    func span(_ range: ClosedRange<Double>?) -> String {
      range.map { "\(number($0.lowerBound, "%.4g")) … \(number($0.upperBound, "%.4g"))" } ?? "–"
    }
    let threshold =
      trained.isUnit
      ? [number(calibration.similarity), span(calibration.similarityInterval)]
      : [number(calibration.distance), span(calibration.distanceInterval)]
    return htmlTable(
      ["calibration", "value", "95 % interval"],
      [
        ["threshold (\(trained.closeness))"] + threshold,
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

  /// - Parameter threshold: a distance; nil for that which accepts 1 % of the other pairs.
  private func histogram(of embedding: ReportedEmbedding, threshold: Double?) -> Chart {
    let rates = embedding.rates
    let distance =
      threshold ?? rates.last { $0.falseAccepts <= 0.01 }?.distance ?? rates[0].distance
    let line = embedding.closeness(of: distance)
    let name =
      threshold == nil
      ? "1 % of these other pairs accepted: \(number(line))"
      : "calibrated threshold for FAR \(calibration?.requestedRate ?? 0): \(number(line))"
    let values = rates.map { embedding.closeness(of: $0.distance) }
    let (low, high) = (values.min() ?? 0, max(values.max() ?? 1, (values.min() ?? 0) + 1e-9))
    let count = 48
    var bins = Array(repeating: (positive: 0.0, negative: 0.0), count: count)
    var before = (accepts: 0.0, falseAccepts: 0.0)
    for (rate, value) in zip(rates, values) {
      let bin = min(count - 1, max(0, Int(within: (value - low) / (high - low) * Double(count))))
      bins[bin].positive += rate.accepts - before.accepts
      bins[bin].negative += rate.falseAccepts - before.falseAccepts
      before = (rate.accepts, rate.falseAccepts)
    }
    let ranges = bins.indices.map { i in
      let width = (high - low) / Double(count)
      return low + Double(i) * width...low + Double(i + 1) * width
    }
    let most = bins.reduce(0) { max($0, $1.positive, $1.negative) }
    return Chart(
      title: "How near pairs are, \(embedding.name)",
      description: "share of pairs over \(embedding.closeness), each kind summing to 1; \(name)",
      x: Axis(embedding.closeness, range: low...high),
      y: Axis("share of pairs", range: 0...max(most, 1e-9)),
      marks: [
        .bars("other pairs", zip(ranges, bins).map { ($0, $1.negative) }, style: 1),
        .bars("matching pairs", zip(ranges, bins).map { ($0, $1.positive) }, style: 0),
        .rule(name, x: line),
      ])
  }

  /// The least rate that a chart shows.
  private func least(of count: Int) -> Double { min(0.1, max(1e-6, 1 / Double(count))) }

  private var receiverChart: Chart {
    func line(_ embedding: ReportedEmbedding) -> [(x: Double, y: Double)] {
      embedding.thinnedRates.map { (x: $0.falseAccepts, y: $0.accepts) }
    }
    return Chart(
      title: "ROC: matching pairs accepted over others accepted",
      description: "area under the curve \(number(result.trained["auc"])), of the raw input "
        + number(result.baseline["auc"]),
      x: Axis("false accept rate", range: least(of: trained.negatives)...1, isLogarithmic: true),
      y: Axis("true accept rate", range: 0...1),
      marks: [
        .line("raw input (AUC \(number(result.baseline["auc"])))", line(raw), style: 1),
        .line("trained (AUC \(number(result.trained["auc"])))", line(trained), style: 0),
      ])
  }

  private var errorChart: Chart {
    let (lowX, lowY) = (least(of: trained.negatives), least(of: trained.positives))
    func line(_ embedding: ReportedEmbedding) -> [(x: Double, y: Double)] {
      embedding.thinnedRates.filter { $0.falseAccepts > 0 }.map {
        (x: $0.falseAccepts, y: max(lowY, 1 - $0.accepts))
      }
    }
    let diagonal = max(lowX, lowY)
    return Chart(
      title: "DET: matching pairs refused over others accepted",
      description: "both rates are equal at \(number(result.trained["eer"])), of the raw input at "
        + number(result.baseline["eer"]),
      x: Axis("false accept rate", range: lowX...1, isLogarithmic: true),
      y: Axis("false reject rate", range: lowY...1, isLogarithmic: true),
      marks: [
        .line("raw input (EER \(number(result.baseline["eer"])))", line(raw), style: 1),
        .line("trained (EER \(number(result.trained["eer"])))", line(trained), style: 0),
        .line("equal rates", [(diagonal, diagonal), (1, 1)], style: 2),
      ])
  }
}
