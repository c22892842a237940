import Autodiff
import Geometry
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
  let random = Random(seed: UInt64(seed))
  if let streaming = miner as? any StreamingMiner {
    let (isJSON, areTriplets) = (arguments.has("--json"), type(of: streaming).findsTriplets)
    let size = blockSize(of: streaming, batch.labels)
    let blocks = (batch.labels.count + size - 1) / size
    let progress = ProgressLine(isQuiet: isJSON)
    var done = 0
    show(triplets: areTriplets, isJSON: isJSON) { body in
      streaming.forEachBlock(
        of: size, batch.embeddings, labels: batch.labels, random: random
      ) { block in
        body(block)
        done += 1
        progress.show(
          "mining", done: done, of: blocks * passes(areTriplets: areTriplets, isJSON: isJSON))
      }
    }
  } else {
    let tuples = miner.mine(
      batch.embeddings, labels: batch.labels, reference: nil, random: random)
    var areTriplets = false
    if case .triplets = tuples { areTriplets = true }
    show(triplets: areTriplets, isJSON: arguments.has("--json")) { $0(tuples) }
  }
}

/// How many anchors are mined at a time: a batch may have more tuples than fit in memory.
private func blockSize(of miner: any StreamingMiner, _ labels: [Int]) -> Int {
  // An anchor has at most as many triplets as positives times negatives: of some millions a block.
  let sizes = Dictionary(labels.map { ($0, 1) }, uniquingKeysWith: +).values
  let most =
    type(of: miner).findsTriplets
    ? sizes.map { ($0 - 1) * (labels.count - $0) }.max() ?? 0 : labels.count
  return max(1, min(128, 4_000_000 / max(1, most)))
}

/// How often all blocks are gone over: for each list that is written, and for a count before.
private func passes(areTriplets: Bool, isJSON: Bool) -> Int {
  (areTriplets ? 1 : 2) + (isJSON ? 0 : 1)
}

/// Writes tuples that come a block at a time, in the order of their anchors.
///
/// - Parameter forEachBlock: gives the blocks; called once for each list that is written, and once
///   before to count what a line of text says.
private func show(
  triplets areTriplets: Bool, isJSON: Bool, forEachBlock: ((Tuples) -> Void) -> Void
) {
  var lines = LineWriter(isJSON: isJSON)
  var (positives, negatives) = (0, 0)
  if !isJSON {
    forEachBlock { block in
      switch block {
      case .triplets(let triplets): positives += triplets.count
      case .pairs(let positive, let negative):
        (positives, negatives) = (positives + positive.count, negatives + negative.count)
      }
    }
  }
  if areTriplets {
    lines.write(
      isJSON ? "{\"triplets\": [" : "\(positives) triplets (anchor, positive, negative)\n")
    forEachBlock { block in
      guard case .triplets(let some) = block else { return }
      for one in some.sorted() { lines.write(one.anchor, one.positive, one.negative) }
    }
    lines.write(isJSON ? "]}\n" : "")
  } else if isJSON {
    lines.write("{\"negativePairs\": [")
    forEachBlock { for pair in $0.pairs.negative.sorted() { lines.write(pair.anchor, pair.other) } }
    lines.startList()
    lines.write("], \"positivePairs\": [")
    forEachBlock { for pair in $0.pairs.positive.sorted() { lines.write(pair.anchor, pair.other) } }
    lines.write("]}\n")
  } else {
    lines.write("\(positives) positive pairs, \(negatives) negative pairs\n")
    forEachBlock { block in
      for pair in block.pairs.positive.sorted() { lines.write(mark: "+ ", pair.anchor, pair.other) }
    }
    forEachBlock { block in
      for pair in block.pairs.negative.sorted() { lines.write(mark: "- ", pair.anchor, pair.other) }
    }
  }
  lines.flush()
}
