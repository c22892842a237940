import Autodiff
import Losses
import Settings

/// Times the value and gradient of every loss on a random batch, four items a class, after
/// comparing each with the same loss in float64.
@Sendable func benchLosses(_ arguments: Arguments) throws {
  let batch = try arguments.wholeNumber("--batch", in: 8...65_536) ?? 512
  let dimension = try arguments.wholeNumber("--dimension", in: 1...65_536) ?? 128
  let classes =
    try arguments.wholeNumber("--classes", in: 2...1_000_000) ?? max(2, (batch + 3) / 4)
  let repeats = try arguments.wholeNumber("--repeat", in: 1...1_000_000)
  let only = arguments.allValues("--only")
  for name in only {
    _ = try allLosses.named(name, kind: "loss", at: "--only", mistake: .badUsage) as any Loss
  }
  var random = Random(seed: 5)
  let embeddings = Tensor(
    normal: [batch, dimension], deviation: 1, dtype: .float32, random: &random)
  let labels = (0..<batch).map { $0 / 4 % classes }
  let input = LossInput(embeddings: embeddings, labels: labels)
  var results: [Measurement] = []
  for named in allLosses where only.isEmpty || only.contains(named.name) {
    var loss = named.value
    loss.makeParameters(
      classCount: classes, dimension: dimension, dtype: .float32,
      random: random.split("parameters"))
    do { try loss.validate(input, at: named.name) } catch {
      if !only.isEmpty { throw error }
      continue
    }
    let prepared = loss
    var measurement = Measurement(
      "\(named.name), batch \(batch)", budget: 0.5, repeats: repeats
    ) {
      _ = prepared.valueWithGradients(input)
    }
    if repeats != 1 { measurement.error = try check(prepared, input, name: named.name) }
    results.append(measurement)
  }
  show(results, arguments)
}

/// How far the value is from that of the same loss in float64, relative to it.
private func check(_ loss: any Loss, _ input: LossInput, name: String) throws -> Double {
  var exact = loss
  exact.updateParameters { _, tensor in tensor = tensor.converted(to: .float64) }
  var exactInput = input
  exactInput.embeddings = input.embeddings.converted(to: .float64)
  let (found, expected) = (loss(input).value.item, exact(exactInput).value.item)
  let error = abs(found - expected) / max(1, abs(expected))
  guard error <= 1e-4 else {
    throw Failure(
      .checkFailed, at: "bench losses: \(name)", "the loss is \(found) in float32",
      expected: "\(expected), as in float64")
  }
  return error
}
