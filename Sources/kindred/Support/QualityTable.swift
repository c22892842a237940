import Files
import Index
import Settings

/// What `kindred export --quality` tells: how good each form of the vectors is, and which to ship.
struct QualityTable {
  private let rows: [FormQuality]
  private let budget: Int?
  private let recall: Double?
  private let threshold: Double?

  init(
    _ source: ExportSource, _ options: ExportOptions, _ arguments: Arguments
  ) throws(Failure) {
    budget = try arguments.value("--budget").map { text throws(Failure) in
      try byteCount(text, at: "--budget")
    }
    recall = try arguments.value("--recall").map { text throws(Failure) in
      guard let share = Double(text), (0...1).contains(share) else {
        throw Failure(.badUsage, at: "--recall", "'\(text)'", expected: "a share from 0 to 1")
      }
      return share
    }
    let asked = try arguments.required("--quality")
    let isUnit = options.metric(for: source.vectors) == .innerProduct
    let names =
      asked == "all"
      ? ExportForm.usual(
        dimension: source.vectors.shape[1], hasQueries: options.queries != nil && isUnit)
      : asked.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    var forms: [ExportForm] = []
    for name in names { forms.append(try ExportForm(name, at: "--quality")) }
    let progress = ProgressLine(isQuiet: arguments.has("--json"))
    let measurement = try FormMeasurement(source.vectors, options, name: arguments.positionals[0])
    threshold = measurement.threshold
    rows = try measurement.measured(forms) { done, total in
      progress.show("measuring \(forms[done].name)", done: done, of: total, isEven: false)
    }
    progress.finish()
  }

  private var best: FormQuality? { rows.recommended(budget: budget, recall: recall) }

  /// The format and the options of the recommended form.
  func recommendation(_ options: ExportOptions) throws(Failure) -> (String, ExportOptions) {
    guard let best else {
      throw Failure(
        .badUsage, at: "--quality", "no form that was measured does what is asked",
        expected: "a larger --budget or a lower --recall",
        remedy: "leave --format recommended out to see the table")
    }
    return (best.form.format, try options.setting(best.form.settings, at: best.form.name))
  }

  var text: String {
    var table = Table([
      "form", "recall@1", "recall@10", "size", "build s", "queries/s", "ΔFAR", "ΔFRR", "",
    ])
    var problems = ""
    for row in rows {
      if let problem = row.problem {
        table.append([row.form.name] + Array(repeating: "–", count: 7) + [""])
        problems += "\(row.form.name): \(problem)\n"
        continue
      }
      table.append([
        row.form.name, fixed(row.recallAt1, 4), fixed(row.recallAt10, 4), size(row.bytes),
        fixed(row.buildSeconds, 2), fixed(row.queriesPerSecond, 0),
        row.shift.map { change($0.falseAccepts) } ?? "–",
        row.shift.map { change($0.falseRejects) } ?? "–",
        row.form.name == best?.form.name ? "recommended" : "",
      ])
    }
    return table.text + problems + verdict
  }

  private var verdict: String {
    let shifts =
      threshold.map { "ΔFAR and ΔFRR: at the threshold \(significant($0, 4)).\n" }
      ?? "ΔFAR and ΔFRR need classes: --labels Y.npy.\n"
    guard let best else { return shifts + "No form does what is asked.\n" }
    let settings =
      best.form.settings.isEmpty ? "" : " --params '\(JSONValue.object(best.form.settings))'"
    return shifts + "Recommended: --format \(best.form.format)\(settings)\n"
  }

  var json: JSONValue {
    [
      "forms": .array(
        rows.map { row in
          [
            "form": .string(row.form.name), "format": .string(row.form.format),
            "params": .object(row.form.settings), "recall@1": .number(row.recallAt1),
            "recall@10": .number(row.recallAt10), "bytes": JSONValue(row.bytes),
            "buildSeconds": .number(row.buildSeconds),
            "queriesPerSecond": .number(row.queriesPerSecond),
            "far": row.errors.map { .number($0.falseAccepts) } ?? .null,
            "frr": row.errors.map { .number($0.falseRejects) } ?? .null,
            "farShift": row.shift.map { .number($0.falseAccepts) } ?? .null,
            "frrShift": row.shift.map { .number($0.falseRejects) } ?? .null,
            "problem": row.problem.map { .string($0) } ?? .null,
          ]
        }),
      "threshold": threshold.map { .number($0) } ?? .null,
      "recommended": best.map { .string($0.form.name) } ?? .null,
    ]
  }
}

/// Where the table of an export lies: FILE.quality.json.
func qualityPath(beside file: String) -> String { FileSystem.path(file, ending: ".quality.json") }

/// A difference of rates, without a sign before zero.
private func change(_ value: Double) -> String { fixed((value * 1e5).rounded() / 1e5 + 0, 5) }

/// A size in bytes for people.
private func size(_ bytes: Int) -> String {
  bytes < 1 << 20
    ? "\(fixed(Double(bytes) / 1024, 1)) KiB" : "\(fixed(Double(bytes) / 1_048_576, 1)) MiB"
}

/// A number of bytes, as in 64MiB, 1.5GB or 4096.
func byteCount(_ text: String, at place: String) throws(Failure) -> Int {
  let units: KeyValuePairs = [
    "KiB": 1024.0, "MiB": 1_048_576, "GiB": 1_073_741_824, "TiB": 1_099_511_627_776, "KB": 1e3,
    "MB": 1e6, "GB": 1e9, "TB": 1e12, "B": 1,
  ]
  let unit = units.first { text.hasSuffix($0.key) }
  let digits = text.dropLast(unit?.key.count ?? 0)
  guard let number = Double(digits), number > 0, number * (unit?.value ?? 1) < 1e18 else {
    throw Failure(
      .badUsage, at: place, "'\(text)'", expected: "a size, as in 64MiB, 1.5GB or 4096")
  }
  return Int(number * (unit?.value ?? 1))
}
