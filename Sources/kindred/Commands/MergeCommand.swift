import Autodiff
import Data
import Files
import Index
import Settings
import Training

let mergeCommand = Subcommand(
  name: "merge",
  summary: "Put parts of embeddings together, in any order, and check that none is missing.",
  positionals: [
    .init(name: "E.npy", summary: "parts that kindred embed --shard made", isRepeated: true)
  ],
  options: [
    .init("--out", "E.npy", "all embeddings; E.paths.txt beside it names each row"),
    Subcommand.json,
  ],
  example: "kindred merge part1.npy part2.npy --out E.npy",
  run: merge)

private func merge(_ arguments: Arguments) throws {
  let output = try arguments.required("--out")
  var records: [(path: String, record: ShardRecord)] = []
  for path in arguments.positionals {
    guard FileSystem.exists(path) else {
      throw Failure(.noInput, at: path, "there is no such file")
    }
    guard FileSystem.exists(shardPath(beside: path)) else {
      throw Failure(
        .noInput, at: path, "this is no part: \(shardPath(beside: path)) does not lie beside it",
        expected: "what kindred embed --shard i/N writes", remedy: "embed it as a part")
    }
    records.append((path, try ShardRecord(path: shardPath(beside: path))))
  }
  var (parts, names, order): ([Tensor], [String], [String]) = ([], [], [])
  for place in try ShardRecord.order(records) {
    let (path, record) = records[place]
    let part = try readMatrix(path)
    let lines = try NameList.read(namesPath(beside: path))
    guard part.shape[0] == record.rows, lines.count == record.rows else {
      throw Failure(
        .badData, at: path, "there are \(part.shape[0]) rows and \(lines.count) names",
        expected: "\(record.rows) of each", remedy: "embed this part again")
    }
    if let first = parts.first, part.shape[1] != first.shape[1] || part.dtype != first.dtype {
      throw Failure(
        .badData, at: path, "\(part.shape[1]) columns of \(part.dtype)",
        expected: "\(first.shape[1]) of \(first.dtype), as in \(order[0])",
        remedy: "embed this part again")
    }
    order.append(path)
    parts.append(part)
    names += lines
  }
  let checksum = String(CRC32.of(names.joined(separator: "\n").utf8), radix: 16)
  guard checksum == records[0].record.items else {
    throw Failure(
      .badData, at: order.map(namesPath).joined(separator: ", "),
      "these names of rows are not those that were embedded",
      expected: "names with the checksum \(records[0].record.items), and not \(checksum)",
      remedy: "embed the parts again")
  }
  let all = Tensor.concatenated(parts)
  try write(
    all, names: names, classes: try classes(of: arguments.positionals, names),
    space: try common(order) { (path) throws(Failure) in
      try VectorSpace(beside: path)
    },
    calibration: try common(order) { (path) throws(Failure) in
      let beside = calibrationPath(beside: path)
      return FileSystem.exists(beside) ? try RunCalibration(path: beside) : nil
    }, to: output)
  if arguments.has("--json") {
    Terminal.printJSON([
      "rows": JSONValue(all.shape[0]), "parts": JSONValue(parts.count), "out": .string(output),
    ])
  } else {
    print("\(all.shape[0]) embeddings of \(parts.count) parts in \(output)")
  }
}

/// The classes of all rows, if the parts have some.
private func classes(of parts: [String], _ names: [String]) throws(Failure) -> [String]? {
  guard parts.allSatisfy({ FileSystem.exists(labelsPath(beside: $0)) }) else { return nil }
  return pictureClasses(names, at: "kindred merge")
}

/// What lies beside all parts and is the same for all; nil if it is not.
private func common<Value: Equatable>(
  _ parts: [String], _ value: (String) throws(Failure) -> Value?
) throws(Failure) -> Value? {
  var found: [Value?] = []
  for part in parts { found.append(try value(part)) }
  guard let first = found.first, found.allSatisfy({ $0 == first }) else { return nil }
  return first
}
