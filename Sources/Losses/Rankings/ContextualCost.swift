import Autodiff

/// The cost of shared neighbours in ``ContextualLoss`` and its gradient, from lists of neighbours.
///
/// What the loss writes as products of matrices of zeros and ones is summed here over the lists:
/// |N_i ∩ N_j| stands for both products in W, and only the rows that R names are added for J. The
/// gradient is the composed one, which takes 10 for the derivative of H everywhere.
/// - Complexity: O(rows² × neighbours) time, O(rows²) memory.
struct ContextualCost {
  private let near, nearTo, half, halfTo, mutual: SparseRows
  private let count: Int
  /// W where N is 1, in the order of the places of `near`.
  private var weights: [Double] = []

  private static var grain: Int { 16 }

  /// - Parameter farness: D, shape [rows, rows].
  init(farness: Tensor, neighbors: Int, slack: Double) {
    let n = farness.shape[0]
    count = n
    var lists = [(near: [Int32], half: [Int32])](repeating: ([], []), count: n)
    farness.withElements(of: Double.self) { farness in
      lists.withUnsafeMutableBufferPointer { lists in
        Parallel.forEachRange(n, grain: Self.grain) { rows in
          for i in rows {
            let row = UnsafeBufferPointer(rebasing: farness[i * n..<(i + 1) * n])
            let least = row.least(min(neighbors, n))
            func within(_ k: Int) -> [Int32] {
              let limit = least[min(max(k, 1), n) - 1] + slack
              return row.indices.lazy.filter { row[$0] <= limit }.map { Int32($0) }
            }
            lists[i] = (within(neighbors), within(neighbors / 2))
          }
        }
      }
    }
    near = SparseRows(lists.map(\.near))
    half = SparseRows(lists.map(\.half))
    (nearTo, halfTo) = (near.transposed, half.transposed)
    mutual = SparseRows(
      (0..<n).map { [half] i in
        half.columns(of: i).filter { half.contains(row: Int($0), column: Int32(i)) }
      })
    weights = sharedWeights()
  }

  /// The sum of the squared differences from `targets`, where they are not negative, and its
  /// derivatives by D.
  func evaluated(targets: [Int8]) -> (total: Double, slopes: Tensor) {
    let n = count
    let joint = jointContext()
    var totals = [Double](repeating: 0, count: n)
    // By the rows' context C = ½ (J + Jᵀ), and then by J.
    var pull = joint.addingTransposed()
    totals.withUnsafeMutableBufferPointer { totals in
      pull.withRows(grain: Self.grain) { i, row in
        for j in 0..<n {
          let target = targets[i * n + j]
          row[j] = target < 0 ? 0 : row[j] / 2 - Double(target)
          totals[i] += row[j] * row[j]
        }
      }
    }
    pull = pull.addingTransposed()
    return (totals.reduce(0, +), slopes(joint: joint, pull: pull))
  }

  /// |N_i ∩ N_j| for all j.
  private func countShared(_ row: Int, _ shared: inout [Double]) {
    for j in shared.indices { shared[j] = 0 }
    for k in near.columns(of: row) {
      for j in nearTo.columns(of: Int(k)) { shared[Int(j)] += 1 }
    }
  }

  /// The share of common neighbours and of common others, twice W without its factor N.
  private func share(_ row: Int, _ column: Int, shared: Double) -> Double {
    let (own, other) = (Double(near.count(of: row)), Double(near.count(of: column)))
    let others = Double(count) - own - other + shared
    return shared / max(1, own) + others / max(1, Double(count) - own)
  }

  private func sharedWeights() -> [Double] {
    var weights = [Double](repeating: 0, count: near.columns.count)
    weights.withUnsafeMutableBufferPointer { weights in
      Parallel.forEachRange(count, grain: Self.grain) { rows in
        var shared = [Double](repeating: 0, count: count)
        for i in rows {
          countShared(i, &shared)
          for place in near.places(of: i) {
            let j = Int(near.columns[place])
            weights[place] = share(i, j, shared: shared[j]) / 2
          }
        }
      }
    }
    return weights
  }

  /// J = R W / |R_i|.
  private func jointContext() -> SquareMatrix {
    var joint = SquareMatrix(count)
    joint.withRows(grain: Self.grain) { i, row in
      let weight = mutualShare(of: i)
      for k in mutual.columns(of: i) {
        for place in near.places(of: Int(k)) {
          row[Int(near.columns[place])] += weights[place] * weight
        }
      }
    }
    return joint
  }

  /// - Parameter pull: the derivatives by J.
  private func slopes(joint: SquareMatrix, pull: SquareMatrix) -> Tensor {
    let n = count
    var slopes = SquareMatrix(n)
    var (byShared, byRest) = (weights, weights)
    // Through W = ½ S ∘ N, by N itself; what goes through S waits for all rows.
    byShared.withUnsafeMutableBufferPointer { byShared in
      byRest.withUnsafeMutableBufferPointer { byRest in
        slopes.withRows(grain: Self.grain) { k, row in
          var shared = [Double](repeating: 0, count: n)
          for i in mutual.columns(of: k) {
            let weight = mutualShare(of: Int(i))
            pull.withRow(Int(i)) { pull in
              for j in 0..<n { row[j] += pull[j] * weight }
            }
          }
          let own = Double(near.count(of: k))
          for place in near.places(of: k) {
            let slope = row[Int(near.columns[place])] / 2
            byRest[place] = slope / max(1, Double(n) - own)
            byShared[place] = slope / max(1, own) + byRest[place]
          }
          countShared(k, &shared)
          for j in 0..<n { row[j] *= share(k, j, shared: shared[j]) / 2 }
        }
      }
    }
    let lost = (0..<n).map { joint.product(ofRow: $0, with: pull) }
    slopes.withRows(grain: Self.grain) { i, row in
      addThroughShared(i, byShared, byRest, row)
      // Through R = H ∘ Hᵀ.
      for k in halfTo.columns(of: i) {
        row[Int(k)] +=
          slopeOfMutual(i, Int(k), pull, lost) + slopeOfMutual(Int(k), i, pull, lost)
      }
      for j in 0..<n { row[j] *= -10 }
    }
    return Tensor(slopes.values, shape: [n, n])
  }

  /// Through S, which counts what N_i and N_j have in common and what neither has.
  private func addThroughShared(
    _ i: Int, _ byShared: [Double], _ byRest: [Double], _ row: UnsafeMutableBufferPointer<Double>
  ) {
    var rest = 0.0
    func add(_ place: Int, _ other: Int32) {
      rest += byRest[place]
      for k in near.columns(of: Int(other)) { row[Int(k)] += byShared[place] }
    }
    for place in near.places(of: i) { add(place, near.columns[place]) }
    for place in nearTo.places(of: i) { add(nearTo.origins[place], nearTo.columns[place]) }
    for k in row.indices { row[k] -= rest }
  }

  /// The derivative by R_ik, of which |R_i| is a part.
  private func slopeOfMutual(_ i: Int, _ k: Int, _ pull: SquareMatrix, _ lost: [Double]) -> Double {
    pull.withRow(i) { pull in
      let sum = near.places(of: k).reduce(0.0) {
        $0 + pull[Int(near.columns[$1])] * weights[$1]
      }
      return (sum - lost[i]) * mutualShare(of: i)
    }
  }

  /// 1 / |R_i|; where no row has i among its nearest that is among those of i, J is 0.
  private func mutualShare(of row: Int) -> Double { 1 / Double(max(1, mutual.count(of: row))) }
}
