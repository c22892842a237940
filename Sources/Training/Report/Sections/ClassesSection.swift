import Evaluation
import Foundation

extension RunReport {
  /// How alike the classes fare at one threshold.
  var classesSection: ReportSection? {
    guard let curves = trained.inspection.classCurves else { return nil }
    let means = curves.meanUtilities
    let ranked = means.indices.sorted { means[$0] != means[$1] ? means[$0] < means[$1] : $0 < $1 }
    var marks = raw.inspection.classCurves.map { meanMarks($0, of: raw, style: 1) } ?? []
    marks += meanMarks(curves, of: trained, style: 0)
    for (i, place) in ranked.prefix(2).enumerated() {
      marks.append(
        .line(
          "trained, worst: \(className(curves.labels[place]))",
          line(curves.utilities[place], curves, of: trained), style: i + 2))
    }
    let names = ranked.prefix(2).map { className(curves.labels[$0]) }
    let (before, after) = (
      number(result.baseline["opis"], "%.5f"), number(result.trained["opis"], "%.5f")
    )
    let chart = Chart(
      title: "Utility of the classes, and the OPIS bands",
      description: "OPIS \(after), of the raw input \(before); the worst classes are "
        + names.joined(separator: ", "),
      x: Axis("false accept rate", range: 0.01...0.1),
      y: Axis("utility", over: marks.flatMap(\.heights)), marks: marks)
    let rows = ranked.prefix(10).map { place in
      [
        className(curves.labels[place]), number(means[place]),
        number(curves.utilities[place].min()),
      ]
    }
    return ReportSection(
      id: "classes", title: "Class by class",
      body: "<p>The utility of a class is 2 · sensitivity · specificity / (sensitivity + "
        + "specificity) on its own pairs, at thresholds that accept 1 % to 10 % of all other pairs. "
        + "OPIS is the mean of the square of its deviation over the classes, the width of the band: 0 if "
        + "one threshold suits all \(curves.labels.count) classes alike. The raw input has \(before), the "
        + "trained embedding \(after).</p>"
        + "<div class=\"charts\">\(chart.html)"
        + htmlTable(
          ["worst classes", "mean utility", "least utility"], rows) + "</div>")
  }

  /// Utilities over the share of all other pairs that each threshold accepts.
  private func line(
    _ values: [Double], _ curves: ClassCurves, of embedding: ReportedEmbedding
  ) -> [(x: Double, y: Double)] {
    zip(curves.thresholds, values).map { (x: embedding.falseAccepts(within: $0), y: $1) }
  }

  /// The mean of the classes in a band of one standard deviation.
  private func meanMarks(
    _ curves: ClassCurves, of embedding: ReportedEmbedding, style: Int
  ) -> [Mark] {
    let bands = curves.bands
    let band = zip(curves.thresholds, bands).map {
      (
        x: embedding.falseAccepts(within: $0), low: max(0, $1.mean - $1.deviation),
        high: min(1, $1.mean + $1.deviation)
      )
    }
    return [
      .band("\(embedding.name), ± 1 standard deviation", band, style: style),
      .line(
        "\(embedding.name), mean", line(bands.map(\.mean), curves, of: embedding), style: style),
    ]
  }
}
