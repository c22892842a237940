import Foundation

/// Points in a plane, coloured by class; each says what it is when pointed at.
struct ScatterPlot {
  struct Point {
    let place: SIMD2<Double>
    let group: Int
    let label: String
  }

  let title, description: String
  let points: [Point]
  /// Names of groups, those first that are to be read first; written as far as there is room.
  let groupNames: [(group: Int, name: String)]

  static let (size, margin, mostNames) = (400.0, 12.0, 40)

  var html: String {
    let xs = points.map(\.place.x)
    let ys = points.map(\.place.y)
    let (lowX, lowY) = (xs.min() ?? 0, ys.min() ?? 0)
    let span = max((xs.max() ?? 0) - lowX, (ys.max() ?? 0) - lowY, 1e-12)
    func at(_ place: SIMD2<Double>) -> (x: Double, y: Double) {
      let inner = ScatterPlot.size - 2 * ScatterPlot.margin
      return (
        ScatterPlot.margin + (place.x - lowX) / span * inner,
        ScatterPlot.size - ScatterPlot.margin - (place.y - lowY) / span * inner
      )
    }
    let (names, size) = groupNames.count > 6 ? ("small halo", 11.0) : ("halo", 13.0)
    let radius = points.count > 2000 ? 1.6 : points.count > 500 ? 2.2 : 3.2
    let groups = Dictionary(grouping: points, by: \.group)
    var parts: [String] = []
    for (group, members) in groups.sorted(by: { $0.key < $1.key }) {
      // Steps of the golden angle keep the hues of neighbouring numbers far apart.
      let hue = (Double(group) * 137.508).truncatingRemainder(dividingBy: 360)
      let circles = members.map { point in
        let (x, y) = at(point.place)
        return "<circle cx=\"\(short(x))\" cy=\"\(short(y))\" r=\"\(radius)\"><title>"
          + "\(escaped(point.label))</title></circle>"
      }
      parts.append(
        "<g style=\"fill:hsl(\(Int(hue)) 70% var(--l))\">\(circles.joined())</g>")
    }
    var taken: [TextBox] = []
    for (group, name) in groupNames {
      guard let members = groups[group], taken.count < ScatterPlot.mostNames else { continue }
      // The middle of a group in several pieces would lie in none of them: take the median.
      let middle = at(
        SIMD2(
          members.map(\.place.x).sorted()[members.count / 2],
          members.map(\.place.y).sorted()[members.count / 2]))
      guard let box = TextBox.free(name, near: middle, size: size, beside: taken) else { continue }
      taken.append(box)
      parts.append(
        "<text class=\"\(names)\" x=\"\(short(box.x))\" y=\"\(short(box.baseline))\" "
          + "text-anchor=\"middle\">\(escaped(box.text))</text>")
    }
    let side = Int(ScatterPlot.size)
    return """
      <figure class="chart"><figcaption>\(escaped(title))</figcaption>
      <svg viewBox="0 0 \(side) \(side)" role="img" \
      aria-label="\(escaped(title)). \(escaped(description))">
      \(parts.joined(separator: "\n"))
      </svg></figure>
      """
  }
}
