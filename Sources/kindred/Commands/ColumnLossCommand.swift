import Autodiff
import Files
import Index
import Losses
import Settings
import Training

/// The options of `kindred loss` for losses over columns of rows that belong together.
let columnLossOptions: [Subcommand.Option] = [
  .init(
    "--columns", "A.npy,B.npy...",
    "rows that belong together, a file for each role, for losses over columns"),
  .init("--scores", "S.npy", "what is known of each row, as numbers; --labels does too"),
  .init("--guide", "G.npy,H.npy...", "the columns by a model that knows false negatives"),
  .init("--classifier", "W.npy", "the weights of a loss that trains a classifier of pairs"),
  .init("--classifier-bias", "B.npy", "and its bias"),
  .init("--classifier-gradients", "GW.npy,GB.npy", "write the gradients in both"),
  .init("--gradients", "GA.npy,GB.npy...", "write the gradient in each column"),
]

/// What is differentiated: the columns and the loss with its parameters.
private struct Point: Parameterized {
  var columns: [Tensor]
  var loss: any ColumnLoss

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in columns.indices { try body("columns.\(i)", &columns[i]) }
    try loss.updateParameters { try body("loss.\($0)", &$1) }
  }
}

/// Whether a name is that of a loss over columns, or of a modifier of such losses.
func isColumnLoss(_ name: String) -> Bool {
  allColumnLosses.contains { $0.name == name } || allColumnModifiers.contains { $0.name == name }
}

/// Computes a loss over the columns of `--columns`, and its gradients.
func computeColumnLoss(_ name: String, _ arguments: Arguments) throws {
  var dtype: DType?
  if arguments.has("--dtype") { dtype = try arguments.word("--dtype", default: DType.float32) }
  let paths = try files("--columns", arguments)
  let columns = try paths.map { path throws(Failure) in try readMatrix(path, dtype: dtype) }
  if let odd = columns.firstIndex(where: { $0.dtype != columns[0].dtype }) {
    throw Failure(
      .badData, at: paths[odd],
      "this is \(columns[odd].dtype), the first column \(columns[0].dtype)",
      expected: "one type", remedy: "add --dtype float64")
  }
  var input = ColumnInput(columns)
  input.targets = try targets(arguments)
  input.teacher = try arguments.value("--teacher").map { path throws(Failure) in
    try readMatrix(path, dtype: .float64)
  }
  if arguments.has("--guide") {
    input.guide = try files("--guide", arguments).map { path throws(Failure) in
      try readMatrix(path, dtype: .float64)
    }
  }
  let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0
  input.random = Random(seed: UInt64(seed))

  var (loss, modifier) = try named(name, arguments)
  loss.makeParameters(
    dimension: input.dimension, dtype: columns[0].dtype, random: input.random.split("loss"))
  try setClassifier(of: &loss, arguments, dtype: columns[0].dtype)
  let place = "kindred loss \(name)"
  if let modifier {
    try check(input, at: place)
    try modifier.value.check(input, at: place)
    if !modifier.standsAlone || modifier.hasInner { try loss.validate(input, at: place) }
  } else {
    try loss.validate(input, at: place)
  }
  let (value, gradient) = valueWithGradient(at: Point(columns: columns, loss: loss)) {
    [input] point in
    var input = input
    input.columns = point.columns
    guard let modifier else { return point.loss(input) }
    let inner: ((ColumnInput) -> Tensor)? = modifier.hasInner ? { point.loss.value($0) } : nil
    return modifier.value(input, inner: inner)
  }
  if arguments.has("--gradients") {
    let outputs = try files("--gradients", arguments)
    guard outputs.count == columns.count else {
      throw Failure(
        .badUsage, at: "--gradients", "there are \(outputs.count) files",
        expected: "\(columns.count), one for each column")
    }
    for (path, part) in zip(outputs, gradient.columns) { try NumPyArray(part).write(to: path) }
  }
  if arguments.has("--classifier-gradients") {
    let outputs = try files("--classifier-gradients", arguments)
    let parameters = gradient.loss.parameters
    guard !parameters.isEmpty, outputs.count == parameters.count else {
      throw Failure(
        .badUsage, at: "--classifier-gradients",
        "there are \(outputs.count) files and \(parameters.count) parameters",
        expected: "a file for each")
    }
    for (path, part) in zip(outputs, parameters) { try NumPyArray(part.value).write(to: path) }
  }
  guard arguments.has("--json") else {
    print("\(name): \(value.item)")
    return
  }
  Terminal.printJSON([
    "loss": .string(name), "value": .number(value.item),
    "dtype": .string(columns[0].dtype.rawValue),
  ])
}

/// A modifier with what is known of the loss inside.
private struct Around {
  let value: any ColumnModifier
  let hasInner: Bool

  var standsAlone: Bool { type(of: value).standsAlone }
}

/// The loss of a name with its settings; a modifier with the loss that its `inner` names.
private func named(
  _ name: String, _ arguments: Arguments
) throws(Failure) -> (any ColumnLoss, Around?) {
  var settings = try arguments.settings("--params")
  guard let modifier = allColumnModifiers.first(where: { $0.name == name }) else {
    let loss: any ColumnLoss = try allColumnLosses.named(
      name, kind: "loss", at: "kindred loss", mistake: .badUsage)
    return (try configured(loss, settings, at: "--params"), nil)
  }
  let inner = settings.removeValue(forKey: "inner")
  var loss: any ColumnLoss = MultipleNegativesRankingLoss()
  switch inner {
  case nil:
    guard type(of: modifier.value).standsAlone else {
      throw Failure(
        .badUsage, at: "--params", "'inner' is missing",
        expected: "the loss inside, as in { inner: \"multiple-negatives-ranking\" }")
    }
  case .string(let word):
    loss = try allColumnLosses.named(word, kind: "loss", at: "--params: inner")
    // Settings of the loss inside may stand beside those of the modifier.
    let own = type(of: modifier.value).settingDescriptions.map(\.name)
    var inside: [String: JSONValue] = [:]
    for (key, value) in settings where !own.contains(key) { inside[key] = value }
    for key in inside.keys { settings.removeValue(forKey: key) }
    loss = try configured(loss, inside, at: "--params")
  case .object(var members):
    guard case .string(let word)? = members.removeValue(forKey: "name") else {
      throw Failure(.badData, at: "--params: inner", "'name' is missing", expected: "a loss")
    }
    loss = try configured(
      try allColumnLosses.named(word, kind: "loss", at: "--params: inner"), members,
      at: "--params: inner")
  default:
    throw Failure(
      .badData, at: "--params: inner", "this is no loss",
      expected: "a name, or an object such as { name: \"cosent\", scale: 5 }")
  }
  let value = try configured(modifier.value, settings, at: "--params")
  return (loss, Around(value: value, hasInner: inner != nil))
}

/// Checks columns for a modifier that stands alone: matrices of the same rows, finite.
private func check(_ input: ColumnInput, at place: String) throws(Failure) {
  for (i, column) in input.columns.enumerated() where column.shape != input.columns[0].shape {
    throw Failure(
      .badData, at: place, "column \(i + 1) has shape \(column.shape)",
      expected: "\(input.columns[0].shape), as the first")
  }
}

private func files(_ option: String, _ arguments: Arguments) throws(Failure) -> [String] {
  let paths = try arguments.required(option).split(separator: ",").map(String.init)
  guard !paths.isEmpty else {
    throw Failure(.badUsage, at: option, "no file is named", expected: "A.npy,B.npy")
  }
  return paths
}

/// What `--labels` or `--scores` hold, as float64.
private func targets(_ arguments: Arguments) throws(Failure) -> Tensor? {
  let given = ["--labels", "--scores"].compactMap { arguments.value($0) }
  guard given.count < 2 else {
    throw Failure(
      .badUsage, at: "--scores", "--labels are given too", expected: "one of both")
  }
  guard let path = given.first else { return nil }
  let array = try NumPyArray.read(path)
  guard (1...2).contains(array.shape.count) else {
    throw Failure(
      .badData, at: path, "the array has shape \(array.shape)", expected: "a number for each row")
  }
  let numbers: [Double] =
    switch array.elements {
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .int32(let values): values.map(Double.init)
    case .int64(let values): values.map(Double.init)
    case .uint64(let values): values.map(Double.init)
    case .text:
      throw Failure(.badData, at: path, "these are texts", expected: "numbers")
    }
  return Tensor(numbers, shape: array.shape)
}

private func setClassifier(
  of loss: inout any ColumnLoss, _ arguments: Arguments, dtype: DType
) throws(Failure) {
  guard arguments.has("--classifier") || arguments.has("--classifier-bias") else { return }
  guard var classifier = loss as? PairSoftmaxLoss else {
    throw Failure(
      .badUsage, at: "--classifier", "the loss trains no classifier", remedy: "leave it out")
  }
  classifier.weight = try readMatrix(try arguments.required("--classifier"), dtype: dtype)
  let path = try arguments.required("--classifier-bias")
  let array = try NumPyArray.read(path)
  let bias: Tensor =
    switch array.elements {
    case .float32(let values): Tensor(values, shape: [values.count])
    case .float64(let values): Tensor(values, shape: [values.count])
    default: throw Failure(.badData, at: path, "these are whole numbers", expected: "floats")
    }
  classifier.bias = bias.converted(to: dtype)
  loss = classifier
}
