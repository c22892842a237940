import Autodiff
import Data
import Foundation
import Models

/// Two items with what each position adds to their similarity, as one page.
///
/// Under each picture the same shape in colours: blue adds to the similarity, red takes away, the
/// strongest position of both in full colour.
public func explanationPage(
  _ found: SimilarityExplanation, items: [Tensor], names: [String], inputShape: [Int]
) -> String {
  let parts = [found.ofFirst, found.ofSecond]
  let strongest = parts.joined().reduce(0) { max($0, abs($1)) }
  let figures = zip(items, zip(names, parts)).map { item, rest in
    let (name, values) = rest
    let adds = values.filter { $0 > 0 }.reduce(0, +)
    let takes = values.filter { $0 < 0 }.reduce(0, +)
    let words = "adds \(number(adds)), takes away \(number(-takes))"
    let data = Dataset(
      name: "item", itemShape: inputShape, values: item.elements(as: Float.self), labels: [0],
      classNames: ["item"], itemNames: [name])
    let picture = itemPicture(0, of: data).map {
      "<img src=\"\($0)\" alt=\"\(escaped(name))\">"
    }
    return "<figure><figcaption>\(escaped(name)): \(words)</figcaption>\(picture ?? "")"
      + "<img src=\"\(heatMap(values, found.positions, strongest))\" "
      + "alt=\"what each position adds: \(words)\"></figure>"
  }
  return """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1"><title>Why alike</title>
    <style>\(reportStyle)
    figure img{width:min(45%,14rem);image-rendering:pixelated;margin:.2rem;border:1px solid var(--line)}
    </style></head><body><main>
    <h1>Cosine similarity \(number(found.similarity))</h1>
    <p>Blue positions add to the similarity, red ones take away; white ones do neither. All of them \
    sum to it, to \(number(abs(found.remainder), "%.1g")).</p>
    \(figures.joined(separator: "\n"))
    </main></body></html>

    """
}

/// Values as colours from red over white to blue.
private func heatMap(_ values: [Double], _ positions: [Int], _ strongest: Double) -> String {
  let columns = positions.count == 2 ? positions[1] : values.count
  var pixels: [Float] = []
  for value in values {
    let share = Float(strongest > 0 ? value / strongest : 0)
    pixels += share >= 0 ? [1 - share, 1 - 0.65 * share, 1] : [1, 1 + 0.7 * share, 1 + share]
  }
  let image = Image(
    width: columns, height: max(1, values.count / columns), channels: 3, values: pixels)
  return "data:image/png;base64," + Foundation.Data(image.png).base64EncodedString()
}
