import Foundation

/// Text that is safe inside HTML.
func escaped(_ text: String) -> String {
  text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
}

/// A number for people: a dash where there is none.
func number(_ value: Double?, _ format: String = "%.4f") -> String {
  guard let value, value.isFinite else { return "–" }
  return String(format: format, value)
}

/// A table whose first column names the rows; numbers stand to the right.
func htmlTable(_ header: [String], _ rows: [[String]], caption: String? = nil) -> String {
  let head = header.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
  let body = rows.map { row in
    let cells = row.dropFirst().map { "<td>\(escaped($0))</td>" }.joined()
    return "<tr><th scope=\"row\">\(escaped(row[0]))</th>\(cells)</tr>"
  }
  let title = caption.map { "<caption>\(escaped($0))</caption>" } ?? ""
  return "<div class=\"wide\"><table>\(title)<thead><tr>\(head)</tr></thead><tbody>"
    + body.joined(separator: "\n") + "</tbody></table></div>"
}

/// Terms with what they mean.
func definitionList(_ entries: [(term: String, meaning: String)]) -> String {
  "<dl>"
    + entries.map { "<dt>\(escaped($0.term))</dt><dd>\(escaped($0.meaning))</dd>" }
    .joined(separator: "\n") + "</dl>"
}

/// One part of the page under a heading of its own.
struct ReportSection {
  let id, title: String
  /// HTML.
  let body: String

  var html: String {
    "<section aria-labelledby=\"\(id)\"><h2 id=\"\(id)\">\(escaped(title))</h2>\n\(body)\n</section>"
  }
}
