import Foundation

/// A line chart as an SVG picture that follows the colours of the page.
struct LineChart {
  struct Series {
    let name: String
    let points: [(x: Double, y: Double)]
  }

  let title: String
  let xLabel: String
  let series: [Series]
  /// The range of y; nil: from the data.
  var yRange: ClosedRange<Double>?

  private static let (width, height) = (720.0, 260.0)
  private static let (left, right, top, bottom) = (56.0, 12.0, 12.0, 36.0)
  /// Dashes beside colours, so that lines can be told apart without colour.
  private static let styles = [
    ("var(--a)", ""), ("var(--b)", "6 3"), ("var(--c)", "2 3"), ("var(--d)", "8 2 2 2"),
  ]

  /// The picture; a sentence instead when there is nothing to draw.
  var svg: String {
    let finite = series.map { one in
      Series(name: one.name, points: one.points.filter { $0.x.isFinite && $0.y.isFinite })
    }
    let all = finite.flatMap(\.points)
    guard let firstX = all.map(\.x).min(), let lastX = all.map(\.x).max(),
      let low = yRange?.lowerBound ?? all.map(\.y).min(),
      let high = yRange?.upperBound ?? all.map(\.y).max()
    else { return "<p>\(escaped(title)): nothing was recorded.</p>" }
    let (spanX, spanY) = (max(lastX - firstX, 1e-12), max(high - low, 1e-12))
    func x(_ value: Double) -> Double {
      Self.left + (value - firstX) / spanX * (Self.width - Self.left - Self.right)
    }
    func y(_ value: Double) -> Double {
      Self.height - Self.bottom
        - (value - low) / spanY * (Self.height - Self.top - Self.bottom)
    }
    var parts: [String] = []
    for i in 0...4 {
      let value = low + spanY * Double(i) / 4
      parts.append(
        """
        <line x1="\(Self.left)" x2="\(Self.width - Self.right)" y1="\(short(y(value)))" \
        y2="\(short(y(value)))" class="grid"/>\
        <text x="\(Self.left - 6)" y="\(short(y(value) + 4))" text-anchor="end">\
        \(label(value))</text>
        """)
      let at = firstX + spanX * Double(i) / 4
      parts.append(
        """
        <text x="\(short(x(at)))" y="\(Self.height - Self.bottom + 16)" text-anchor="middle">\
        \(label(at))</text>
        """)
    }
    for (i, one) in finite.enumerated() {
      let (colour, dashes) = Self.styles[i % Self.styles.count]
      let path = one.points.map { "\(short(x($0.x))),\(short(y($0.y)))" }.joined(separator: " ")
      parts.append(
        """
        <polyline points="\(path)" fill="none" style="stroke:\(colour)" stroke-width="1.6" \
        stroke-dasharray="\(dashes)"/>
        """)
      guard finite.count > 1 else { continue }
      parts.append(
        """
        <text x="\(Self.left + 10 + Double(i) * 150)" y="\(Self.top + 12)" \
        style="fill:\(colour)">\(escaped(one.name))</text>
        """)
    }
    parts.append(
      """
      <text x="\(Self.width / 2)" y="\(Self.height - 4)" text-anchor="middle">\
      \(escaped(xLabel))</text>
      """)
    let names = finite.map(\.name).joined(separator: ", ")
    return """
      <figure><figcaption>\(escaped(title))</figcaption>
      <svg viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img" \
      aria-label="\(escaped(title)): \(escaped(names)), from \(label(low)) to \(label(high))">
      \(parts.joined(separator: "\n"))
      </svg></figure>
      """
  }

  private func short(_ value: Double) -> String { String(format: "%.1f", value) }
  private func label(_ value: Double) -> String { String(format: "%.3g", value) }
}

/// Text that is safe inside HTML.
func escaped(_ text: String) -> String {
  text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
}
