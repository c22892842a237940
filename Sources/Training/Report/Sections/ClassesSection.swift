import Evaluation
import Foundation

extension RunReport {
  /// How alike the classes fare at one threshold.
  var classesSection: ReportSection? {
    guard let curves = inspection.classCurves else { return nil }
    let means = curves.meanUtilities
    let ranked = means.indices.sorted { means[$0] != means[$1] ? means[$0] < means[$1] : $0 < $1 }
    let points = curves.thresholds.map(closeness(of:))
    let bands = curves.bands
    func line(_ values: [Double]) -> [(x: Double, y: Double)] {
      zip(points, values).map { (x: $0, y: $1) }.sorted { $0.x < $1.x }
    }
    var marks: [Mark] = [
      .band(
        "mean of the classes ± 1 standard deviation",
        zip(points, bands).map {
          ($0, max(0, $1.mean - $1.deviation), min(1, $1.mean + $1.deviation))
        }
        .sorted { $0.0 < $1.0 }, style: 0),
      .line("mean of the classes", line(bands.map(\.mean)), style: 0),
    ]
    for (i, place) in ranked.prefix(3).enumerated() {
      marks.append(
        .line(className(curves.labels[place]), line(curves.utilities[place]), style: i + 1))
    }
    let names = ranked.prefix(3).map { className(curves.labels[$0]) }
    let chart = Chart(
      title: "Utility of the worst classes, and the OPIS band",
      description: "OPIS \(number(result.trained["opis"], "%.5f")); the worst classes are "
        + names.joined(separator: ", "),
      x: Axis(closeness, over: points), y: Axis("", range: 0...1), marks: marks)
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
        + "OPIS, \(number(result.trained["opis"], "%.5f")), is the mean of the square of that deviation: 0 if "
        + "one threshold suits all \(curves.labels.count) classes alike.</p>"
        + "<div class=\"charts\">\(chart.html)"
        + htmlTable(
          ["worst classes", "mean utility", "least utility"], rows) + "</div>")
  }
}
