import Data
import Foundation

/// An item as a picture inside the page (a `data:` address); nil for items that are no pictures.
///
/// Large ones are made smaller by averaging, to at most 128 pixels, or 96 in colour; values beyond 0 ... 1 are brought
/// into it.
func itemPicture(_ item: Int, of data: Dataset) -> String? {
  let shape = data.itemShape
  guard shape.count == 3, shape[2] == 1 || shape[2] == 3 else { return nil }
  let width = data.itemWidth
  let values = Array(data.values[item * width..<(item + 1) * width])
  let (least, most) = (values.min() ?? 0, values.max() ?? 1)
  let isWithin = least >= 0 && most <= 1
  let span = most > least ? most - least : 1
  let shown = isWithin ? values : values.map { ($0 - least) / span }
  let limit = shape[2] == 1 ? 128 : 96
  let factor = max(1, (max(shape[0], shape[1]) + limit - 1) / limit)
  let (rows, columns) = (max(1, shape[0] / factor), max(1, shape[1] / factor))
  var pixels: [Float] = []
  for row in 0..<rows {
    for column in 0..<columns {
      for channel in 0..<shape[2] {
        var (sum, count) = (Float(0), Float(0))
        for y in row * factor..<min(shape[0], (row + 1) * factor) {
          for x in column * factor..<min(shape[1], (column + 1) * factor) {
            sum += shown[(y * shape[1] + x) * shape[2] + channel]
            count += 1
          }
        }
        pixels.append(sum / count)
      }
    }
  }
  let image = Image(width: columns, height: rows, channels: shape[2], values: pixels)
  return "data:image/png;base64," + Foundation.Data(image.png).base64EncodedString()
}
