import Geometry

/// The positive pairs of a table, by their anchor and by their positive.
struct PositivePairs: Sendable {
  var byAnchor, byPositive: [[(other: Int, times: Int)]]

  init(_ pairs: PairTable) {
    byAnchor = Array(repeating: [], count: pairs.rows)
    byPositive = Array(repeating: [], count: pairs.columns)
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: pairs.columns) { kinds in
      for i in 0..<pairs.rows {
        pairs.fill(kinds, row: i)
        for j in 0..<pairs.columns where kinds[j] > 0 {
          byAnchor[i].append((j, Int(kinds[j])))
          byPositive[j].append((i, Int(kinds[j])))
        }
      }
    }
  }
}
