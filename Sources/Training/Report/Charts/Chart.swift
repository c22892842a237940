import Foundation

/// A chart as an SVG picture that follows the colours of the page, with its legend as text.
struct Chart {
  let title: String
  /// What the chart says in words, for those who do not see it.
  let description: String
  let x, y: Axis
  let marks: [Mark]

  static let (width, height) = (400.0, 266.0)
  private static let (right, top, bottom) = (10.0, 24.0, 38.0)

  var html: String {
    // Room for the longest number beside the axis.
    let left = y.ticks.reduce(48) { max($0, 8.4 * Double($1.text.count) + 8) }
    func placeX(_ value: Double) -> Double {
      left + x.place(value) * (Chart.width - left - Chart.right)
    }
    func placeY(_ value: Double) -> Double {
      Chart.height - Chart.bottom - y.place(value) * (Chart.height - Chart.top - Chart.bottom)
    }
    let right = Chart.width - Chart.right
    let floor = Chart.height - Chart.bottom
    var parts: [String] = []
    for tick in y.ticks {
      let at = short(placeY(tick.value))
      parts.append(
        "<line x1=\"\(left)\" x2=\"\(right)\" y1=\"\(at)\" y2=\"\(at)\" class=\"grid\"/>"
          + "<text x=\"\(left - 5)\" y=\"\(short(placeY(tick.value) + 4))\" "
          + "text-anchor=\"end\">\(tick.text)</text>")
    }
    for tick in x.ticks {
      let at = placeX(tick.value)
      let anchor = at > right - 12 ? "end" : "middle"
      parts.append(
        "<line x1=\"\(short(at))\" x2=\"\(short(at))\" y1=\"\(floor)\" y2=\"\(floor + 4)\" "
          + "class=\"grid\"/><text x=\"\(short(at))\" y=\"\(floor + 17)\" "
          + "text-anchor=\"\(anchor)\">\(tick.text)</text>")
    }
    for mark in marks {
      parts.append(mark.svg({ short(placeX($0)) }, { short(placeY($0)) }, range: y.range))
    }
    parts.append(
      "<text x=\"\(short((left + right) / 2))\" y=\"\(Chart.height - 4)\" "
        + "text-anchor=\"middle\">\(escaped(x.label))</text>"
        + "<text x=\"2\" y=\"12\">\(escaped(y.label))</text>")
    return """
      <figure class="chart"><figcaption>\(escaped(title))</figcaption>
      <svg viewBox="0 0 \(Int(Chart.width)) \(Int(Chart.height))" role="img" \
      aria-label="\(escaped(title)). \(escaped(description))">
      \(parts.joined(separator: "\n"))
      </svg>\(legend)</figure>
      """
  }

  private var legend: String {
    let named = marks.filter { !$0.name.isEmpty }
    guard !named.isEmpty else { return "" }
    let items = named.map { "<li>\($0.sample)\(escaped($0.name))</li>" }.joined()
    return "<ul class=\"legend\">\(items)</ul>"
  }
}

/// A place in a picture, to a tenth of a unit.
func short(_ value: Double) -> String { String(format: "%.1f", value) }
