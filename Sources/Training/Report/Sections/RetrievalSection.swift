import Foundation

extension RunReport {
  /// How often a match is among the nearest k.
  var retrievalSection: ReportSection? {
    let known = inspection.firstRanks.compactMap { $0 }
    guard !known.isEmpty else { return nil }
    let most = min(1000, max(2, data.test.count - 1))
    var ks: [Int] = []
    var k = 1.0
    while Int(k) <= most {
      if ks.last != Int(k) { ks.append(Int(k)) }
      k *= 1.12
    }
    let points = ks.map { (x: Double($0), y: inspection.recall(at: $0) ?? 0) }
    let rows = [1, 2, 4, 8, 16, 32, 64, 100].filter { $0 <= most }.map {
      ["\($0)", number(inspection.recall(at: $0))]
    }
    let lone = inspection.firstRanks.count - known.count
    let left = lone == 0 ? "" : " \(lone) items are the only ones of their class and left out."
    let chart = Chart(
      title: "Recall over k",
      description: "recall@1 is \(number(points[0].y)), recall@\(ks.last ?? 1) is "
        + "\(number(points.last?.y))",
      x: Axis("k", range: 1...Double(most), isLogarithmic: true),
      y: Axis("", range: (points[0].y * 10).rounded(.down) / 10 - 0.1...1),
      marks: [.line("", points, style: 0)])
    return ReportSection(
      id: "retrieval", title: "Recall over k",
      body:
        "<p>Recall at k is the share of items with an item of their own class among the nearest "
        + "k others.\(left)</p>"
        + "<div class=\"charts\">\(chart.html)\(htmlTable(["k", "recall"], rows))</div>")
  }
}
