import Settings

/// Byte-pair encoding: neighbours are merged, the pair that was learnt first before the others.
///
/// - Reference: Sennrich, Haddow and Birch, *Neural Machine Translation of Rare Words with Subword
///   Units* (2016).
struct BytePairModel: TokenModel {
  let vocabulary: Vocabulary
  /// (left id, right id) → (rank, id of what they become).
  private var merges: KeyTable
  let unknown: Int?
  private let fusesUnknown, ignoresMerges: Bool
  private let prefix, suffix: [UInt32]
  private let byteTokens: [Int?]?

  init(_ reader: ComponentReader) throws(Failure) {
    vocabulary = try Vocabulary(reader)
    unknown = reader.node["unk_token"] == nil ? nil : try reader.unknown(in: vocabulary)
    fusesUnknown = try reader.flag("fuse_unk", default: false)
    ignoresMerges = try reader.flag("ignore_merges", default: false)
    prefix =
      reader.node["continuing_subword_prefix"] == nil
      ? [] : try reader.scalars("continuing_subword_prefix")
    suffix =
      reader.node["end_of_word_suffix"] == nil ? [] : try reader.scalars("end_of_word_suffix")
    byteTokens = try reader.flag("byte_fallback", default: false) ? vocabulary.byteTokens : nil
    let list = try reader.list("merges")
    merges = KeyTable(capacity: list.count)
    for (rank, item) in list.enumerated() {
      try addMerge(item, rank: rank, at: "\(reader.place): merges[\(rank)]")
    }
  }

  private mutating func addMerge(_ item: JSONNode, rank: Int, at place: String) throws(Failure) {
    var pair = item.list?.compactMap(\.scalars) ?? []
    if let text = item.scalars {
      pair = text.split(separator: 0x20, omittingEmptySubsequences: false).map(Array.init)
    }
    guard pair.count == 2 else {
      throw Failure(.badData, at: place, "this is no merge", expected: "two tokens")
    }
    let merged = pair[0] + pair[1].dropFirst(prefix.count)
    guard let left = vocabulary.id(of: pair[0]), let right = vocabulary.id(of: pair[1]),
      let id = vocabulary.id(of: merged)
    else {
      throw Failure(
        .badData, at: place, "a token of this merge is not in the vocabulary",
        remedy: "the vocabulary and the merges are not of one tokenizer")
    }
    merges.insert(UInt64(left) << 32 | UInt64(right), UInt64(rank) << 32 | UInt64(id))
  }

  /// A piece of a word on its way to a token: how many bytes it covers, and its neighbours.
  private struct Symbol {
    var id: Int
    var bytes: Int
    var before, after: Int
  }

  func tokenize(
    _ text: [UInt32], _ range: Range<Int>, into tokens: inout [WordToken]
  ) throws(Failure) {
    if ignoresMerges, let id = vocabulary.ids.find(text, range) {
      tokens.append(WordToken(id, 0, range.count))
      return
    }
    var symbols = symbols(of: text, range)
    merge(&symbols)
    append(symbols, of: text, range, to: &tokens)
  }

  private func symbols(of text: [UInt32], _ range: Range<Int>) -> [Symbol] {
    var symbols: [Symbol] = []
    symbols.reserveCapacity(range.count)
    /// Bytes of scalars that are unknown and not yet a symbol; nil for none.
    var pending: Int?
    func add(_ id: Int, _ bytes: Int) {
      symbols.append(
        Symbol(id: id, bytes: bytes, before: symbols.count - 1, after: symbols.count + 1))
    }
    let isPlain = prefix.isEmpty && suffix.isEmpty
    for i in range {
      let bytes = text[i].utf8Count
      var (id, affixed): (Int?, [UInt32]) = (nil, [])
      if isPlain {
        id = vocabulary.ids.find(text, i..<i + 1)
      } else {
        affixed =
          (i > range.lowerBound ? prefix : []) + [text[i]]
          + (i == range.upperBound - 1 ? suffix : [])
        id = vocabulary.ids.find(affixed)
      }
      if let id {
        if let waiting = pending, let unknown { add(unknown, waiting) }
        pending = nil
        add(id, bytes)
        continue
      }
      if let byteTokens {
        let all = (isPlain ? [text[i]] : affixed).flatMap { scalar in
          (0..<scalar.utf8Count).map { byteTokens[Int(scalar.utf8Byte($0))] }
        }
        let known = all.compactMap(\.self)
        if known.count == all.count {
          for id in known { add(id, 1) }
          continue
        }
      }
      guard let unknown else { continue }
      if let waiting = pending {
        if fusesUnknown {
          pending = waiting + bytes
          continue
        }
        add(unknown, waiting)
      }
      pending = bytes
    }
    if let pending, let unknown { add(unknown, pending) }
    if let last = symbols.indices.last { symbols[last].after = -1 }
    return symbols
  }

  /// Merges the pair of lowest rank, the leftmost first, until none is left.
  private func merge(_ symbols: inout [Symbol]) {
    guard symbols.count > 1 else { return }
    var queue = MergeQueue()
    func push(_ left: Int, _ right: Int) {
      guard left >= 0, right >= 0,
        let merge = merges[UInt64(symbols[left].id) << 32 | UInt64(symbols[right].id)]
      else { return }
      queue.push(.init(rank: merge >> 32, position: left, id: Int(merge & 0xFFFF_FFFF)))
    }
    for i in 0..<symbols.count - 1 { push(i, i + 1) }
    while let top = queue.pop() {
      let left = symbols[top.position]
      guard left.bytes >= 0, left.after >= 0 else { continue }
      let right = symbols[left.after]
      guard let merge = merges[UInt64(left.id) << 32 | UInt64(right.id)],
        Int(merge & 0xFFFF_FFFF) == top.id
      else { continue }
      symbols[left.after].bytes = -1
      symbols[top.position] = Symbol(
        id: top.id, bytes: left.bytes + right.bytes, before: left.before, after: right.after)
      if right.after >= 0 { symbols[right.after].before = top.position }
      push(left.before, top.position)
      push(top.position, right.after)
    }
  }

  /// Bytes become places in scalars; a token of some bytes of a scalar covers all of it.
  private func append(
    _ symbols: [Symbol], of text: [UInt32], _ range: Range<Int>, to tokens: inout [WordToken]
  ) {
    var (scalar, reached, at) = (range.lowerBound, 0, 0)
    for symbol in symbols where symbol.bytes >= 0 {
      while scalar < range.upperBound - 1, reached + text[scalar].utf8Count <= at {
        reached += text[scalar].utf8Count
        scalar += 1
      }
      let start = scalar
      at += symbol.bytes
      while scalar < range.upperBound - 1, reached + text[scalar].utf8Count < at {
        reached += text[scalar].utf8Count
        scalar += 1
      }
      tokens.append(
        WordToken(symbol.id, start - range.lowerBound, scalar + 1 - range.lowerBound))
    }
  }
}

/// Merges that wait, by rank and then by position: a binary heap.
private struct MergeQueue {
  struct Merge {
    let rank: UInt64
    let position: Int
    let id: Int

    @inline(__always) static func < (a: Merge, b: Merge) -> Bool {
      a.rank != b.rank ? a.rank < b.rank : a.position < b.position
    }
  }

  private var heap: [Merge] = []

  mutating func push(_ merge: Merge) {
    heap.append(merge)
    var i = heap.count - 1
    while i > 0, heap[i] < heap[(i - 1) / 2] {
      heap.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  mutating func pop() -> Merge? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var i = 0
    while true {
      var child = 2 * i + 1
      guard child < heap.count else { return first }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < heap[i] else { return first }
      heap.swapAt(child, i)
      i = child
    }
  }
}
