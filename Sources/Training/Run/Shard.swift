import Files
import Settings

/// One of several machines' parts of the items, written as `2/8`: the second of eight.
public struct Shard: Sendable, Equatable {
  /// Counted from 1.
  public let number, of: Int

  /// - Throws: unless the text is a number, a slash and a number that is not smaller.
  public init(_ text: String, at place: String) throws(Failure) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let of = parts[1], of <= 1_000_000,
      (1...max(1, of)).contains(number), of > 0
    else {
      throw Failure(
        .badUsage, at: place, "'\(text)'", expected: "a part and the number of parts, as in 1/8")
    }
    (self.number, self.of) = (number, of)
  }

  /// The items of this part: parts differ in length by one at most and cover all items.
  public func range(of count: Int) -> Range<Int> {
    let (size, more) = count.quotientAndRemainder(dividingBy: of)
    let first = (number - 1) * size + min(number - 1, more)
    return first..<first + size + (number <= more ? 1 : 0)
  }
}

/// What a part of the embeddings says of itself; E.shard.json beside E.npy.
public struct ShardRecord: Sendable, Equatable {
  public var first, rows, total: Int
  /// Checksums (CRC-32) of the names of all items and of the model file.
  public var items, model: String

  public init(first: Int, rows: Int, total: Int, items: String, model: String) {
    (self.first, self.rows, self.total) = (first, rows, total)
    (self.items, self.model) = (items, model)
  }

  /// - Parameter names: those of all items, not of this part alone.
  public init(_ range: Range<Int>, names: [String], run: String) throws(Failure) {
    self.init(range, names: names, model: try RunFolder(run).modelChecksum())
  }

  /// The same by the checksum of a model file.
  public init(_ range: Range<Int>, names: [String], model: String) {
    let list = CRC32.of(names.joined(separator: "\n").utf8)
    self.init(
      first: range.lowerBound, rows: range.count, total: names.count,
      items: String(list, radix: 16), model: model)
  }

  public var json: JSONValue {
    [
      "first": JSONValue(first), "rows": JSONValue(rows), "total": JSONValue(total),
      "items": .string(items), "model": .string(model),
    ]
  }

  public init(path: String) throws(Failure) {
    let value = try JSONValue(json5: try FileSystem.readText(path), at: path)
    func whole(_ key: String) throws(Failure) -> Int {
      guard case .number(let number)? = value[key], let whole = Int(exactly: number), whole >= 0
      else { throw Failure(.badData, at: path, "'\(key)' is no whole number, 0 or more") }
      return whole
    }
    guard case .string(let items)? = value["items"], case .string(let model)? = value["model"]
    else { throw Failure(.badData, at: path, "the checksums are missing") }
    self.init(
      first: try whole("first"), rows: try whole("rows"), total: try whole("total"), items: items,
      model: model)
  }

  /// The order in which parts follow each other.
  ///
  /// - Throws: unless they are of one model and one list of items, and each item is there once.
  public static func order(_ records: [(path: String, record: ShardRecord)]) throws(Failure)
    -> [Int]
  {
    guard let first = records.first else { return [] }
    for (path, record) in records {
      guard record.model == first.record.model else {
        throw Failure(
          .badData, at: path, "this part is of another model than \(first.path)",
          remedy: "embed all parts with one run")
      }
      guard record.items == first.record.items, record.total == first.record.total else {
        throw Failure(
          .badData, at: path, "this part is of another list of items than \(first.path)",
          remedy: "embed all parts of one folder that does not change")
      }
    }
    let order = records.indices.sorted {
      (records[$0].record.first, records[$0].record.rows)
        < (records[$1].record.first, records[$1].record.rows)
    }
    var next = 0
    for place in order {
      let (path, record) = records[place]
      guard record.first == next else {
        throw Failure(
          .badData, at: path,
          record.first < next
            ? "items \(record.first) to \(min(next, record.first + record.rows) - 1) are there twice"
            : "items \(next) to \(record.first - 1) are missing",
          expected: "each of \(record.total) items once")
      }
      next += record.rows
    }
    guard next == first.record.total else {
      throw Failure(
        .badData, at: first.path, "items \(next) to \(first.record.total - 1) are missing",
        expected: "each of \(first.record.total) items once", remedy: "give all parts")
    }
    return order
  }
}
