import Autodiff
import Settings

extension FaissReader {
  mutating func hnsw(_ header: Header, _ depth: Int) throws(Failure) -> HNSWIndex {
    let shares: [Double] = try list("shares of levels")
    let widths: [Int32] = try list("widths of levels")
    let levels: [Int32] = try list("levels")
    let offsets: [UInt64] = try list("offsets")
    let neighbors: [Int32] = try list("links")
    let entry: Int32 = try reader.littleEndian(of: "the entry")
    let topLevel: Int32 = try reader.littleEndian(of: "the highest level")
    let efConstruction: Int32 = try reader.littleEndian(of: "efConstruction")
    try reader.skip(8, of: "search settings")
    let links = widths.count > 1 ? Int(widths[1]) / 2 : 0
    let expected = [0] + (0..<max(0, widths.count - 1)).map { (2 + $0) * links }
    guard (2...256).contains(links), widths.map(Int.init) == expected,
      (1...HNSWParts.highestLevel).contains(shares.count), widths.count == shares.count + 1
    else {
      throw failure(
        "the widths of the levels are \(widths.prefix(4))",
        expected: "0, 2 M, 3 M and so on with M from 2 to 256")
    }
    guard levels.count == header.count, offsets.count == header.count + 1 else {
      throw failure("there are \(levels.count) levels", expected: "\(header.count)")
    }
    guard let base = try inner(depth, fitting: header) as? ExactIndex,
      base.metric == header.metric
    else { throw failure("the vectors are no flat index of the same metric") }
    let settings = try HNSWSettings(
      links: links, efConstruction: min(100_000, Int(efConstruction)), at: reader.place)
    var parts = HNSWParts(count: header.count, dimension: header.dimension, settings: settings)
    parts.setVectors(base.vectors.elements())
    var place = 0
    for node in 0..<header.count {
      let level = Int(levels[node]) - 1
      guard (0..<shares.count).contains(level), offsets[node] == UInt64(place),
        neighbors.count - place >= Int(widths[level + 1])
      else { throw failure("node \(node) is on level \(level), for which there are no links") }
      for step in 0...level {
        let room = place + Int(widths[step])..<place + Int(widths[step + 1])
        let list = neighbors[room].prefix { $0 >= 0 }.map { UInt32($0) }
        let filled = list + Array(repeating: 0, count: room.count - list.count)
        parts.setList(node, level: step, [UInt32(list.count)] + filled)
      }
      parts.setLevel(node, level)
      place += Int(widths[level + 1])
    }
    guard place == neighbors.count, offsets[header.count] == UInt64(place) else {
      throw failure("there are \(neighbors.count) links", expected: "\(place)")
    }
    guard header.count == 0 || (entry >= 0 && topLevel >= 0) else {
      throw failure("searches begin at node \(entry) of level \(topLevel)")
    }
    return try parts.finished(
      metric: header.metric, entry: UInt32(max(0, entry)), topLevel: Int(max(0, topLevel)),
      at: reader.place)
  }
}
