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
  let name = arguments.positionals[0]
  let registered: any Miner = try allMiners.named(
    name, kind: "miner", at: "kindred mine", mistake: .badUsage)
  let miner = try configured(registered, try arguments.settings("--params"), at: "--params")
  try miner.validate(at: "--params")
  let batch = try LabelledMatrix(arguments)
  let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0
  if let streaming = miner as? any StreamingMiner, type(of: streaming).findsTriplets {
    streamTriplets(
      of: streaming, batch, random: Random(seed: UInt64(seed)), isJSON: arguments.has("--json"))
    return
  }
  let tuples = miner.mine(
    batch.embeddings, labels: batch.labels, reference: nil, random: Random(seed: UInt64(seed)))
  let isJSON = arguments.has("--json")
  var lines = LineWriter()
  switch tuples {
  case .triplets(let triplets):
    let triplets = triplets.sorted()
    lines.write(
      isJSON ? "{\"triplets\": [" : "\(triplets.count) triplets (anchor, positive, negative)\n")
    for (i, one) in triplets.enumerated() {
      lines.write([one.anchor, one.positive, one.negative], mark: "", at: i, isJSON: isJSON)
    }
    if isJSON { lines.write("]}\n") }
  case .pairs(let positive, let negative):
    let (positive, negative) = (positive.sorted(), negative.sorted())
    lines.write(
      isJSON
        ? "{\"negativePairs\": ["
        : "\(positive.count) positive pairs, \(negative.count) negative pairs\n")
    for (first, pairs) in isJSON
      ? [negative, positive].enumerated() : [positive, negative].enumerated()
    {
      if isJSON, first == 1 { lines.write("], \"positivePairs\": [") }
      for (i, pair) in pairs.enumerated() {
        lines.write(
          [pair.anchor, pair.other], mark: first == 0 ? "+ " : "- ", at: i, isJSON: isJSON)
      }
    }
    if isJSON { lines.write("]}\n") }
  }
  lines.flush()
}

/// Mines and writes a few anchors at a time: a batch may have more triplets than fit in memory.
private func streamTriplets(
  of miner: any StreamingMiner, _ batch: LabelledMatrix, random: Random, isJSON: Bool
) {
  // An anchor has at most as many triplets as positives times negatives: of some millions a block.
  let sizes = Dictionary(batch.labels.map { ($0, 1) }, uniquingKeysWith: +).values
  let most = sizes.map { ($0 - 1) * (batch.labels.count - $0) }.max() ?? 0
  let size = max(1, min(128, 4_000_000 / max(1, most)))
  func forEachBlock(_ body: ([Triplet]) -> Void) {
    miner.forEachBlock(of: size, batch.embeddings, labels: batch.labels, random: random) { block in
      if case .triplets(let triplets) = block { body(triplets) }
    }
  }
  var lines = LineWriter()
  if isJSON {
    lines.write("{\"triplets\": [")
  } else {
    var count = 0
    forEachBlock { count += $0.count }
    lines.write("\(count) triplets (anchor, positive, negative)\n")
  }
  var written = 0
  forEachBlock { triplets in
    for one in triplets.sorted() {
      lines.write([one.anchor, one.positive, one.negative], mark: "", at: written, isJSON: isJSON)
      written += 1
    }
  }
  if isJSON { lines.write("]}\n") }
  lines.flush()
}

/// Writes text to standard output in pieces of about 64 KiB, so that a long result is never held
/// as a text.
private struct LineWriter {
  private var pending = ""

  mutating func write(_ text: String) {
    pending += text
    if pending.utf8.count >= 1 << 16 { flush() }
  }

  /// Writes the item of a list: "[1,2]" with a comma before all but the first, or a line "1 2".
  mutating func write(_ numbers: [Int], mark: String, at position: Int, isJSON: Bool) {
    if isJSON {
      write((position > 0 ? ",[" : "[") + numbers.map(String.init).joined(separator: ",") + "]")
    } else {
      write(mark + numbers.map(String.init).joined(separator: " ") + "\n")
    }
  }

  mutating func flush() {
    print(pending, terminator: "")
    pending = ""
  }
}
