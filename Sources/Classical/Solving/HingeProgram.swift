import Autodiff
import Foundation

/// min β Σ w + (1/n) Σ [1 + z_i·w]₊ over w ≥ 0: a linear programme, solved to its optimum.
///
/// z_i = (v_b (x_a - x_near))² - (v_b (x_a - x_far))² for a triplet of rows and directions v_b. An
/// interior-point method with Mehrotra's corrector; its dual, max Σ y over 0 ≤ y ≤ 1/n with
/// β + Zᵀ y ≥ 0, bounds the optimum. Rows whose hinge is 0 at the optimum do not matter, nor do columns of
/// weight 0: it is solved on few of both, to which those are added that its solution violates.
/// - Complexity: O(rows in use · columns in use²) for a step, of which there are 10 to 40 a round.
/// - Reference: Mehrotra, *On the implementation of a primal-dual interior point method* (1992).
struct HingeProgram {
  let beta: Double
  let triplets: [RowTriplet]
  /// v_b x, [items, directions].
  let projected: Matrix

  init(beta: Double, triplets: [RowTriplet], projected: Matrix) {
    (self.beta, self.triplets, self.projected) = (beta, triplets, projected)
  }

  /// n, the number of rows of the whole programme.
  var count: Int { triplets.count }
  var columns: Int { projected.columns }

  struct Result {
    var weights: [Double]
    var objective: Double
    /// What no weights go below.
    var bound: Double
    var iterations: Int
  }

  /// The programme on some of its columns.
  func of(columns: [Int]) -> HingeProgram {
    HingeProgram(beta: beta, triplets: triplets, projected: projected.columns(at: columns))
  }

  /// Some of the rows z_i.
  func rows(_ wanted: [Int]) -> Matrix {
    let b = columns
    var result = Matrix(zeros: wanted.count, b)
    projected.elements.withUnsafeBufferPointer { x in
      result.elements.withUnsafeMutableBufferPointer { z in
        for (row, place) in wanted.enumerated() {
          let t = triplets[place]
          for j in 0..<b {
            let own = x[t.anchor * b + j]
            let (near, far) = (own - x[t.near * b + j], own - x[t.far * b + j])
            z[row * b + j] = near * near - far * far
          }
        }
      }
    }
    return result
  }

  /// 1 + z_i·w for all rows.
  func hinges(_ weights: [Double]) -> [Double] {
    let used = weights.indices.filter { weights[$0] > 0 }
    let points = projected.columns(at: used)
      .scalingColumns(by: used.map { weights[$0].squareRoot() })
    let d = used.count
    var result = [Double](repeating: 1, count: count)
    guard d > 0 else { return result }
    result.withUnsafeMutableBufferPointer { result in
      points.elements.withUnsafeBufferPointer { x in
        guard let x = x.baseAddress else { return }
        Parallel.forEachRange(count, grain: 1024) { places in
          for place in places {
            let t = triplets[place]
            let own = x + t.anchor * d
            result[place] +=
              squaredDistance(own, x + t.near * d, d) - squaredDistance(own, x + t.far * d, d)
          }
        }
      }
    }
    return result
  }

  func solve(first: [Int], tolerance: Double, maxRounds: Int = 50) -> Result {
    var used = first
    var best = Result(
      weights: [Double](repeating: 0, count: columns), objective: 1, bound: 0, iterations: 0)
    var open: [Int] = []
    var prices = rows(used).columnMeans
    // Ever closer, since at first what is missing matters more.
    var goal = 1e-3
    for round in 0..<maxRounds {
      let isLast = goal <= tolerance / 10
      // The columns that would lower the value most.
      let wanted = prices.indices.filter { prices[$0] + (round == 0 ? -.infinity : beta) < 0 }
      let known = Set(open)
      let added = wanted.filter { !known.contains($0) }
        .sorted { (prices[$0], $0) < (prices[$1], $1) }.prefix(max(64, open.count))
      open = (open + added).sorted()
      let z = rows(used)
      let part = InteriorPoint(z.columns(at: open), beta: beta, count: count)
      let found = part.solve(tolerance: max(goal, tolerance / 10))
      best.iterations += found.iterations
      var weights = [Double](repeating: 0, count: columns)
      for (place, column) in open.enumerated() { weights[column] = found.weights[place] }
      prices =
        z.times(
          Matrix(found.duals, rows: used.count, columns: 1), transposingSelf: true
        ).elements
      best.bound = max(best.bound, part.bound(found.duals, prices))
      let hinges = hinges(weights)
      let value =
        beta * weights.reduce(0, +) + hinges.reduce(0) { $0 + max(0, $1) } / Double(count)
      if value < best.objective { (best.weights, best.objective) = (weights, value) }
      if best.objective - best.bound <= tolerance { break }
      // Rows far from their hinge are left out again, at first: later that might go on for ever.
      if round < 6 { used.removeAll { hinges[$0] < -1 } }
      let inUse = Set(used)
      let missing = hinges.indices.filter { hinges[$0] > 0 && !inUse.contains($0) }
      let openSet = Set(open)
      let isPriced = prices.indices.allSatisfy { openSet.contains($0) || prices[$0] + beta >= 0 }
      if isLast, missing.isEmpty, isPriced { break }
      used += missing.sorted { (hinges[$1], $0) < (hinges[$0], $1) }.prefix(max(400, used.count))
      used.sort()
      goal /= 10
    }
    return best
  }
}

/// The programme on some of its rows.
private struct InteriorPoint {
  let z: Matrix
  let beta, cap: Double

  init(_ z: Matrix, beta: Double, count: Int) {
    (self.z, self.beta) = (z, beta)
    cap = 1 / Double(count)
  }

  private struct State {
    /// Weights, hinges, their slacks, and the duals of w ≥ 0, s ≥ 0 and t ≥ 0.
    var w, s, t, u, v, y: [Double]
  }

  func solve(tolerance: Double) -> (weights: [Double], duals: [Double], iterations: Int) {
    let (n, b) = (z.rows, z.columns)
    func times(_ w: [Double]) -> [Double] { z.times(column: w) }
    func transposed(_ y: [Double]) -> [Double] { z.transposedTimes(column: y) }
    // Weights of a size at which the largest rows come to about 1.
    let size = 1 / max(1e-300, z.norm / Double(max(1, n)).squareRoot() * Double(b).squareRoot())
    var x = State(
      w: Array(repeating: size, count: b), s: [], t: [],
      u: Array(repeating: beta + 0.1 / Double(max(1, b)) / size, count: b),
      v: Array(repeating: cap / 2, count: n), y: Array(repeating: cap / 2, count: n))
    let first = times(x.w)
    x.s = first.map { max(0, 1 + $0) + 1 }
    x.t = zip(x.s, first).map { $0 - 1 - $1 }
    var best = (weights: x.w, value: Double.infinity, duals: x.y, bound: -1.0)
    var iterations = 0
    while iterations < 100 {
      let (zw, zy) = (times(x.w), transposed(x.y))
      measure(x, zw, zy, &best)
      if best.value - best.bound <= tolerance { break }
      iterations += 1
      let primal = x.s.indices.map { x.s[$0] - 1 - zw[$0] - x.t[$0] }
      let dual = x.w.indices.map { beta + zy[$0] - x.u[$0] }
      let rest = x.y.indices.map { cap - x.y[$0] - x.v[$0] }
      let theta = x.y.indices.map { 1 / (x.t[$0] / x.y[$0] + x.s[$0] / x.v[$0]) }
      var normal = z.weightedGram(theta)
      for j in 0..<b { normal[j, j] += x.u[j] / x.w[j] }
      guard let factor = Cholesky(normal) else { break }
      func step(_ wu: [Double], _ sv: [Double], _ ty: [Double]) -> State {
        let q = x.y.indices.map { i in
          (ty[i] / x.y[i] - primal[i] - (sv[i] - x.s[i] * rest[i]) / x.v[i]) * theta[i]
        }
        let zq = transposed(q)
        let dw = factor.solve(x.w.indices.map { wu[$0] / x.w[$0] - dual[$0] - zq[$0] })
        let zdw = times(dw)
        let dy = q.indices.map { q[$0] + theta[$0] * zdw[$0] }
        let dv = dy.indices.map { rest[$0] - dy[$0] }
        let ds = dy.indices.map { (sv[$0] - x.s[$0] * dv[$0]) / x.v[$0] }
        let dt = dy.indices.map { (ty[$0] - x.t[$0] * dy[$0]) / x.y[$0] }
        let du = x.w.indices.map { (wu[$0] - x.u[$0] * dw[$0]) / x.w[$0] }
        return State(w: dw, s: ds, t: dt, u: du, v: dv, y: dy)
      }
      let gap = (dot(x.w, x.u) + dot(x.s, x.v) + dot(x.t, x.y)) / Double(b + 2 * n)
      let affine = step(
        x.w.indices.map { -x.w[$0] * x.u[$0] }, x.s.indices.map { -x.s[$0] * x.v[$0] },
        x.t.indices.map { -x.t[$0] * x.y[$0] })
      let ahead = (longest(x, affine, primal: true), longest(x, affine, primal: false))
      let after = moved(x, affine, ahead.0, ahead.1)
      let left =
        (dot(after.w, after.u) + dot(after.s, after.v) + dot(after.t, after.y))
        / Double(b + 2 * n)
      let center = gap * pow(left / gap, 3)
      let corrected = step(
        x.w.indices.map { center - x.w[$0] * x.u[$0] - affine.w[$0] * affine.u[$0] },
        x.s.indices.map { center - x.s[$0] * x.v[$0] - affine.s[$0] * affine.v[$0] },
        x.t.indices.map { center - x.t[$0] * x.y[$0] - affine.t[$0] * affine.y[$0] })
      let far = 0.995
      x = moved(
        x, corrected, min(1, far * longest(x, corrected, primal: true)),
        min(1, far * longest(x, corrected, primal: false)))
    }
    return (best.weights, best.duals, iterations)
  }

  /// Takes over the weights of this state if they are better, and the bound that its duals give.
  private func measure(
    _ x: State, _ zw: [Double], _ zy: [Double],
    _ best: inout (weights: [Double], value: Double, duals: [Double], bound: Double)
  ) {
    let value = beta * x.w.reduce(0, +) + cap * zw.reduce(0) { $0 + max(0, 1 + $1) }
    if value < best.value { (best.weights, best.value) = (x.w, value) }
    let bound = bound(x.y, zy)
    if bound > best.bound { (best.duals, best.bound) = (x.y, bound) }
  }

  /// What no weights go below, by duals y and Zᵀ y, once these are scaled until they are feasible.
  func bound(_ y: [Double], _ zy: [Double]) -> Double {
    var scale = 1.0
    if let least = zy.min(), least < -beta { scale = min(scale, beta / -least) }
    if let most = y.max(), most > cap { scale = min(scale, cap / most) }
    return scale * y.reduce(0, +)
  }

  private func longest(_ x: State, _ step: State, primal: Bool) -> Double {
    func limit(_ a: [Double], _ d: [Double]) -> Double {
      var limit = 1e3
      for i in a.indices where d[i] < 0 { limit = min(limit, -a[i] / d[i]) }
      return limit
    }
    let all =
      primal
      ? [limit(x.w, step.w), limit(x.s, step.s), limit(x.t, step.t)]
      : [limit(x.u, step.u), limit(x.v, step.v), limit(x.y, step.y)]
    return min(1, all.min() ?? 1)
  }

  private func moved(_ x: State, _ step: State, _ primal: Double, _ dual: Double) -> State {
    func sum(_ a: [Double], _ d: [Double], _ f: Double) -> [Double] {
      a.indices.map { a[$0] + f * d[$0] }
    }
    return State(
      w: sum(x.w, step.w, primal), s: sum(x.s, step.s, primal), t: sum(x.t, step.t, primal),
      u: sum(x.u, step.u, dual), v: sum(x.v, step.v, dual), y: sum(x.y, step.y, dual))
  }
}

extension Matrix {
  /// self x, for one column: nothing is packed for it.
  fileprivate func times(column x: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: rows)
    elements.withUnsafeBufferPointer { own in
      x.withUnsafeBufferPointer { x in
        guard let own = own.baseAddress, let x = x.baseAddress else { return }
        for i in 0..<rows { result[i] = innerProduct(own + i * columns, x, columns) }
      }
    }
    return result
  }

  /// transpose(self) y, for one column.
  fileprivate func transposedTimes(column y: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: columns)
    elements.withUnsafeBufferPointer { own in
      result.withUnsafeMutableBufferPointer { result in
        guard let own = own.baseAddress, let result = result.baseAddress else { return }
        for i in 0..<rows { add(y[i], own + i * columns, to: result, columns) }
      }
    }
    return result
  }
}
