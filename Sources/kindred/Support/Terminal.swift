import Foundation
import Settings
import Training

/// What a person sees.
enum Terminal {
  static let isInteractive = isatty(2) != 0 && environment("TERM") != "dumb"

  static func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  static func printError(_ line: String) {
    Output.write(line + "\n", to: 2)
  }

  static func printJSON(_ value: JSONValue) { print(value.description) }
}

/// Columns aligned: numbers to the right, all else to the left.
struct Table {
  var header: [String]
  var rows: [[String]] = []

  init(_ header: [String]) { self.header = header }

  mutating func append(_ row: [String]) {
    // What is printed is what is measured: names may hold ends of lines and control characters.
    rows.append(row.map(Output.inOneLine))
  }

  var text: String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    let isNumeric = header.indices.map { column in
      column > 0 && rows.allSatisfy { Double($0[column]) != nil || $0[column] == "–" }
    }
    func line(_ row: [String]) -> String {
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return isNumeric[column] ? padding + row[column] : row[column] + padding
      }.joined(separator: "  ")
      return String(cells.reversed().drop { $0 == " " }.reversed())
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return ([line(header), rule] + rows.map(line)).joined(separator: "\n") + "\n"
  }
}

/// One line that moves on a terminal; plain lines, now and then, elsewhere.
final class ProgressLine {
  // A class because it must end its line on the terminal when it goes.
  /// When the work was first heard of; what came before says nothing of its pace.
  private var start: ContinuousClock.Instant?
  private var lastShown: ContinuousClock.Instant?
  private var isLineOpen = false
  private var timeLeft = TimeLeft()
  private let isQuiet: Bool

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  deinit { finish() }

  /// - Parameter isEven: whether the parts of the work take about as long as each other, so that the
  ///   time left can be told by the pace; if not, parts are counted.
  func show(
    _ text: @autoclosure () -> String, done: Int, of total: Int, isEven: Bool = true
  ) {
    guard !isQuiet else { return }
    let now = ContinuousClock.now
    let start = start ?? now
    self.start = start
    timeLeft.note(done, at: now)
    // Plain lines are for what takes long: the first after two seconds, then one in ten.
    let wait: Duration =
      Terminal.isInteractive ? .milliseconds(100) : lastShown == nil ? .seconds(2) : .seconds(10)
    guard now - (lastShown ?? start) >= wait else { return }
    lastShown = now
    let left =
      isEven
      ? timeLeft.seconds(of: total).map { "  \(duration($0)) left" } ?? ""
      : "  (\(done) of \(total) done)"
    let line = text() + left
    if Terminal.isInteractive {
      Output.writeRaw("\r\u{1B}[K" + Output.withoutControls(line), to: 2)
      isLineOpen = true
    } else {
      Terminal.printError(line)
    }
  }

  /// Begins anew with another kind of work, so that the time left is not reckoned from the last one.
  func restart() {
    finish()
    (start, lastShown, timeLeft) = (nil, nil, TimeLeft())
  }

  func finish() {
    if isLineOpen { Output.writeRaw("\r\u{1B}[K", to: 2) }
    isLineOpen = false
  }
}

func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}

/// A time for people, as in "42 s" or "3 min 5 s".
func duration(_ seconds: Double) -> String {
  guard seconds < 1e9 else { return "more than 30 years" }
  let whole = Int(max(0, seconds).rounded(.up))
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  value.isFinite ? String(format: "%.\(decimals)f", value) : "–"
}

/// A number with a fixed count of significant digits.
func significant(_ value: Double, _ digits: Int) -> String {
  value.isFinite ? String(format: "%.\(digits)g", value) : "–"
}
