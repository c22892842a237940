import Autodiff
import Files
import CorpusMining
import Settings

let mineAdapterCommand = Subcommand(
  name: "mine adapter",
  summary: "Learn which candidates of kindred mine corpus are likely to be unlabelled positives.",
  options: corpusOptions + [
    .init("--out", "FILE", "the adapter, for kindred mine corpus --adapter"),
    .init("--hardest", "N", "nearest rows of a query to learn from, and drawn ones (default: 8)"),
    .init("--steps", "N", "how many steps to learn (default: 1000)"),
    .init(
      "--likeness", "BETA",
      "how much similarity to the labelled positives counts beside relevance (default: 1)"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example:
    "kindred mine adapter --queries Q.npy --corpus C.npy --positives P.jsonl --out A.safetensors",
  run: mineAdapter)

private func mineAdapter(_ arguments: Arguments) throws {
  let out = try arguments.required("--out")
  let steps = try arguments.wholeNumber("--steps", in: 1...1_000_000) ?? 1000
  let hardest = try arguments.wholeNumber("--hardest", in: 1...1000) ?? 8
  let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0
  let likeness = try exponent("--likeness", arguments)
  let (miner, _) = try corpusMiner(arguments, CandidateRule(policy: NaivePolicy()), .cosine)
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  let training = try AdapterTraining(miner, hardest: hardest, seed: seed) { done, total in
    progress.show("searched \(done)/\(total) queries", done: done, of: total)
  }
  let (adapter, report) = try training.fit(
    steps: steps, likenessWeight: likeness, seed: seed
  ) { step in
    progress.show("step \(step)/\(steps)", done: step, of: steps)
  }
  progress.finish()
  try adapter.write(to: out)
  if arguments.has("--json") {
    Terminal.printJSON(report.json)
    return
  }
  var table = Table(["pairs of queries not learnt from", "mean probability of relevance"])
  table.append(["labelled positives", percent(report.positives)])
  table.append(["other rows", percent(report.others)])
  print(table.text)
  print(
    "A positive is given more than another row in \(percent(report.ranking)) of cases (chance: 50.0 %)."
  )
  let (error, spread) = (fixed(report.likenessError, 3), fixed(report.likenessSpread, 3))
  print(
    "The similarity to the nearest positive is off by \(error) (the median would be by \(spread)).")
  print("The adapter is in \(out).")
}

private func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
