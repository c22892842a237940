import Autodiff
import Data
import Files
import Foundation
import Settings
import Training

private let recipe = """
  {data: {name: "vectors", embeddings: "x.npy", labels: "y.npy"}, model: {name: "adapter", rank: 2},
   losses: [{name: "soft-triple", centersPerClass: 2, memory: {size: 8}}],
   sampler: {name: "m-per-class", classes: 2, perClass: 2}, training: {steps: 3, report: false}}
  """

/// A trainer of few numbers.
private func trainer() throws -> Trainer {
  let items = Dataset(
    name: "seed", itemShape: [4], values: (0..<64).map { Float($0 * 37 % 23) },
    labels: (0..<16).map { $0 % 4 }, classNames: ["a", "b", "c", "d"],
    itemNames: (0..<16).map { "\($0)" })
  return try Trainer(
    Recipe(JSONValue(json5: recipe, at: "seed"), at: "seed"),
    data: TrainingData(DataSplit(train: items, test: items), validation: 0, random: Random(seed: 1))
  )
}

let runReaders: [FuzzedReader] = [
  .file(
    "checkpoint", "safetensors",
    words: ["step", "bestStep", "optimizer.0.0", "memory.", "9223372036854775807", "NaN"],
    refit: { Refitting.checksum(&$0) }
  ) {
    var trainer = try trainer()
    _ = try trainer.takeStep()
    return [try Checkpoint.bytes(of: trainer)]
  } read: { path in
    var trainer = try trainer()
    try Checkpoint.restore(&trainer, from: try Checkpoint.read(path), at: path)
    _ = try trainer.takeStep()
  },
  .file("metrics", "jsonl", words: ["{", "\"step\": ", "1e300", "\n", "null"]) {
    [Array("{\"loss\": 0.5, \"step\": 1}\n{\"loss\": 0.25, \"recall@1\": 0.5, \"step\": 2}\n".utf8)]
  } read: { path in
    var log = try MetricsLog(path, keepingThrough: 2)
    try log.append(["step": 3])
    try log.flush()
  },
  .file("environment", "json", words: ["sessions", "started", "seconds", "1e300"]) {
    [
      Array(
        "{\"sessions\": [{\"started\": \"2026-11-30T08:31:00Z\", \"seconds\": 2.5, \"firstStep\": 0, \"lastStep\": 9}]}"
          .utf8)
    ]
  } read: { path in
    let folder = RunFolder(Scratch.path + "/history")
    try FileManager.default.createDirectory(
      atPath: folder.path, withIntermediateDirectories: true)
    try Scratch.write(try Scratch.read(path), to: folder.environment)
    _ = RunHistory(of: folder).seconds
  },
  .file("table", "csv", words: [",", ";", "\t", "\"", "NaN", "?", "\u{FEFF}", "sep=;"]) {
    [
      Array("length;width;kind\n1,5;2;a\n2;3;b\n3;1;a\n4;1;b\n".utf8),
      Array("x,colour,kind\n1,red,a\n2,,b\n3,blue,a\n".utf8),
    ]
  } read: { path in
    var table = TableFile()
    (table.path, table.label, table.text, table.missing) = (path, "kind", .oneHot, .median)
    _ = try table.loadRows(root: "")
  },
]
