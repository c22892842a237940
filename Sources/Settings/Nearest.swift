/// Returns the name most like `word`, or nil when none is near.
///
/// Nearness is the number of letters to add, drop, change or swap with a neighbour; the beginning of
/// a name, of three letters or more, is near to it.
public func nearest(to word: String, in names: some Sequence<String>) -> String? {
  if word.count >= 3,
    let whole = names.first(where: { $0.lowercased().hasPrefix(word.lowercased()) })
  {
    return whole
  }
  let best = names.map { ($0, editDistance(word.lowercased(), $0.lowercased())) }
    .min { $0.1 < $1.1 }
  guard let (name, distance) = best, distance <= max(2, word.count / 3) else { return nil }
  return name
}

/// Says which names there are, and which of them was probably meant.
public func suggestion(for word: String, among names: [String]) -> String {
  let list = "there are: " + (names.isEmpty ? "none" : names.joined(separator: ", "))
  return nearest(to: word, in: names).map { "did you mean '\($0)'? \(list)" } ?? list
}

private func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, beforeLast[j - 1] + 1)
      }
      row.append(cost)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
