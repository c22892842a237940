import Foundation
import Losses
import Settings
import Testing

/// Documentation/Losses.md is made from the registry and the losses' documentation comments.
@Suite struct DocumentationTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// With KINDRED_WRITE_DOCUMENTATION set, writes the file instead of comparing it.
  @Test func theCatalogueIsUpToDate() throws {
    let file = Self.root.appendingPathComponent("Documentation/Losses.md")
    let expected = try Self.catalogue()
    if ProcessInfo.processInfo.environment["KINDRED_WRITE_DOCUMENTATION"] != nil {
      try expected.write(to: file, atomically: true, encoding: .utf8)
    }
    let isUpToDate = try String(contentsOf: file, encoding: .utf8) == expected
    #expect(
      isUpToDate, "KINDRED_WRITE_DOCUMENTATION=1 swift test --filter IsUpToDate writes it again")
  }

  @Test(arguments: allLosses) func everyLossIsExplained(_ named: Named<any Loss>) throws {
    let comment = try Self.comment(of: named.value)
    #expect(comment.contains("- Reference:"))
    #expect(comment.contains("O("))
  }

  @Test func everyModifierAndReducerIsExplained() throws {
    let all =
      allModifiers.map { $0.value as any Described } + allReducers.map { $0.value as any Described }
    for value in all {
      let comment = try Self.comment(of: value)
      #expect(comment.contains("- Reference:"))
      #expect(comment.contains("O(") || comment.contains("Costs"))
    }
  }

  private static func catalogue() throws -> String {
    var text = """
      # Losses

      Made from the registry and the documentation comments in `Sources/Losses` by
      `KINDRED_WRITE_DOCUMENTATION=1 swift test --filter IsUpToDate`.
      `kindred list losses --json` has the settings too.

      """
    for named in allLosses {
      text += try section(named.name, named.value)
      guard let name = named.value.ownReduction?.name else { continue }
      text += "\nMade of terms, which take a [reducer](#reducers); its own is `\(name)`.\n"
    }
    text += """

      # Reducers

      How the terms of a loss become one number: `"reducer": "sum"`, or with settings
      `"reducer": { "name": "threshold", "low": 0.1 }`, beside the loss's own settings in a recipe or
      in `kindred loss --params`. A loss that is not made of terms refuses it.

      """
    for named in allReducers { text += try section(named.name, named.value) }
    text += """

      # Modifiers

      What is done around any loss: `"modifiers": ["koleo", { "name": "matryoshka" }]`, beside the
      loss's own settings in a recipe or in `kindred loss --params`; the first is the outermost.
      Parameters of their own are trained and kept as those of losses are.

      """
    for named in allModifiers { text += try section(named.name, named.value) }
    return text
  }

  /// What is said of one registered thing: its comment and its settings.
  private static func section(_ name: String, _ value: any Described) throws -> String {
    var text = "\n## \(name)\n\n\(try comment(of: value))\n"
    let settings = type(of: value).settingDescriptions
    guard !settings.isEmpty else { return text }
    text += "\n| setting | default | allowed | meaning |\n|---|---|---|---|\n"
    for setting in settings {
      text +=
        "| `\(setting.name)` | \(setting.default) | \(setting.allowed) | \(setting.summary) |\n"
    }
    return text
  }

  /// Each file of the losses' sources by its name, whatever folder of a family it lies in.
  private static let files: [String: URL] = {
    let sources = root.appendingPathComponent("Sources/Losses")
    let found = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
    let files = found?.compactMap { $0 as? URL } ?? []
    return Dictionary(files.map { ($0.lastPathComponent, $0) }) { first, _ in first }
  }()

  /// The documentation comment of a value's type, as Markdown.
  private static func comment(of value: any Described) throws -> String {
    let name = "\(type(of: value))"
    let file = try #require(files["\(name).swift"])
    let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    let end = try #require(lines.firstIndex { $0.hasPrefix("public struct \(name)") })
    let start = lines[..<end].lastIndex { !$0.hasPrefix("///") }.map { $0 + 1 } ?? 0
    var text: [String] = []
    for line in lines[start..<end] {
      let words = String(line.dropFirst(line.hasPrefix("/// ") ? 4 : 3))
      if words.hasPrefix("- Reference:") { text.append("") }
      text.append(words)
    }
    return text.joined(separator: "\n").replacingOccurrences(of: "``", with: "`")
  }
}
