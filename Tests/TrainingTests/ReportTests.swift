import Autodiff
import Files
import Foundation
import Settings
import Testing
import Training

/// What the page says beside the numbers.
@Suite struct Reports {
  private func page(_ overrides: [String], stopAfter stop: Int? = nil) throws -> String {
    let scratch = try Scratch()
    var value: JSONValue = [
      "data": ["name": "glyphs", "classes": 24, "perClass": 5, "size": 12],
      "model": ["name": "linear", "embedding": 16],
      "losses": [["name": "multi-similarity"]],
      "sampler": ["name": "m-per-class", "classes": 8, "perClass": 4],
      "training": ["steps": 8, "evaluateEvery": 4, "keep": "last", "seed": 3],
    ]
    for override in overrides { try value.set(override) }
    let path = scratch.path + "/run"
    for resuming in stop == nil ? [false] : [false, true] {
      _ = try Training.train(
        Recipe(value, at: "test"), into: RunFolder(path), dataRoot: "data", resuming: resuming
      ) { event in
        if !resuming, case .stepped(let report, _) = event { return report.step == stop }
        return false
      }
    }
    return try FileSystem.readText(path + "/report.html")
  }

  /// The texts of all matches of a pattern's first group.
  private func found(_ pattern: String, in text: String) throws -> [String] {
    let expression = try NSRegularExpression(pattern: pattern)
    return expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap {
      Range($0.range(at: 1), in: text).map { String(text[$0]) }
    }
  }

  @Test func theVerdictComesFirstAndPicksNothing() throws {
    let page = try page([])
    let verdict = try #require(page.range(of: "<h2 id=\"verdict\">"))
    let summary = try #require(page.range(of: "<h2 id=\"summary\">"))
    #expect(verdict.lowerBound < summary.lowerBound)
    let part = String(page[verdict.lowerBound..<summary.lowerBound])
    #expect(try found("<tr class=\"(better|worse|unclear)\">", in: part).count == 5)
    for name in ["recall@1", "r-precision", "map@r", "opis", "false rejects at 1 % false accepts"] {
      #expect(part.contains("<th scope=\"row\">\(name)</th>"), "\(name)")
    }
    #expect(part.contains("kindred calibrate"))
  }

  @Test func everyCurveShowsTheRawInputBesideTheTrained() throws {
    let page = try page([])
    for title in [
      "Recall over k", "ROC", "DET", "Utility of the classes", "recall@1 on", "opis on",
    ] {
      let figure = try #require(
        try found("(<figure class=\"chart\"><figcaption>\(title)[\\s\\S]*?</figure>)", in: page)
          .first,
        "\(title)")
      #expect(figure.contains("raw input") && figure.contains("trained"), "\(title)")
    }
    #expect(page.contains("How near pairs are, raw input"))
    #expect(page.contains("How near pairs are, trained"))
    for axis in ["true accept rate", "false reject rate", "share of pairs", "utility", "recall"] {
      #expect(page.contains(">\(axis)</text>"), "\(axis)")
    }
  }

  @Test func itSaysWhenHowLongWhichSeedAndWhere() throws {
    for page in [try page([]), try page([], stopAfter: 3)] {
      #expect(page.contains("<dt>Seed</dt><dd>3</dd>"))
      #expect(try found("<dt>Begun</dt><dd>(20[0-9-]+T[0-9:]+Z)</dd>", in: page).count == 1)
      #expect(try found("<dt>Time of the steps</dt><dd>([0-9.]+) s</dd>", in: page).count == 1)
      #expect(try found("<dt>Run folder</dt><dd>(/[^<]*/run)</dd>", in: page).count == 1)
    }
    #expect(try page([], stopAfter: 3).contains("steps 1 to 3"))
  }

  /// Also from before the first step, and on the classes held out.
  @Test func whatIsWatchedBeginsAtStepZero() throws {
    for overrides in [[], ["training.validation=0.3"]] {
      let page = try page(overrides)
      let name = overrides.isEmpty ? "test classes" : "validation classes"
      let figure = try #require(
        try found("(<figcaption>map@r on the \(name)[\\s\\S]*?</figure>)", in: page).first)
      let lines = try found("<polyline points=\"([^\"]*)\"", in: figure)
      #expect(lines.map { $0.split(separator: " ").count } == [2, 3])
      #expect(lines.allSatisfy { $0.hasPrefix("48.0,") }, "\(lines)")
    }
  }

  @Test func namesOnTheMapDoNotOverlap() throws {
    let page = try page([
      "data={name:'glyphs',classes:200,perClass:3,size:12}", "sampler.perClass=2",
    ])
    let map = try #require(page.range(of: "<h2 id=\"map\">"))
    let plots = page[map.lowerBound...].components(separatedBy: "<figure class=\"chart\">")
      .dropFirst()
      .prefix(3)
    #expect(plots.count == 3)
    for plot in plots {
      let pattern = "<text class=\"small halo\" x=\"([0-9.]+ ?\" y=\"[0-9.]+\"[^>]*>[^<]*)</text>"
      let names = try found(pattern, in: plot).map { text -> (x: Double, y: Double, name: String) in
        let parts = text.components(separatedBy: "\"")
        let name = text.components(separatedBy: ">").last ?? ""
        return (Double(parts[0]) ?? .nan, Double(parts[2]) ?? .nan, name)
      }
      #expect(names.count > 5)
      for (i, a) in names.enumerated() {
        let half = Double(a.name.count) * 3
        #expect(a.x - half >= 0 && a.x + half <= 400 && a.y > 8 && a.y < 400, "\(a)")
        for b in names[..<i] {
          let isBeside = abs(a.x - b.x) >= Double(a.name.count + b.name.count) * 3
          #expect(isBeside || abs(a.y - b.y) >= 10, "\(a) \(b)")
        }
      }
    }
  }
}
