import Autodiff
import Settings

/// Constraints drawn from labels: the supervised form of learners that take pairs and the like.
///
/// What is drawn depends on the labels and the seed alone. Pairs are distinct and unordered, alike
/// and unlike ones as many each: 20 · classes² by default, as in metric-learn, or all there are.
extension LearningProblem {
  /// The pairs that were given, or so many of each kind that are drawn from the labels.
  ///
  /// - Parameter wanted: 0 for 20 · classes².
  func pairs(drawing wanted: Int) throws(Failure) -> [RowPair] {
    if let pairs {
      guard !pairs.isEmpty else { throw failure("there are no pairs") }
      return pairs
    }
    let labels = try requiredLabels()
    let count = wanted > 0 ? wanted : 20 * classCount * classCount
    let alike = try drawnPairs(labels, alike: true, count: count, random.split("alike"))
    let unlike = try drawnPairs(labels, alike: false, count: count, random.split("unlike"))
    return alike + unlike
  }

  private func drawnPairs(
    _ labels: [Int], alike: Bool, count: Int, _ random: Random
  ) throws(Failure) -> [RowPair] {
    let members = LearningProblem.members(of: labels)
    let inClasses = members.reduce(0) { $0 + $1.count * ($1.count - 1) / 2 }
    let available = alike ? inClasses : labels.count * (labels.count - 1) / 2 - inClasses
    guard available > 0 else {
      throw failure("no two rows are of one class", expected: "a class of two rows or more")
    }
    var random = random
    guard count < available / 2 else {
      // Few pairs: all of them, in a random order, of which the first are taken.
      var all: [RowPair] = []
      for i in labels.indices {
        for j in i + 1..<max(labels.count, i + 1) where (labels[i] == labels[j]) == alike {
          all.append(RowPair(i, j, isAlike: alike))
        }
      }
      return random.permutation(all.count).prefix(count).sorted().map { all[$0] }
    }
    var found: Set<RowPair> = []
    var result: [RowPair] = []
    while result.count < count {
      let i = random.below(labels.count)
      var j: Int
      if alike {
        let own = members[labels[i]]
        guard own.count > 1 else { continue }
        j = own[random.below(own.count)]
      } else {
        j = random.below(labels.count)
      }
      guard i != j, (labels[i] == labels[j]) == alike else { continue }
      let pair = RowPair(min(i, j), max(i, j), isAlike: alike)
      if found.insert(pair).inserted { result.append(pair) }
    }
    return result
  }

  /// The quadruplets that were given, or as many drawn pairs of alike and unlike rows side by side.
  func quadruplets(drawing wanted: Int) throws(Failure) -> [RowQuadruplet] {
    if let quadruplets {
      guard !quadruplets.isEmpty else { throw failure("there are no quadruplets") }
      return quadruplets
    }
    let pairs = try pairs(drawing: wanted)
    let (alike, unlike) = (pairs.filter(\.isAlike), pairs.filter { !$0.isAlike })
    return zip(alike, unlike).map { RowQuadruplet($0.first, $0.second, $1.first, $1.second) }
  }

  /// The chunks that were given, or so many of two rows that are drawn from the labels.
  ///
  /// Every class takes part according to its size: each draw takes two rows of one class that are
  /// not yet in a chunk.
  func chunks(drawing wanted: Int, of size: Int) throws(Failure) -> [Int] {
    if let chunks { return chunks }
    let labels = try requiredLabels()
    var random = random.split("chunks")
    // The chunks that each class could give, in a random order of all.
    var possible: [[Int]] = []
    for members in LearningProblem.members(of: labels) {
      let order = random.permutation(members.count).map { members[$0] }
      for start in stride(from: 0, through: order.count - size, by: size) {
        possible.append(Array(order[start..<start + size]))
      }
    }
    guard !possible.isEmpty else {
      throw failure("no class has \(size) rows", expected: "classes that fill a chunk")
    }
    var chunks = [Int](repeating: -1, count: labels.count)
    for (chunk, place) in random.permutation(possible.count).prefix(wanted).enumerated() {
      for row in possible[place] { chunks[row] = chunk }
    }
    return chunks
  }

  /// The triplets that were given, or for each row its nearest of its class with its nearest of others.
  ///
  /// - Complexity: O(items² · columns).
  func triplets(near: Int, far: Int) throws(Failure) -> [RowTriplet] {
    if let triplets {
      guard !triplets.isEmpty else { throw failure("there are no triplets") }
      return triplets
    }
    let labels = try requiredLabels()
    let own = nearestRows(rows, near) { labels[$0] == labels[$1] }
    let others = nearestRows(rows, far) { labels[$0] != labels[$1] }
    var triplets: [RowTriplet] = []
    for i in labels.indices {
      for j in own[i] { for l in others[i] { triplets.append(RowTriplet(i, j, l)) } }
    }
    guard !triplets.isEmpty else {
      throw failure("no two rows are of one class", expected: "a class of two rows or more")
    }
    return triplets
  }
}

/// x of the first rows minus x of the second.
func differences(_ x: Matrix, _ rows: [(Int, Int)]) -> Matrix {
  var values: [Double] = []
  values.reserveCapacity(rows.count * x.columns)
  for (a, b) in rows {
    for (p, q) in zip(x.row(a), x.row(b)) { values.append(p - q) }
  }
  return Matrix(values, rows: rows.count, columns: x.columns)
}
