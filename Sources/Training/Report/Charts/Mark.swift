import Foundation

/// Something drawn in a chart. Colours come with dashes, so that no line is told by colour alone.
enum Mark {
  case line(String, [(x: Double, y: Double)], style: Int)
  /// The area between two lines.
  case band(String, [(x: Double, low: Double, high: Double)], style: Int)
  /// Areas on the lower edge, each from one x to another.
  case bars(String, [(x: ClosedRange<Double>, y: Double)], style: Int)
  /// An upright line.
  case rule(String, x: Double)

  private static let styles = [
    ("var(--a)", ""), ("var(--b)", "6 3"), ("var(--c)", "2 3"), ("var(--d)", "8 2 2 2"),
  ]

  var name: String {
    switch self {
    case .line(let name, _, _), .band(let name, _, _), .bars(let name, _, _), .rule(let name, _):
      name
    }
  }

  /// How high it reaches, to fit an axis to.
  var heights: [Double] {
    switch self {
    case .line(_, let points, _): points.map(\.y)
    case .band(_, let points, _): points.flatMap { [$0.low, $0.high] }
    case .bars(_, let bars, _): bars.map(\.y)
    case .rule: []
    }
  }

  func svg(_ x: (Double) -> String, _ y: (Double) -> String, range: ClosedRange<Double>) -> String {
    switch self {
    case .line(_, let points, let style):
      let path = points.map { "\(x($0.x)),\(y($0.y))" }.joined(separator: " ")
      return "<polyline points=\"\(path)\" fill=\"none\" \(stroke(style))/>"
    case .band(_, let points, let style):
      let upper = points.map { "\(x($0.x)),\(y($0.high))" }
      let lower = points.reversed().map { "\(x($0.x)),\(y($0.low))" }
      let path = (upper + lower).joined(separator: " ")
      return "<polygon points=\"\(path)\" fill-opacity=\".22\" style=\"fill:\(colour(style))\"/>"
    case .bars(_, let bars, let style):
      var path: [String] = []
      if let first = bars.first { path.append("\(x(first.x.lowerBound)),\(y(range.lowerBound))") }
      for bar in bars {
        path.append("\(x(bar.x.lowerBound)),\(y(bar.y)) \(x(bar.x.upperBound)),\(y(bar.y))")
      }
      if let last = bars.last { path.append("\(x(last.x.upperBound)),\(y(range.lowerBound))") }
      return "<polygon points=\"\(path.joined(separator: " "))\" fill-opacity=\".28\" "
        + "\(stroke(style, fill: true))/>"
    case .rule(_, let place):
      return
        "<line x1=\"\(x(place))\" x2=\"\(x(place))\" y1=\"\(y(range.lowerBound))\" y2=\"\(y(range.upperBound))\" "
        + "class=\"rule\" stroke-dasharray=\"4 2\"/>"
    }
  }

  /// A sample of the mark for the legend.
  var sample: String {
    let inner =
      switch self {
      case .line(_, _, let style): "<line x1=\"0\" x2=\"28\" y1=\"5\" y2=\"5\" \(stroke(style))/>"
      case .band(_, _, let style):
        "<rect width=\"28\" height=\"10\" fill-opacity=\".22\" style=\"fill:\(colour(style))\"/>"
      case .bars(_, _, let style):
        "<rect x=\"1\" y=\"1\" width=\"26\" height=\"8\" fill-opacity=\".28\" "
          + "\(stroke(style, fill: true))/>"
      case .rule:
        "<line x1=\"14\" x2=\"14\" y1=\"0\" y2=\"10\" class=\"rule\" stroke-dasharray=\"4 2\"/>"
      }
    return "<svg viewBox=\"0 0 28 10\" aria-hidden=\"true\">\(inner)</svg>"
  }

  private func colour(_ style: Int) -> String { Mark.styles[style % Mark.styles.count].0 }

  private func stroke(_ style: Int, fill: Bool = false) -> String {
    let (colour, dashes) = Mark.styles[style % Mark.styles.count]
    let filled = fill ? ";fill:\(colour)" : ""
    return "style=\"stroke:\(colour)\(filled)\" stroke-width=\"1.6\" stroke-dasharray=\"\(dashes)\""
  }
}
