import Autodiff
import Geometry
import Miners
import Settings

/// Times every miner on a random batch, four items a class.
@Sendable func benchMiners(_ arguments: Arguments) throws {
  let batch = try arguments.wholeNumber("--batch", in: 8...65_536) ?? 512
  let dimension = try arguments.wholeNumber("--dimension", in: 1...65_536) ?? 128
  let repeats = try arguments.wholeNumber("--repeat", in: 1...1_000_000)
  let only = arguments.allValues("--only")
  for name in only {
    _ = try allMiners.named(name, kind: "miner", at: "--only", mistake: .badUsage) as any Miner
  }
  var random = Random(seed: 5)
  let embeddings = Tensor(
    normal: [batch, dimension], deviation: 1, dtype: .float32, random: &random)
  let labels = (0..<batch).map { $0 / 4 }
  var results: [Measurement] = []
  for named in allMiners where only.isEmpty || only.contains(named.name) {
    results.append(
      Measurement("\(named.name), batch \(batch)", budget: 0.5, repeats: repeats) {
        _ = named.value.mine(embeddings, labels: labels, reference: nil, random: random)
      })
  }
  show(results, arguments)
}
