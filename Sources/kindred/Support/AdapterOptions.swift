import Autodiff
import Index
import CorpusMining
import Settings

/// The adapter that is given for vectors of so many columns, and its power.
func adapter(
  _ arguments: Arguments, columns: Int
) throws(Failure) -> (FalseNegativeAdapter, power: Double)? {
  guard let path = arguments.value("--adapter") else { return nil }
  let adapter = try FalseNegativeAdapter(path)
  guard adapter.width == columns else {
    throw Failure(
      .badData, at: path, "an adapter of \(adapter.width) columns", expected: "\(columns)",
      remedy: "make one of these vectors with kindred mine adapter")
  }
  return (adapter, try exponent("--adapter-power", arguments))
}

/// A number that says how much something counts; 1 if it is not given.
func exponent(_ option: String, _ arguments: Arguments) throws(Failure) -> Double {
  guard let text = arguments.value(option) else { return 1 }
  guard let number = Double(text), (0...100).contains(number) else {
    throw Failure(.badUsage, at: option, "'\(text)'", expected: "a number from 0 to 100")
  }
  return number
}

/// What an adapter makes of the neighbours that an index found.
struct Reranking {
  let rows: [[RerankedNeighbor]]

  /// - Returns: nil if no adapter is given.
  init?(
    _ index: any VectorIndex, _ queries: Tensor, top: Int, _ effort: SearchEffort,
    _ arguments: Arguments, name: String
  ) throws(Failure) {
    guard arguments.has("--adapter") else {
      for option in ["--adapter-power", "--adapter-from"] where arguments.has(option) {
        throw Failure(
          .badUsage, at: option, "there is no adapter", remedy: "add --adapter FILE")
      }
      return nil
    }
    let vectors = try index.storedVectors()
    guard let (model, power) = try adapter(arguments, columns: vectors.shape[1]) else {
      return nil
    }
    let from = try arguments.wholeNumber("--adapter-from", in: top...10_000_000) ?? 10 * top
    let found = try index.search(queries, count: from, effort: effort, name: name)
    let ids = (index as? IdentifiedIndex)?.ids
    let places = ids.map { Dictionary(zip($0, $0.indices)) { first, _ in first } }
    rows = model.reranked(
      found, of: queries, vectors: { some in vectors.rows(at: some.map { places?[$0] ?? $0 }) },
      count: top, power: power)
  }
}
