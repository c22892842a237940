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
    return try page(overrides, stopAfter: stop, in: scratch.path + "/run")
  }

  private func page(
    _ overrides: [String], stopAfter stop: Int? = nil, in path: String
  ) throws -> String {
    var value: JSONValue = [
      "data": ["name": "glyphs", "classes": 24, "perClass": 5, "size": 12],
      "model": ["name": "linear", "embedding": 16],
      "losses": [["name": "multi-similarity"]],
      "sampler": ["name": "m-per-class", "classes": 8, "perClass": 4],
      "training": ["steps": 8, "evaluateEvery": 4, "keep": "last", "seed": 3],
    ]
    for override in overrides { try value.set(override) }
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
    #expect(part.contains("Judged on classes never seen in training."))
  }

  /// One class judged on has recall 1 whatever was learned.
  @Test func oneClassTellsNothing() throws {
    let page = try page([
      "data={name:'digits',trainClasses:[0,1,2],testClasses:[3]}", "sampler.classes=2",
    ])
    #expect(page.contains("<strong>• All items judged on are of one class</strong>"))
    #expect(!page.contains("kindred calibrate"))
  }

  /// Where there is no room for a head, each cell says what it is.
  @Test func theVerdictCanBeReadOnAPhone() throws {
    let page = try page([])
    for column in ["raw input", "trained", "change", "95 % interval", "better when"] {
      #expect(
        try found("<td data-column=\"(\(column))\">", in: page).count == 5, "\(column)")
    }
  }

  @Test func theTitleOfTheVerdictCountsBetterAndWorse() throws {
    for steps in [1, 60] {
      let page = try page(["training.steps=\(steps)", "training.evaluateEvery=0"])
      let title = try #require(
        try found("<div class=\"verdict [a-z]+\"><p><strong>([^<]*)</strong>", in: page).first)
      let kind = try #require(try found("<div class=\"verdict ([a-z]+)\">", in: page).first)
      func count(_ verdict: String) throws -> Int {
        try found("<tr class=\"(\(verdict))\">", in: page).count
      }
      let (better, worse) = (try count("better"), try count("worse"))
      #expect(title.contains("better in \(better)") == (better > 0 && better < 5), "\(title)")
      #expect(title.contains("worse in \(worse)") == (worse > 0), "\(title)")
      #expect(kind == (worse > 0 ? "worse" : 2 * better > 5 ? "better" : "unclear"), "\(title)")
    }
  }

  @Test func picturesAreThereWithoutScrolling() throws {
    let page = try page([])
    #expect(page.contains("<img src=\"data:image/png") && !page.contains("loading="))
  }

  /// No number beside an axis is cut off at the edge of its chart.
  @Test func numbersBesideAxesHaveRoom() throws {
    let page = try page(["optimizer={name:'sgd',learningRate:0.00123}"])
    let ticks = try found(
      "<text (x=\"[0-9.]+\" y=\"[0-9.]+\" text-anchor=\"end\">[^<]*)</text>", in: page)
    #expect(ticks.count > 20)
    for tick in ticks {
      let text = tick.components(separatedBy: ">").last ?? ""
      let x = try #require(Double(tick.components(separatedBy: "\"")[1]))
      #expect(x - 8 * Double(text.count) >= 0, "\(tick)")
    }
  }

  /// However short training was: what cannot be drawn in its time is left, and that is said.
  @Test func mapsTakeNoLongerThanTraining() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/run"
    _ = try page([], in: path)
    let environment = try FileSystem.readText(path + "/environment.json")
    let quick = environment.replacingOccurrences(
      of: "\"seconds\": [0-9.e-]+", with: "\"seconds\": 0.001", options: .regularExpression)
    #expect(quick != environment)
    try FileSystem.write(quick, to: path + "/environment.json")
    try writeReport(ofRun: path, dataRoot: "data") { _, _ in }
    let page = try FileSystem.readText(path + "/report.html")
    #expect(page.contains("The neighbour embedding was stopped early"))
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
      #expect(try found("<dt>Time of training</dt><dd>([0-9.]+) s</dd>", in: page).count == 1)
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

  /// Widths that Chromium measured in DejaVu Sans Bold of 11 pixels, the widest of the usual fonts.
  @Test func namesHaveTheRoomThatTheyTake() throws {
    let measured = [
      ("glyph 12", 53.7), ("Boeing 737-800 (win…", 138.8), ("WWWW", 48.5), ("MMMM mmm", 82),
      ("Crème brûlée 27", 102.7), ("Канис 75", 57.4), ("ЖШЩ", 41.6), ("Ελλάδα", 44.6),
      ("HONDA", 45.9), ("QUEEN", 42.5), ("123456", 46.3), ("a/b/very/long", 81.6), ("@home", 45.3),
      ("illicit", 30.6), ("ffi ttt", 31.9), ("tree frog", 55.1), ("Øresund", 52.3), ("x", 7.1),
    ]
    for (name, width) in measured {
      let reckoned = TextBox.width(of: name, size: 11)
      #expect(reckoned >= width && reckoned < 1.7 * width + 4, "\(name): \(reckoned)")
    }
    // Many at one point: those that find room touch neither each other nor the edge.
    var taken: [TextBox] = []
    for (i, (name, _)) in (measured + measured).enumerated() {
      let point = i % 2 == 0 ? (395.0, 5.0) : (200, 200)
      guard let box = TextBox.free(name, near: point, size: 11, beside: taken) else { continue }
      taken.append(box)
      #expect(box.x + box.width / 2 <= 400 && box.x >= box.width / 2 && box.baseline >= 11)
    }
    #expect(taken.count > 3)
    for (i, a) in taken.enumerated() {
      for b in taken[..<i] {
        #expect(
          abs(a.x - b.x) >= (a.width + b.width) / 2 || abs(a.baseline - b.baseline) >= 11,
          "\(a) \(b)")
      }
    }
  }
}
