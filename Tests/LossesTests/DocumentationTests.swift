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
      isUpToDate,
      "KINDRED_WRITE_DOCUMENTATION=1 swift test --filter DocumentationTests writes it again")
  }

  @Test(arguments: allLosses) func everyLossIsExplained(_ named: Named<any Loss>) throws {
    let comment = try Self.comment(of: named.value)
    #expect(comment.contains("- Reference:"))
    #expect(comment.contains("O("))
  }

  private static func catalogue() throws -> String {
    var text = """
      # Losses

      Made from the registry and the documentation comments in `Sources/Losses` by
      `KINDRED_WRITE_DOCUMENTATION=1 swift test --filter DocumentationTests`.
      `kindred list losses --json` has the settings too.

      """
    for named in allLosses {
      text += "\n## \(named.name)\n\n\(try comment(of: named.value))\n"
      let settings = type(of: named.value).settingDescriptions
      guard !settings.isEmpty else { continue }
      text += "\n| setting | default | allowed | meaning |\n|---|---|---|---|\n"
      for setting in settings {
        text +=
          "| `\(setting.name)` | \(setting.default) | \(setting.allowed) | \(setting.summary) |\n"
      }
    }
    return text
  }

  /// The documentation comment of a loss's type, as Markdown.
  private static func comment(of loss: any Loss) throws -> String {
    let name = "\(type(of: loss))"
    let file = root.appendingPathComponent("Sources/Losses/\(name).swift")
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
