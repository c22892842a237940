import Foundation
import Settings

/// SentencePiece's character map: a trie of the Darts kind and the texts it leads to.
///
/// Goes by extended grapheme clusters, and takes the shortest entry that a cluster begins with, as
/// the tokenizers library does (not SentencePiece's own longest match).
struct PrecompiledNormalizer: Normalizer {
  private let units: [UInt32]
  private let texts: [UInt8]

  init(_ reader: ComponentReader) throws(Failure) {
    let place = "\(reader.place): precompiled_charsmap"
    guard let data = Data(base64Encoded: try reader.text("precompiled_charsmap")) else {
      throw Failure(.badData, at: place, "this is not base64")
    }
    let bytes = [UInt8](data)
    func unit(_ at: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
    }
    guard bytes.count >= 4, Int(unit(0)) <= bytes.count - 4, unit(0) % 4 == 0, unit(0) > 0 else {
      throw Failure(
        .badData, at: place, "its \(bytes.count) bytes are no character map",
        expected: "the size of the trie, the trie, and texts")
    }
    let size = Int(unit(0))
    units = stride(from: 4, to: 4 + size, by: 4).map(unit)
    texts = Array(bytes[(4 + size)...])
  }

  /// The unit at a place; a damaged map ends the walk instead of the program.
  private func unit(_ at: UInt32) -> UInt32? {
    Int(at) < units.count ? units[Int(at)] : nil
  }

  /// What the shortest entry that the bytes begin with leads to.
  private func find(_ scalars: ArraySlice<UInt32>) -> [UInt32]? {
    func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & 0x200) >> 6) }
    var node = offset(units[0])
    for scalar in scalars {
      for k in 0..<scalar.utf8Count {
        let byte = scalar.utf8Byte(k)
        guard byte != 0 else { return nil }
        node ^= byte
        guard let unit = unit(node), unit & 0x8000_00FF == byte else { return nil }
        node ^= offset(unit)
        if unit >> 8 & 1 == 1 {
          guard let value = self.unit(node) else { return nil }
          return text(at: Int(value & 0x7FFF_FFFF))
        }
      }
    }
    return nil
  }

  private func text(at start: Int) -> [UInt32]? {
    guard start < texts.count else { return nil }
    let end = texts[start...].firstIndex(of: 0) ?? texts.count
    return Array(texts[start..<end]).scalars
  }

  func normalize(_ text: inout AlignedText) {
    let scalars = text.scalars
    var changes: [(scalar: UInt32, change: Int)] = []
    changes.reserveCapacity(scalars.count)
    var isChanged = false
    /// One to one while both last; the last new ones are inserted, the last old ones dropped.
    func replace(_ count: Int, by new: [UInt32]) {
      isChanged = true
      changes += new.map { ($0, 0) }
      if new.count > count {
        for i in changes.count - (new.count - count)..<changes.count { changes[i].change = 1 }
      } else if new.count < count, !changes.isEmpty {
        changes[changes.count - 1].change -= count - new.count
      }
    }
    for cluster in clusters(scalars) {
      if cluster.count > 0, scalars[cluster].reduce(0, { $0 + $1.utf8Count }) < 6,
        let new = find(scalars[cluster])
      {
        replace(cluster.count, by: new)
        continue
      }
      for i in cluster {
        if let new = find(scalars[i...i]) {
          replace(1, by: new)
        } else {
          changes.append((scalars[i], 0))
        }
      }
    }
    guard isChanged else { return }
    var rewriter = AlignedRewriter(text)
    for (scalar, change) in changes { rewriter.put(scalar, change: change) }
    text = rewriter.text
  }

  /// The extended grapheme clusters of a text.
  private func clusters(_ scalars: [UInt32]) -> [Range<Int>] {
    var clusters: [Range<Int>] = []
    clusters.reserveCapacity(scalars.count)
    var start = 0
    while start < scalars.count {
      // Below U+0300 only CR before LF joins two scalars.
      var end = start
      while end < scalars.count, scalars[end] < 0x300, scalars[end] != 0x0D { end += 1 }
      // The last of a plain run may be the base of what follows.
      let plainEnd = end == scalars.count ? end : max(start, end - 1)
      for i in start..<plainEnd { clusters.append(i..<i + 1) }
      guard plainEnd < scalars.count else { break }
      // A run that is not plain ends before two plain scalars.
      end = max(end, plainEnd + 1)
      while end < scalars.count,
        !(scalars[end] < 0x300 && scalars[end] != 0x0A && scalars[end - 1] < 0x300
          && scalars[end - 1] != 0x0D)
      {
        end += 1
      }
      var run = String.UnicodeScalarView()
      for i in plainEnd..<end { if let scalar = Unicode.Scalar(scalars[i]) { run.append(scalar) } }
      var position = plainEnd
      for character in String(run) {
        let count = character.unicodeScalars.count
        clusters.append(position..<position + count)
        position += count
      }
      start = end
    }
    return clusters
  }
}
