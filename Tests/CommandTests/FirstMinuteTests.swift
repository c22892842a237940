import Files
import Foundation
import Settings
import Testing

/// What a newcomer meets.
@Suite struct FirstMinute {
  /// Turned copies are classes that the recipe made: a turned 0 that looks like a 0 is nobody's mistake.
  @Test func inspectLeavesOutClassesThatTheRecipeMade() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    let recipe = scratch.path + "/turned.json5"
    try FileSystem.write(
      """
      { data: { name: "digits", rotations: true }, model: { name: "adapter", rank: 4 },
        losses: [{ name: "multi-similarity" }], sampler: { name: "m-per-class", classes: 8 },
        training: { steps: 2, evaluateEvery: 0, report: false } }
      """, to: recipe)
    #expect(try kindred("train", recipe, "--out", run, "--json").status == 0)
    let found = try kindred("inspect", run, "--training", "--json")
    #expect(found.status == 0, "\(found)")
    #expect(found.output.contains("digit ") && !found.output.contains("turned"), "\(found)")
  }

  /// In a recipe a path means what it means on the command line, and beats the data folder.
  @Test func pathsStartFromWhereOneStands() throws {
    let scratch = try Scratch()
    let (here, data) = (scratch.path + "/here", scratch.path + "/data")
    let header = "P5\n8 8\n255\n"
    for (folder, names) in [(here, ["a", "b", "c", "d"]), (data, ["x", "y", "z", "w"])] {
      for (number, name) in names.enumerated() {
        try FileSystem.makeFolder("\(folder)/pictures/\(name)")
        for item in 0..<3 {
          let pixels = [UInt8](repeating: UInt8(20 * number + item), count: 64)
          try FileSystem.write(
            Array(header.utf8) + pixels, to: "\(folder)/pictures/\(name)/\(item).pgm")
        }
      }
    }
    try FileSystem.write(
      """
      { data: { name: "folder", path: "pictures", size: 8 }, model: { name: "linear" },
        losses: [{ name: "contrastive" }], sampler: { name: "m-per-class", classes: 2, perClass: 2 },
        training: { steps: 1, evaluateEvery: 0, report: false } }
      """, to: here + "/recipe.json5")
    func train(in folder: String, to run: String) throws -> Outcome {
      try Kindred(in: folder, data: data).run(
        "train", here + "/recipe.json5", "--out", run, "--json")
    }
    #expect(try train(in: here, to: "run").status == 0)
    let embedded = try Kindred(in: here, data: data).run(
      "embed", "run", "--input", "pictures", "--out", "E.npy")
    #expect(embedded.status == 0, "\(embedded)")
    #expect(try FileSystem.readText(here + "/E.paths.txt").hasPrefix("a/0.pgm"))
    let environment = try FileSystem.readText(here + "/run/environment.json")
    #expect(environment.contains("\"pictures (train)\""), "\(environment)")
    // Elsewhere there is nothing, so the data folder is looked into; without it, the message names it.
    #expect(try train(in: scratch.path, to: here + "/other").status == 0)
    #expect(try FileSystem.readText(here + "/other/environment.json").contains(data + "/pictures"))
    try FileManager.default.removeItem(atPath: data)
    let missing = try train(in: scratch.path, to: here + "/third")
    #expect(missing.status == 66 && missing.error.contains("KINDRED_DATA"), "\(missing)")
  }
}

/// The program as it runs in a folder with a data folder.
private struct Kindred {
  let folder, data: String

  init(in folder: String, data: String) { (self.folder, self.data) = (folder, data) }

  func run(_ words: String...) throws -> Outcome {
    let command = ([kindredPath] + words).map { "'\($0)'" }.joined(separator: " ")
    return try CommandTests.run(
      "/bin/sh", ["-c", "cd '\(folder)' && KINDRED_DATA='\(data)' \(command)"])
  }
}
