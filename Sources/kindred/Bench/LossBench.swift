import Autodiff
import Losses
import Settings

/// Times the value and gradient of every loss on random batches, four items a class, after comparing
/// each with the same loss in float64, one that takes seconds on the first 512 items only; the
/// batches have 512 and 2048 items unless --batch says. A loss that cannot tell so many classes apart
/// in so many dimensions is measured with as many classes as dimensions, and its name says so.
@Sendable func benchLosses(_ arguments: Arguments) throws {
  let asked = try arguments.wholeNumber("--batch", in: 8...65_536)
  let dimension = try arguments.wholeNumber("--dimension", in: 1...65_536) ?? 128
  let classes = try arguments.wholeNumber("--classes", in: 2...1_000_000)
  let repeats = try arguments.wholeNumber("--repeat", in: 1...1_000_000)
  let only = arguments.allValues("--only")
  for name in only {
    _ = try allLosses.named(name, kind: "loss", at: "--only", mistake: .badUsage) as any Loss
  }
  let losses = allLosses.filter { only.isEmpty || only.contains($0.name) }
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  var results: [Measurement] = []
  var skipped: [Failure] = []
  let batches = asked.map { [$0] } ?? [512, 2048]
  for (i, batch) in batches.enumerated() {
    let most = max(2, (batch + 3) / 4)
    let counts = classes.map { [$0] } ?? (dimension < most ? [most, max(2, dimension)] : [most])
    var random = Random(seed: 5)
    let embeddings = Tensor(
      normal: [batch, dimension], deviation: 1, dtype: .float32, random: &random)
    let teacher = Tensor(
      normal: [batch, dimension], deviation: 1, dtype: .float32, random: &random)
    for (k, named) in losses.enumerated() {
      var name = "\(named.name), batch \(batch)"
      progress.show(
        "measuring \(name)", done: i * losses.count + k, of: batches.count * losses.count,
        isEven: false)
      let prepared: any Loss
      let input: LossInput
      do {
        let found = try firstValid(counts, at: name) { classes in
          var loss = named.value
          loss.makeParameters(
            classCount: classes, dimension: dimension, dtype: .float32,
            random: random.split("parameters"))
          let labels = (0..<batch).map { $0 / 4 % classes }
          return (loss, LossInput(embeddings: embeddings, labels: labels, teacher: teacher))
        }
        (prepared, input) = (found.loss, found.input)
        if found.classes != counts[0] { name += ", \(found.classes) classes" }
      } catch {
        if !only.isEmpty { throw error }
        skipped.append(error)
        continue
      }
      var measurement = Measurement(name, budget: 0.5, repeats: repeats) {
        _ = prepared.valueWithGradients(input)
      }
      if repeats != 1 {
        // What takes seconds would take minutes in float64.
        let checked = measurement.median < 2000 ? input : input.prefix(512)
        measurement.error = try check(prepared, checked, name: named.name)
      }
      results.append(measurement)
    }
  }
  progress.finish()
  show(results, arguments)
  for failure in skipped { Terminal.printError("skipped \(failure)") }
}

/// What is made for the first count of classes for which a loss and its batch are valid.
private func firstValid(
  _ counts: [Int], at place: String, _ make: (Int) -> (loss: any Loss, input: LossInput)
) throws(Failure) -> (loss: any Loss, input: LossInput, classes: Int) {
  var failure: Failure?
  for classes in counts {
    let (loss, input) = make(classes)
    do {
      try loss.validate(input, at: place)
      return (loss, input, classes)
    } catch { failure = failure ?? error }
  }
  throw failure ?? Failure(.badUsage, at: place, "there are no classes", expected: "two or more")
}

extension LossInput {
  /// The first items alone.
  fileprivate func prefix(_ count: Int) -> LossInput {
    let rows = Array(labels.indices.prefix(count))
    return LossInput(
      embeddings: embeddings.rows(at: rows), labels: rows.map { labels[$0] },
      teacher: teacher?.rows(at: rows))
  }
}

/// How far the value is from that of the same loss in float64, relative to it.
private func check(_ loss: any Loss, _ input: LossInput, name: String) throws -> Double {
  var exact = loss
  exact.updateParameters { _, tensor in tensor = tensor.converted(to: .float64) }
  var exactInput = input
  exactInput.embeddings = input.embeddings.converted(to: .float64)
  exactInput.teacher = input.teacher?.converted(to: .float64)
  let (found, expected) = (loss(input).value.item, exact(exactInput).value.item)
  let error = abs(found - expected) / max(1, abs(expected))
  guard error <= 1e-4 else {
    throw Failure(
      .checkFailed, at: "bench losses: \(name)", "the loss is \(found) in float32",
      expected: "\(expected), as in float64")
  }
  return error
}
