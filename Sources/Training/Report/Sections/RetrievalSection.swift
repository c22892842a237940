import Foundation

extension RunReport {
  /// How often a match is among the nearest k.
  var retrievalSection: ReportSection? {
    let inspection = trained.inspection
    let known = inspection.firstRanks.compactMap { $0 }
    guard !known.isEmpty else { return nil }
    let most = min(1000, max(2, data.test.count - 1))
    var ks: [Int] = []
    var k = 1.0
    while Int(k) <= most {
      if ks.last != Int(k) { ks.append(Int(k)) }
      k *= 1.12
    }
    func points(_ embedding: ReportedEmbedding) -> [(x: Double, y: Double)] {
      ks.map { (x: Double($0), y: embedding.inspection.recall(at: $0) ?? 0) }
    }
    let lines = (raw: points(raw), trained: points(trained))
    let rows = [1, 2, 4, 8, 16, 32, 64, 100].filter { $0 <= most }.map {
      ["\($0)", number(raw.inspection.recall(at: $0)), number(inspection.recall(at: $0))]
    }
    let lone = inspection.firstRanks.count - known.count
    let left = lone == 0 ? "" : " \(lone) items are the only ones of their class and left out."
    let least = min(lines.raw[0].y, lines.trained[0].y)
    let chart = Chart(
      title: "Recall over k",
      description: "recall@1 is \(number(lines.trained[0].y)), of the raw input "
        + "\(number(lines.raw[0].y)); recall@\(ks.last ?? 1) is \(number(lines.trained.last?.y))",
      x: Axis("k, the neighbours looked at", range: 1...Double(most), isLogarithmic: true),
      y: Axis("recall", range: max(0, (least * 10).rounded(.down) / 10 - 0.1)...1),
      marks: [.line("raw input", lines.raw, style: 1), .line("trained", lines.trained, style: 0)])
    return ReportSection(
      id: "retrieval", title: "Recall over k",
      body:
        "<p>Recall at k is the share of items with an item of their own class among the nearest "
        + "k others.\(left)</p>"
        + "<div class=\"charts\">\(chart.html)\(htmlTable(["k", "raw input", "trained"], rows))</div>"
    )
  }
}
