import Files
import Foundation
import Settings
import Testing

/// Whatever happens to a training, nothing is lost; benchmarks/reliability.sh tells it at length.
@Suite(.serialized) struct Reliability {
  @Test func theScriptLosesNothing() throws {
    let outcome = try run(
      "/usr/bin/env",
      ["bash", packageRoot + "/benchmarks/reliability.sh", "--quick", "--kindred", kindredPath])
    #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.error)")
    #expect(outcome.output.contains("| SIGKILL at any moment: memory bank |"))
  }

  /// Ctrl-C on a run with overrides, in a folder whose name a shell would take apart.
  @Test func theLineThatIsPrintedGoesOn() throws {
    let scratch = try Scratch()
    let recipe = scratch.path + "/my recipe.json5"
    try FileSystem.write(
      """
      {data: {name: "digits"}, model: {name: "linear", embedding: 4}, losses: [{name: "contrastive"}],
      sampler: {name: "m-per-class", classes: 5, perClass: 4},
      training: {steps: 9, evaluateEvery: 0, report: false}}
      """, to: recipe)
    let folder = scratch.path + "/it's a run"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: kindredPath)
    process.arguments = [
      "train", recipe, "--out", folder, "--seed", "3", "--set", "training.steps=1000000",
      "--set", "losses=[{name: 'contrastive', negativeMargin: 0.4}]",
    ]
    let error = Pipe()
    (process.standardError, process.standardOutput) = (error, FileHandle.nullDevice)
    try process.run()
    while !FileSystem.exists(folder + "/metrics.jsonl") { usleep(2000) }
    usleep(50_000)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    let text = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let start = try #require(text.range(of: "go on with: kindred "))
    // It goes on from there, and a limit of steps that were taken is refused rather than the recipe.
    let line = "'\(kindredPath)' " + text[start.upperBound...].dropLast()
    let refused = try kindred("train", recipe, "--out", folder, "--resume")
    #expect(refused.status == 65 && refused.error.contains("training.seed was 3 and is 0"))
    let went = try run("/bin/sh", ["-c", "timeout -s INT 3 \(line) 2>&1"])
    #expect(went.output.contains("Going on from step "), "\(line): \(went)")
  }

  @Test func whatNobodyCanReadIsAnError() throws {
    for words in ["list losses", "--help", "list losses --json"] {
      let outcome = try run("/bin/sh", ["-c", "'\(kindredPath)' \(words) > /dev/full"])
      #expect(outcome.status == 73, "\(words): \(outcome)")
      #expect(outcome.error.contains("standard output"), "\(outcome.error)")
    }
  }

  /// Weights that grow until they are NaN: the run stops, and no vector is written by what is left.
  @Test func aRunThatGoesWrongSaysWhereAndKeepsWhatIsGood() throws {
    let scratch = try Scratch()
    let recipe = scratch.path + "/recipe.json5"
    try FileSystem.write(
      """
      {data: {name: "digits"}, model: {name: "mlp", hidden: [16, 16], embedding: 4, normalize: false},
      losses: [{name: "contrastive", normalize: false}],
      sampler: {name: "m-per-class", classes: 2, perClass: 2}, optimizer: {name: "sgd", learningRate: 1e6},
      training: {steps: 150, evaluateEvery: 50, checkpointEvery: 1, report: false}}
      """, to: recipe)
    for more in [[], ["--detect-anomaly"]] {
      let folder = scratch.path + "/run\(more.count)"
      let outcome = try kindred(["train", recipe, "--out", folder, "--json"] + more)
      #expect(outcome.status == 65 && outcome.output.isEmpty, "\(outcome)")
      #expect(outcome.error.filter { $0 == "\n" }.count == 1)
      for word in ["step ", "model mlp", "layer ", "operation '", "the last good one"] {
        #expect(outcome.error.contains(word), "\(outcome.error)")
      }
      #expect(FileSystem.exists(folder + "/checkpoint/state.safetensors"))
      #expect(!FileSystem.exists(folder + "/model.safetensors"))
      let embedded = try kindred(
        "embed", folder, "--input", recipe, "--out", scratch.path + "/E.npy")
      #expect(embedded.status == 66 && !FileSystem.exists(scratch.path + "/E.npy"))
    }
  }
}
