import Autodiff
import Settings

let benchCommand = Subcommand(
  name: "bench",
  summary:
    "Measure how fast products, training steps, losses, miners, search, judging, the start are.",
  positionals: [
    .init(name: "WHAT", summary: "product, step, losses, miners, search, evaluate, graph or start")
  ],
  options: [
    .init("--isa", "NAME", "force an instruction set: portable, avx2 or avx512"),
    .init("--size", "M,K,N", "bench product: the sizes of one product", isRepeated: true),
    .init("--rows", "N", "bench evaluate: embeddings to judge (default: 60000)"),
    .init("--batch", "N", "bench step, losses and miners: items in a batch (two: 512, 2048)"),
    .init(
      "--dimension", "N",
      "bench losses, miners and evaluate: the width of an embedding (default: 128)"),
    .init(
      "--classes", "N",
      "bench losses: classes that have proxies (default: a quarter of batch); bench evaluate: classes "
        + "of the rows (default: a fifth)"),
    .init("--embeddings", "E.npy", "bench graph: the vectors"),
    .init("--queries", "Q.npy", "bench graph: what is searched"),
    .init("--params", "JSON5", "bench graph: links, efConstruction, order, seed"),
    .init("--repeat", "N", "repeat each so often; 1 measures without warming up"),
    .init("--only", "NAME", "bench losses, miners and step: one of them", isRepeated: true),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred bench evaluate --rows 60000 --threads 2 --json",
  run: bench)

private let benches: [(name: String, run: @Sendable (Arguments) throws -> Void)] = [
  ("product", benchProduct), ("step", benchStep), ("losses", benchLosses),
  ("miners", benchMiners), ("search", benchSearch), ("evaluate", benchEvaluate),
  ("graph", benchGraph), ("start", benchStart),
  ("first-step", takeFirstStep),
]

private func bench(_ arguments: Arguments) throws {
  if let name = arguments.value("--isa") {
    guard let isa = InstructionSet(rawValue: name), InstructionSet.available.contains(isa) else {
      throw Failure(
        .badUsage, at: "--isa", "'\(name)' is not to be had on this processor",
        expected: InstructionSet.available.map(\.rawValue).joined(separator: ", "))
    }
    InstructionSet.current = isa
  }
  let what = arguments.positionals[0]
  guard let found = benches.first(where: { $0.name == what }) else {
    throw Failure(
      .badUsage, at: "kindred bench", "there is no bench '\(what)'",
      remedy: suggestion(for: what, among: benches.map(\.name)))
  }
  try found.run(arguments)
}
