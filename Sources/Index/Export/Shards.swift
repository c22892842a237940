import Autodiff
import Files
import Settings

/// Vectors cut into files of like numbers of rows, so that many machines load them at the same time.
struct Shards {
  let vectors: Tensor
  let options: ExportOptions
  /// The file of each part: E-00001-of-00008.npy for E.npy; the path itself if there is one.
  let paths: [String]
  private let bounds: [Int]

  var count: Int { paths.count }

  init(
    of vectors: Tensor, _ options: ExportOptions, count: Int, path: String
  ) throws(Failure) {
    let rows = vectors.shape[0]
    guard count == 1 || (1...max(1, rows)).contains(count) else {
      throw Failure(
        .badUsage, at: "--shards", "\(rows) vectors are to be cut into \(count) files",
        expected: "1 to \(max(1, rows))")
    }
    try options.checkIDs(for: rows)
    self.vectors = vectors.detached
    bounds = (0...count).map { $0 * rows / count }
    let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
    let dot = name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
    func five(_ number: Int) -> String {
      String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
    }
    let names =
      count == 1
      ? [String(name)]
      : (1...count).map { "\(name[..<dot])-\(five($0))-of-\(five(count))\(name[dot...])" }
    paths = names.map { path[..<name.startIndex] + $0 }
    var options = options
    options.allFileNames = names
    if count > 1, options.ids.isEmpty {
      options.ids = (0..<rows).map { $0 + options.firstID }
    }
    self.options = options
  }

  /// The rows of a part, and what is known of them.
  subscript(part: Int) -> (vectors: Tensor, options: ExportOptions) {
    guard count > 1 else { return (vectors, options) }
    let range = bounds[part]..<bounds[part + 1]
    var options = options
    options.firstID += range.lowerBound
    options.ids = Array(options.ids[range])
    if !options.labels.isEmpty { options.labels = Array(options.labels[range]) }
    options.classes = options.classes?[range]
    if !options.names.isEmpty { options.names = Array(options.names[range]) }
    return (vectors.rows(at: Array(range)), options)
  }
}
