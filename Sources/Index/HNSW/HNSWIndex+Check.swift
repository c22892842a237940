import Settings

extension HNSWIndex {
  /// Fails unless a search of the graph stays within it.
  package func check(at path: String) throws(Failure) {
    func damaged(_ what: String) -> Failure {
      Failure(.badData, at: path, what, remedy: "the file is damaged")
    }
    let total = levels.elements.reduce(0) { $0 + Int($1) }
    guard total * (1 + settings.links) == upper.count else {
      throw damaged(
        "the levels have \(total) lists, the file \(upper.count / (1 + settings.links))")
    }
    if let bad = vectorBlock.elements.firstIndex(where: { !$0.isFinite }) {
      throw damaged("row \(bad / dimension), column \(bad % dimension) is not a finite number")
    }
    guard deletions == nil || deletions?.count == (count + 63) / 64 else {
      throw damaged("there are \(deletions?.count ?? 0) words of deletions for \(count) vectors")
    }
    if let deletions, count % 64 > 0, deletions[count / 64] >> UInt64(count % 64) != 0 {
      throw damaged("a vector is deleted that is not there")
    }
    guard count > 0 else { return }
    guard entry < count, Int(levels[Int(entry)]) == topLevel else {
      throw damaged(
        "searches begin at node \(entry), which is not on the highest level \(topLevel)")
    }
    let problem = withGraph { graph -> String? in
      for node in 0..<UInt32(count) {
        for level in 0...Int(levels[Int(node)]) {
          let list = graph.list(node, level: level)
          guard list[0] <= graph.capacity(level: level) else {
            return "node \(node) has \(list[0]) links on level \(level)"
          }
          for i in 1..<1 + Int(list[0]) {
            guard list[i] < count, Int(levels[Int(list[i])]) >= level else {
              return "node \(node) is linked to \(list[i]) on level \(level), where it is not"
            }
          }
        }
      }
      return nil
    }
    if let problem { throw damaged(problem) }
  }
}
