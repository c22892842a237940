import Autodiff
import Losses
import Settings

/// Times the value and gradient of every loss on a random batch, four items a class.
@Sendable func benchLosses(_ arguments: Arguments) throws {
  let batch = try arguments.wholeNumber("--batch", in: 8...65_536) ?? 512
  let dimension = try arguments.wholeNumber("--dimension", in: 1...65_536) ?? 128
  let only = arguments.allValues("--only")
  for name in only {
    _ = try allLosses.named(name, kind: "loss", at: "--only", mistake: .badUsage) as any Loss
  }
  var random = Random(seed: 5)
  let embeddings = Tensor(
    normal: [batch, dimension], deviation: 1, dtype: .float32, random: &random)
  let labels = (0..<batch).map { $0 / 4 }
  var results: [Measurement] = []
  for named in allLosses where only.isEmpty || only.contains(named.name) {
    var loss = named.value
    loss.makeParameters(
      classCount: (batch + 3) / 4, dimension: dimension, dtype: .float32,
      random: random.split("parameters"))
    let input = LossInput(embeddings: embeddings, labels: labels)
    guard (try? loss.validate(input, at: named.name)) != nil else { continue }
    let prepared = loss
    results.append(
      Measurement("\(named.name), batch \(batch)", budget: 0.5) {
        _ = prepared.valueWithGradients(input)
      })
  }
  show(results, arguments)
}
