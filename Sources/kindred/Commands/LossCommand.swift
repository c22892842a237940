import Autodiff
import Files
import Geometry
import Index
import Losses
import Miners
import Settings
import Training

let lossCommand = Subcommand(
  name: "loss",
  summary: "Compute a loss, and its gradients, of given embeddings.",
  positionals: [.init(name: "NAME", summary: "a loss; see kindred list losses")],
  options: [
    .init("--embeddings", "E.npy", "the embeddings, [items, dimension]"),
    .init(
      "--labels", "Y.npy", "the class of each item; with --relevance, each its own if left out"),
    .init("--gallery", "G.npy", "what the items are compared with, instead of each other"),
    .init("--gallery-labels", "H.npy", "the class of each row of the gallery"),
    .init("--relevance", "R.json5", "what makes labels alike; see Documentation/Relevance.md"),
    .init("--weights", "W.npy", "the proxies or class weights, a row each, class by class"),
    .init("--teacher", "T.npy", "the teacher's embeddings, for losses that distil"),
    .init(
      "--params", "JSON5", "settings of the loss, as in '{ margin: 0.2 }'; chunk: rows at a time"),
    .init("--miner", "NAME", "a miner that chooses the tuples"),
    .init("--miner-params", "JSON5", "settings of the miner"),
    .init("--dtype", "TYPE", "float32 or float64 (default: that of the embeddings)"),
    .init("--gradient", "G.npy", "write the gradient in the embeddings"),
    .init("--weight-gradient", "V.npy", "write the gradient in the weights"),
    .init("--seed", "N", "for what is drawn at random (default: 0)"),
  ] + columnLossOptions + Subcommand.common,
  example: "kindred loss triplet-margin --embeddings E.npy --labels Y.npy "
    + "--params '{ margin: 0.2 }' --json",
  run: computeLoss)

/// What is differentiated: the embeddings and the loss with its parameters.
private struct Point: Parameterized {
  var embeddings: Tensor
  var term: LossTerm

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("embeddings", &embeddings)
    try term.updateParameters { try body("loss.\($0)", &$1) }
  }
}

private func computeLoss(_ arguments: Arguments) throws {
  let name = arguments.positionals[0]
  let isOfColumns = isColumnLoss(name)
  if isOfColumns, arguments.has("--columns") || !allLosses.contains(where: { $0.name == name }) {
    return try computeColumnLoss(name, arguments)
  }
  if arguments.has("--columns"), try arguments.required("--columns").contains(",") {
    throw Failure(
      .badUsage, at: "--columns", "the loss '\(name)' looks at one column",
      expected: "one file, or a loss over columns: "
        + allColumnLosses.map(\.name).joined(separator: ", "))
  }
  let _: any Loss = try allLosses.named(
    name, kind: "loss", at: "kindred loss", mistake: .badUsage)
  var term = try LossTerm(
    name: name, settings: try arguments.settings("--params"), at: "--params")
  term.relevance = try arguments.value("--relevance").map { path throws(Failure) in
    try Relevance(JSONValue(json5: FileSystem.readText(path), at: path), at: path)
  }
  var batch = try LabelledMatrix(arguments, labelsAreOptional: term.relevance != nil)
  let embeddings = batch.embeddings
  let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0
  let random = Random(seed: UInt64(seed))
  let reference = try gallery(arguments, for: &batch)
  if arguments.has("--weights") { try batch.checkAreNumbers() }
  try setWeights(of: &term, arguments, for: batch, reference, random: random)
  var teacher: Tensor?
  if let path = arguments.value("--teacher") {
    guard term.loss.teacherUse != .none else {
      throw Failure(.badUsage, at: "--teacher \(path)", "the loss '\(name)' takes no teacher")
    }
    teacher = try readMatrix(path, dtype: embeddings.dtype)
  }
  if let minerName = arguments.value("--miner") {
    let found: any Miner = try allMiners.named(
      minerName, kind: "miner", at: "--miner", mistake: .badUsage)
    let miner = try configured(
      found, try arguments.settings("--miner-params"), at: "--miner-params")
    try miner.validate(at: "--miner-params")
    term.miner = miner
  }
  var input = LossInput(
    embeddings: embeddings, labels: batch.labels,
    tuples: term.tuples(
      embeddings, labels: batch.labels, reference: reference, random: random),
    reference: reference, teacher: teacher)
  input.random = random
  try term.validate(
    input,
    at: arguments.value("--relevance") ?? arguments.value("--embeddings") ?? "--embeddings")
  var active = 0.0
  let (value, gradient) = valueWithGradient(at: Point(embeddings: embeddings, term: term)) {
    [input] point in
    var input = input
    input.embeddings = point.embeddings
    let output = point.term(input)
    active = output.active
    return output.value
  }
  if let path = arguments.value("--gradient") ?? arguments.value("--gradients") {
    try NumPyArray(gradient.embeddings).write(to: path)
  }
  if let path = arguments.value("--weight-gradient") {
    let weights = gradient.term.loss.parameters
    guard weights.count == 1 else {
      throw Failure(
        .badUsage, at: "--weight-gradient", "the loss '\(name)' has no weights",
        remedy: "leave the option out")
    }
    try NumPyArray(weights[0].value).write(to: path)
  }
  guard arguments.has("--json") else {
    print("\(name): \(value.item) (\(fixed(100 * active, 1)) % of its terms are above 0)")
    return
  }
  Terminal.printJSON([
    "loss": .string(name), "value": .number(value.item), "active": .number(active),
    "dtype": .string(embeddings.dtype.rawValue),
  ])
}

/// What `--gallery` and `--gallery-labels` name, if they are given.
private func gallery(
  _ arguments: Arguments, for batch: inout LabelledMatrix
) throws(Failure) -> ReferenceSet? {
  guard arguments.has("--gallery") || arguments.has("--gallery-labels") else { return nil }
  var gallery = try LabelledMatrix(
    embeddings: try arguments.required("--gallery"),
    labels: try arguments.required("--gallery-labels"), dtype: batch.embeddings.dtype)
  batch.align(with: &gallery)
  return ReferenceSet(embeddings: gallery.embeddings, labels: gallery.labels)
}

/// Gives a loss its parameters: those of `--weights`, or freshly drawn ones.
private func setWeights(
  of term: inout LossTerm, _ arguments: Arguments, for batch: LabelledMatrix,
  _ gallery: ReferenceSet?, random: Random
) throws(Failure) {
  let embeddings = batch.embeddings
  var classCount = max(batch.labels.classCount, gallery?.labels.classCount ?? 0)
  guard let path = arguments.value("--weights") else {
    // What one class needs tells what all of them do.
    var probe = term
    probe.makeParameters(
      classCount: 1, dimension: embeddings.shape[1], dtype: embeddings.dtype, random: random)
    let perClass = probe.parameters.reduce(0) { $0 + $1.value.count }
    guard perClass == 0 || classCount <= (1 << 28) / perClass else {
      throw Failure(
        .badData, at: arguments.value("--labels") ?? "--labels",
        "a label is \(classCount - 1) or more, so as many classes would need parameters",
        expected: "classes numbered from 0", remedy: "number them anew, or give --weights")
    }
    term.makeParameters(
      classCount: classCount, dimension: embeddings.shape[1], dtype: embeddings.dtype,
      random: random)
    return
  }
  let weights = try readMatrix(path, dtype: embeddings.dtype)
  guard let proxyLoss = term.loss as? any ProxyLoss else {
    term.makeParameters(
      classCount: weights.shape[0], dimension: embeddings.shape[1], dtype: embeddings.dtype,
      random: random)
    try setNumbers(of: &term.loss, to: weights, arguments.positionals[0], at: path)
    return
  }
  let perClass = proxyLoss.proxiesPerClass
  guard weights.shape[0] % perClass == 0, weights.shape[0] > 0 else {
    throw Failure(
      .badData, at: path, "there are \(weights.shape[0]) rows",
      expected: "a multiple of \(perClass), the proxies of a class")
  }
  guard weights.shape[1] == embeddings.shape[1] else {
    throw Failure(
      .badData, at: path, "the rows have \(weights.shape[1]) numbers",
      expected: "\(embeddings.shape[1]), as the embeddings have")
  }
  classCount = weights.shape[0] / perClass
  term.makeParameters(
    classCount: classCount, dimension: embeddings.shape[1], dtype: embeddings.dtype, random: random)
  guard var weighted = term.loss as? any ProxyLoss else { return }
  weighted.proxies = weights
  term.loss = weighted
}

/// Gives a loss that learns one number, or one for each class (as `margin` does), those of a column.
private func setNumbers(
  of loss: inout any Loss, to column: Tensor, _ name: String, at path: String
) throws(Failure) {
  guard let parameter = loss.parameters.first?.value, loss.parameters.count == 1 else {
    throw Failure(
      .badUsage, at: "--weights", "the loss '\(name)' has no weights",
      remedy: "leave the option out")
  }
  guard column.shape == [parameter.count, 1] else {
    throw Failure(
      .badData, at: path, "the weights are \(column.shape[0]) × \(column.shape[1])",
      expected: "\(parameter.count) × 1, a number for each parameter of the loss")
  }
  loss.setParameters([column.reshaped(to: parameter.shape)])
}
