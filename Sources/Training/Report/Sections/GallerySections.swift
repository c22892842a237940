import Foundation

extension RunReport {
  /// Items whose own class is farthest down among their neighbours.
  var hardestSection: ReportSection? {
    let ranks = trained.inspection.firstRanks
    let hardest = ranks.indices.filter { (ranks[$0] ?? 1) > 1 }.sorted {
      let (a, b) = (ranks[$0] ?? 0, ranks[$1] ?? 0)
      return a != b ? a > b : $0 < $1
    }.prefix(24)
    guard !hardest.isEmpty else { return nil }
    let test = data.test
    let rows = hardest.map { item -> String in
      let near = trained.inspection.nearest[item].prefix(9).map { other in
        card(other, isMatch: test.labels[other] == test.labels[item])
      }
      return
        "<div class=\"gallery\"><h3>\(escaped(className(test.labels[item]))): nearest match at "
        + "rank \(ranks[item] ?? 0)</h3>\(card(item, isMatch: nil))\(near.joined())</div>"
    }
    return ReportSection(
      id: "hardest", title: "Hardest queries",
      body: "<p>The \(hardest.count) items whose nearest match comes last, each before its nine "
        + "nearest neighbours.</p>\(rows.joined(separator: "\n"))")
  }

  /// Classes whose items are most often nearest to the other's.
  var confusedSection: ReportSection? {
    let test = data.test
    let confused = trained.inspection.confusions(labels: test.labels).prefix(16)
    guard !confused.isEmpty else { return nil }
    let rows = confused.map { pair -> String in
      let cards = pair.rows.prefix(4).flatMap { item in
        [card(item, isMatch: nil), card(trained.inspection.nearest[item][0], isMatch: false)]
      }
      return "<div class=\"gallery\"><h3>\(escaped(className(pair.first))) and "
        + "\(escaped(className(pair.second))): \(pair.rows.count) items</h3>\(cards.joined())</div>"
    }
    return ReportSection(
      id: "confused", title: "Confused classes",
      body:
        "<p>Pairs of classes whose items are nearest to an item of the other, most often first; "
        + "up to four of these items beside that neighbour.</p>\(rows.joined(separator: "\n"))")
  }

  /// An item with what it is; a neighbour also says whether it is a match.
  private func card(_ item: Int, isMatch: Bool?) -> String {
    let test = data.test
    let name = className(test.labels[item])
    let (kind, verdict) =
      switch isMatch {
      case nil: ("query", "query")
      case true?: ("hit", "✓ match")
      case false?: ("miss", "✗ other")
      }
    let short = name.split(separator: "/").suffix(2).joined(separator: "/")
    let image = itemPicture(item, of: test).map {
      "<img src=\"\($0)\" alt=\"\(escaped(test.itemNames[item]))\">"
    }
    // The last part of a path says enough in a card; pointing at it shows all.
    let item = test.itemNames[item]
    let last = item.split(separator: "/").last.map(String.init) ?? item
    return "<figure class=\"\(kind)\" title=\"\(escaped(item))\">"
      + (image ?? "<code>\(escaped(last))</code>")
      + "<figcaption>\(verdict)<br>\(escaped(short))</figcaption></figure>"
  }
}
