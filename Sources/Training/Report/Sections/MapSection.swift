import Autodiff
import Evaluation

extension RunReport {
  /// The most items that a map shows.
  private static let mostPoints = 5000

  /// The test embeddings in the plane, twice.
  func mapSection(onProgress: (_ done: Int, _ of: Int) -> Void) -> ReportSection? {
    let test = data.test
    guard test.count > 1 else { return nil }
    var random = Random(seed: 0).split("map")
    let items =
      test.count > RunReport.mostPoints
      ? random.permutation(test.count).prefix(RunReport.mostPoints).sorted()
      : Array(0..<test.count)
    let width = embeddings.shape[1]
    let all = embeddings.elements(as: Float.self)
    var rows: [Float] = []
    rows.reserveCapacity(items.count * width)
    for item in items { rows += all[item * width..<(item + 1) * width] }
    let shown = Tensor(rows, shape: [items.count, width])

    let plane = principalPlane(shown)
    let share = number(100 * plane.share, "%.0f")
    let neighbors = neighborMap(shown, onProgress: onProgress)
    let plots = [
      plot(
        "Principal components", plane.points, items,
        "the two widest directions, which hold \(share) % of the variance"),
      plot(
        "Neighbour embedding", neighbors, items,
        "near items are drawn near; sizes of groups and distances between them mean little"),
    ]
    let sample =
      items.count < test.count ? " \(items.count) items, drawn at random, are shown." : ""
    return ReportSection(
      id: "map", title: "Map of the test embeddings",
      body: "<p>A colour is a class; point at a dot to read what it is. Left, the two widest "
        + "directions (\(share) % of the variance); right, a map that keeps neighbours together, in "
        + "which sizes of groups and distances between them mean little. \(namesSentence)\(sample)</p>"
        + "<div class=\"charts\">\(plots.map(\.html).joined())</div>")
  }

  private var namesSentence: String {
    namedClasses.count < data.test.classNames.count
      ? "The classes with the least utility are named." : "Names stand at the middle of classes."
  }

  /// All classes where they are few, else the worst.
  private var namedClasses: [Int] {
    let count = data.test.classNames.count
    guard count > 12, let curves = inspection.classCurves else {
      return count > 12 ? [] : Array(0..<count)
    }
    let means = curves.meanUtilities
    return means.indices.sorted { means[$0] != means[$1] ? means[$0] < means[$1] : $0 < $1 }
      .prefix(5).map { curves.labels[$0] }
  }

  private func plot(
    _ title: String, _ points: [SIMD2<Double>], _ items: [Int], _ description: String
  ) -> ScatterPlot {
    let names = namedClasses.map { label in
      // The last part of a path says enough in a small picture.
      (label, className(label).split(separator: "/").last.map(String.init) ?? className(label))
    }
    return ScatterPlot(
      title: title, description: "\(items.count) items; \(description)",
      points: zip(points, items).map { place, item in
        let label = data.test.labels[item]
        return .init(
          place: place, group: label, label: "\(className(label)): \(data.test.itemNames[item])")
      }, groupNames: Dictionary(names) { first, _ in first })
  }
}
