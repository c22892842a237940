import Autodiff
import Miners
import Settings
import Training

let mineCommand = Subcommand(
  name: "mine",
  summary: "Choose the pairs or triplets of given embeddings by a miner.",
  positionals: [.init(name: "NAME", summary: "a miner; see kindred list miners")],
  options: [
    .init("--embeddings", "E.npy", "the embeddings, [items, dimension]"),
    .init("--labels", "Y.npy", "the class of each item"),
    .init("--params", "JSON5", "settings of the miner, as in '{ epsilon: 0.1 }'"),
    .init("--dtype", "TYPE", "float32 or float64 (default: that of the embeddings)"),
    .init("--seed", "N", "for what is drawn at random (default: 0)"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred mine batch-hard --embeddings E.npy --labels Y.npy --json",
  run: mine)

private func mine(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  let name = arguments.positionals[0]
  let registered: any Miner = try allMiners.named(
    name, kind: "miner", at: "kindred mine", mistake: .badUsage)
  let miner = try configured(registered, try arguments.settings("--params"), at: "--params")
  try miner.validate(at: "--params")
  let batch = try LabelledMatrix(arguments)
  let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0
  let tuples = miner.mine(
    batch.embeddings, labels: batch.labels, reference: nil, random: Random(seed: UInt64(seed)))
  let isJSON = arguments.has("--json")
  switch tuples {
  case .triplets(let triplets):
    let rows = triplets.sorted().map { [$0.anchor, $0.positive, $0.negative] }
    if isJSON {
      print("{\"triplets\": \(text(of: rows))}")
    } else {
      print("\(rows.count) triplets (anchor, positive, negative)")
      for row in rows { print(row.map(String.init).joined(separator: " ")) }
    }
  case .pairs(let positive, let negative):
    let positives = positive.sorted().map { [$0.anchor, $0.other] }
    let negatives = negative.sorted().map { [$0.anchor, $0.other] }
    if isJSON {
      print(
        "{\"negativePairs\": \(text(of: negatives)), \"positivePairs\": \(text(of: positives))}")
    } else {
      print("\(positives.count) positive pairs, \(negatives.count) negative pairs")
      for row in positives { print("+ " + row.map(String.init).joined(separator: " ")) }
      for row in negatives { print("- " + row.map(String.init).joined(separator: " ")) }
    }
  }
}

private func text(of rows: [[Int]]) -> String {
  "[" + rows.map { "[" + $0.map(String.init).joined(separator: ",") + "]" }.joined(separator: ",")
    + "]"
}
