import Files
import Settings

/// The files of a mining, from which one that was killed goes on.
///
/// | file | what |
/// |---|---|
/// | `negatives.jsonl` | a line for each query, in order |
/// | `state.json` | how far it is, what it was asked, the counts so far |
/// | `summary.json` | the counts, once it is done |
public struct MiningFolder: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public var negatives: String { path + "/negatives.jsonl" }
  public var state: String { path + "/state.json" }
  public var summary: String { path + "/summary.json" }

  /// Mines all queries, or those that are left.
  ///
  /// After each part its lines are on the disk before the state says so; lines beyond what the
  /// state knows of are cut off when going on, so that no query is missing or there twice.
  /// - Parameters:
  ///   - settings: what the result depends on; going on with others is refused.
  ///   - onProgress: told how many queries are done.
  public func mine(
    with miner: CorpusMiner, settings: JSONValue, resuming: Bool,
    onProgress: (_ done: Int) -> Void = { _ in }
  ) throws(Failure) -> MiningSummary {
    var miner = miner
    var (done, bytes, counts) = (0, 0, MiningSummary())
    if resuming {
      (done, bytes, counts) = try read(settings)
      try FileSystem.truncate(negatives, to: bytes)
    } else {
      try checkIsFree()
      try FileSystem.makeFolder(path)
      try FileSystem.write("", to: negatives)
      try write(settings, done, bytes, counts)
    }
    onProgress(done)
    while done < miner.queryCount {
      let part = done..<min(miner.queryCount, done + miner.partSize)
      let mined = try miner.mine(part) { onProgress(part.lowerBound + $0) }
      // A few lines at a time: they need not all be in memory.
      for start in stride(from: 0, to: mined.count, by: 1024) {
        let some = mined[start..<min(mined.count, start + 1024)]
        let text = some.map(\.line).joined()
        try FileSystem.append(text, to: negatives, flushing: start + 1024 >= mined.count)
        bytes += text.utf8.count
        for one in some { counts.add(one, asked: miner.rule.count) }
      }
      done = part.upperBound
      try write(settings, done, bytes, counts)
      onProgress(done)
    }
    try FileSystem.write(counts.json.indented, to: summary)
    return counts
  }

  private func checkIsFree() throws(Failure) {
    guard FileSystem.exists(path) else { return }
    guard FileSystem.isFolder(path), try FileSystem.list(path).isEmpty else {
      throw Failure(
        .cannotWrite, at: path, "this is no empty folder",
        remedy: "choose another --out, or add --resume to go on with the mining in it")
    }
  }

  private func write(
    _ settings: JSONValue, _ done: Int, _ bytes: Int, _ counts: MiningSummary
  ) throws(Failure) {
    let value: JSONValue = [
      "kind": "kindred-corpus-mining", "settings": settings, "done": JSONValue(done),
      "bytes": JSONValue(bytes), "summary": counts.json,
    ]
    try FileSystem.write(value.indented, to: state)
  }

  private func read(_ settings: JSONValue) throws(Failure) -> (Int, Int, MiningSummary) {
    guard FileSystem.exists(state) else {
      throw Failure(
        .noInput, at: state, "there is no mining to go on with", remedy: "mine without --resume")
    }
    let value = try JSONValue(json5: try FileSystem.readText(state), at: state)
    guard case .number(let done)? = value["done"], case .number(let bytes)? = value["bytes"],
      let done = Int(exactly: done), let bytes = Int(exactly: bytes), done >= 0, bytes >= 0
    else {
      throw Failure(.badData, at: state, "this is not the state of a mining")
    }
    guard value["settings"] == settings else {
      throw Failure(
        .badData, at: state, "the mining was started with other files or options",
        expected: "the same ones", remedy: "mine into another folder")
    }
    return (done, bytes, MiningSummary(value["summary"]))
  }
}
