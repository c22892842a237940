import Files
import Foundation
import Settings

/// When a run was worked on; lies in `environment.json`, which no result depends on.
///
/// A session is the work of one process: a run that was stopped and resumed has several.
package struct RunHistory {
  package struct Session {
    /// When it began, as "2026-11-30T08:31:00Z".
    let started: String
    /// How long it took steps, with evaluations and checkpoints.
    let seconds: Double
    /// How many steps were taken before it, and at its end.
    let firstStep, lastStep: Int
  }

  package var sessions: [Session] = []

  /// How long all sessions took together.
  package var seconds: Double { sessions.reduce(0) { $0 + $1.seconds } }

  /// What the folder tells; nothing for runs of earlier programs.
  package init(of folder: RunFolder) {
    guard let text = try? FileSystem.readText(folder.environment),
      let value = try? JSONValue(json5: text, at: folder.environment),
      case .array(let items)? = value["sessions"]
    else { return }
    for item in items {
      guard case .string(let started)? = item["started"],
        case .number(let seconds)? = item["seconds"], seconds >= 0, seconds.isFinite,
        let first = item.wholeNumber("firstStep"), let last = item.wholeNumber("lastStep")
      else { continue }
      sessions.append(
        Session(started: started, seconds: seconds, firstStep: first, lastStep: last))
    }
  }

  /// Adds a session that ends now to what the folder tells; none for one without steps.
  static func add(
    started: Date, seconds: Double, steps: (first: Int, last: Int), to folder: RunFolder
  ) throws(Failure) {
    // A run whose environment was lost is still a run.
    guard steps.last > steps.first, let text = try? FileSystem.readText(folder.environment),
      case .object(var members)? = try? JSONValue(json5: text, at: folder.environment)
    else { return }
    var sessions: [JSONValue] = []
    if case .array(let known)? = members["sessions"] { sessions = known }
    sessions.append([
      "started": .string(started.formatted(.iso8601)), "seconds": .number(seconds),
      "firstStep": JSONValue(steps.first), "lastStep": JSONValue(steps.last),
    ])
    members["sessions"] = .array(sessions)
    try FileSystem.write(JSONValue.object(members).indented, to: folder.environment)
  }
}

extension JSONValue {
  fileprivate func wholeNumber(_ key: String) -> Int? {
    if case .number(let number)? = self[key] { Int(exactly: number) } else { nil }
  }
}
