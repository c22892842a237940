import Files
import Foundation
import Settings
import Testing

/// A threshold from where it is fitted to where it is used.
@Suite struct CalibrationCommands {
  private func object(_ outcome: Outcome) throws -> JSONValue {
    #expect(outcome.status == 0, "\(outcome)")
    return try JSONValue(json5: outcome.output, at: "output")
  }

  @Test func aThresholdGoesWithTheModel() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    let trained = try kindred([
      "train", packageRoot + "/recipes/quickstart.json5", "--out", run, "--json", "--set",
      "training.steps=4", "--set", "training.report=false", "--set", "training.evaluateEvery=4",
      "--set", "targets={}",
    ])
    #expect(trained.status == 0, "\(trained)")

    // A run differs from itself by nothing.
    let compared = try object(try kindred("compare", run, run, "--draws", "50", "--json"))
    guard case .array(let comparisons)? = compared["comparisons"] else {
      Issue.record("no comparisons in \(compared)")
      return
    }
    #expect(comparisons.count == 5)
    #expect(comparisons.allSatisfy { $0["difference"] == 0 && $0["p"] == 1 })
    let single = try kindred("compare", run)
    #expect(single.status == 64 && single.error.contains("RUN is missing"), "\(single)")

    let refused = try kindred("calibrate", run, "--far", "0.0000001", "--json")
    #expect(refused.status == 65 && refused.error.contains("or more"), "\(refused)")
    #expect(!FileSystem.exists(run + "/calibration.json"))

    let calibration = try object(try kindred("calibrate", run, "--far", "0.01", "--json"))
    let written = try kindred("report", run)
    #expect(written.status == 0, "\(written)")
    #expect(try FileSystem.readText(run + "/report.html").contains("calibrated threshold for FAR"))
    guard case .number(let similarity)? = calibration["similarity"] else {
      Issue.record("no similarity in \(calibration)")
      return
    }
    #expect(
      try JSONValue(json5: FileSystem.readText(run + "/calibration.json"), at: "file")
        == calibration)

    // The run's own threshold, that beside an exported index, and one that overrides both.
    let (vectors, index) = (scratch.path + "/e.npy", scratch.path + "/e.faiss")
    for (format, path) in [("npy", vectors), ("faiss-flat", index)] {
      #expect(try kindred("export", run, "--format", format, "--out", path).status == 0)
      let found = try object(
        try kindred("search", path, "--query", vectors, "--top", "2", "--json"))
      #expect(found["threshold"] == .number(similarity))
      #expect(found["thresholdSource"] == .string(scratch.path + "/e.calibration.json"))
    }
    let told = try kindred("search", index, "--query", vectors, "--top", "1")
    #expect(told.output.contains("for a false accept rate of 0.01"))
    let other = try object(
      try kindred("search", index, "--query", vectors, "--threshold", "0.5", "--json"))
    #expect(other["threshold"] == 0.5 && other["thresholdSource"] == "--threshold")

    // A score for each query and a threshold for each item go the same way.
    let full = try object(
      try kindred(
        "calibrate", run, "--far", "0.01", "--map", "isotonic", "--per-query", "--per-item", "0.1",
        "--json"))
    #expect(full["similarity"] == .number(similarity))
    #expect(full["probability"]?["map"] == "isotonic")
    guard case .array(let thresholds)? = full["perItem"]?["thresholds"] else {
      Issue.record("no thresholds of items in \(full)")
      return
    }
    let carried = scratch.path + "/full.npy"
    #expect(try kindred("export", run, "--format", "npy", "--out", carried).status == 0)
    #expect(
      try JSONValue(json5: FileSystem.readText(scratch.path + "/full.calibration.json"), at: "file")
        == full)
    let judged = try object(
      try kindred("search", carried, "--query", vectors, "--top", "2", "--json"))
    guard case .array(let found)? = judged["neighbors"], case .array(let first)? = found.first
    else {
      Issue.record("no neighbours in \(judged)")
      return
    }
    #expect(found.count == thresholds.count)
    for key in ["probability", "queryScore", "trusted", "match"] {
      #expect(first[0][key] != nil && first[0][key] != .null, "\(key)")
    }
    let shown = try kindred("search", carried, "--query", vectors, "--top", "1")
    #expect(shown.output.contains("which depends on the query"), "\(shown.error)")
    let overridden = try object(
      try kindred(
        "search", carried, "--query", vectors, "--top", "1", "--threshold", "0.9", "--json"))
    guard case .array(let plain)? = overridden["neighbors"], case .array(let one)? = plain.first
    else { return }
    #expect(one[0]["queryScore"] == nil)
    #expect(try kindred("calibrate", run, "--far", "0.01").status == 0)

    // What was calibrated on has not drifted from itself; half of every number is another cloud.
    let drift = try object(try kindred("drift", run, "--embeddings", vectors, "--json"))
    #expect(drift["holds"] == true)
    var array = try NumPyArray.read(vectors)
    let (_, _, values) = try array.matrix(at: vectors, as: Float.self)
    array = NumPyArray(shape: array.shape, elements: .float32(values.map { $0 / 2 }))
    let halved = scratch.path + "/halved.npy"
    try array.write(to: halved)
    let drifted = try kindred("drift", run, "--embeddings", halved)
    #expect(drifted.status == 1 && drifted.output.contains("no longer holds"), "\(drifted)")

    let inspected = try object(try kindred("inspect", run, "--json"))
    guard case .array(let prototypes)? = inspected["prototypes"] else {
      Issue.record("no prototypes in \(inspected)")
      return
    }
    #expect(prototypes.count == 10)

    let model = scratch.path + "/model.safetensors"
    #expect(try kindred("export", run, "--format", "safetensors", "--out", model).status == 0)
    let text = try #require(try SafetensorsFile.read(model).metadata["calibration"])
    #expect(try JSONValue(json5: text, at: "metadata") == calibration)

    // Another model must not be used with this threshold.
    var file = try SafetensorsFile.read(run + "/model.safetensors")
    file.metadata["note"] = "changed"
    try file.withChecksum().write(to: run + "/model.safetensors")
    let stale = try kindred("export", run, "--format", "npy", "--out", vectors)
    #expect(stale.status == 65 && stale.error.contains("another model"), "\(stale)")
    try FileManager.default.removeItem(atPath: run + "/calibration.json")
    #expect(try kindred("export", run, "--format", "npy", "--out", vectors).status == 0)
    #expect(!FileSystem.exists(scratch.path + "/e.calibration.json"))
  }

  @Test(arguments: ["0", "1", "-0.1", "nan", "often"]) func ratesAreChecked(rate: String) throws {
    let outcome = try kindred("calibrate", "/nowhere", "--far", rate)
    #expect(outcome.status == 64 && outcome.error.contains("above 0 and below 1"), "\(outcome)")
  }
}
