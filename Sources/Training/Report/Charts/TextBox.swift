import Foundation

/// A name in a picture with the room that it takes.
package struct TextBox {
  package let text: String
  /// The middle of the text and the line that it stands on.
  package let x, baseline: Double
  package let width, size: Double

  /// How many characters of a name are shown.
  static let longest = 20

  /// A place for a name at a point or near it, where it touches no other name and stays in the picture;
  /// nil if there is none.
  package static func free(
    _ name: String, near point: (x: Double, y: Double), size: Double, beside others: [TextBox]
  ) -> TextBox? {
    let text = name.count > longest ? String(name.prefix(longest - 1)) + "…" : name
    let width = TextBox.width(of: text, size: size)
    guard width < ScatterPlot.size else { return nil }
    let steps: [(Double, Double)] = [
      (0, 0), (0, -1), (0, 1), (-0.5, 0), (0.5, 0), (-0.5, -1), (0.5, -1), (-0.5, 1), (0.5, 1),
    ]
    for (right, down) in steps {
      let x = min(max(point.x + right * width, width / 2), ScatterPlot.size - width / 2)
      let y = min(max(point.y + down * size * 1.3, size), ScatterPlot.size - size * 0.3)
      let box = TextBox(text: text, x: x, baseline: y, width: width, size: size)
      if !others.contains(where: box.touches) { return box }
    }
    return nil
  }

  /// Whether the two would be hard to tell apart.
  func touches(_ other: TextBox) -> Bool {
    abs(x - other.x) < (width + other.width) / 2 + 2 && abs(baseline - other.baseline) < size * 1.15
  }

  /// A little more than the widest of the usual fonts takes in bold.
  package static func width(of text: String, size: Double) -> Double {
    size
      * text.unicodeScalars.reduce(0) { sum, scalar in
        switch scalar {
        case "M", "W", "m", "w", "@", "%", "&", "…": sum + 1.12
        case " ", "-", "/", "(", ")", ".", ",", ":", "'", "|", "!", "I", "i", "j", "l", "f", "t",
          "r":
          sum + 0.52
        case "A"..."Z": sum + 0.87
        // Other scripts, whose widest signs are wider than high, and pictures.
        case "\u{400}"...: sum + 1.3
        default: sum + 0.74
        }
      }
  }
}
