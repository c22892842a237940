import Foundation
import Settings

/// The nearest distances to given dissimilarities that satisfy every triangle inequality.
///
/// min ½ Σ edges (X - D)² subject to X_uv ≤ X_uw + X_wv and X ≥ 0. An oracle finds violated triangles,
/// each remembered one is projected onto in turn, and those whose multiplier has come to 0 are
/// forgotten. On a complete graph triangles are enough: longer cycles follow from them.
/// - Complexity: O(points³) for a call of the oracle; memory for the triangles that matter.
/// - Reference: Sonthalia and Gilbert, *Project and Forget* (2022).
public struct MetricNearness: Sendable {
  /// [points, points], symmetric with zeros on the diagonal.
  public private(set) var distances: Matrix
  /// ½ Σ over edges of (X - D)².
  public private(set) var objective = 0.0
  public private(set) var sweeps = 0
  /// The greatest amount by which a distance exceeds a path.
  public private(set) var violation = Double.infinity
  /// How far the objective is above the optimum at most, once the violation is 0: Σ multiplier · slack.
  public private(set) var gap = Double.infinity

  /// - Parameters:
  ///   - given: symmetric, finite, not negative, with zeros on the diagonal.
  ///   - tolerance: ends when no triangle is violated by more than this share of the largest number.
  public init(_ given: Matrix, maxSweeps: Int = 100_000, tolerance: Double = 1e-13) {
    let n = given.rows
    var x = given
    var memory = TriangleMemory(size: n)
    let scale = max(given.elements.reduce(0) { max($0, abs($1)) }, 1e-300)
    while sweeps < maxSweeps {
      let worst = memory.addViolated(by: x, beyond: tolerance * scale)
      var moved = 0.0
      // Several rounds over what is remembered for each call of the oracle.
      for _ in 0..<20 {
        let change = memory.project(&x)
        sweeps += 1
        moved = max(moved, change)
        if change <= tolerance * scale { break }
      }
      memory.forget()
      if worst <= 2 * tolerance * scale, moved <= tolerance * scale { break }
    }
    for i in 0..<n { for j in 0..<n where x[i, j] < 0 { x[i, j] = 0 } }
    distances = x
    let change = x - given
    objective = change.inner(change) / 4
    violation = TriangleMemory.worst(x)
    gap = memory.gap(x)
  }
}

/// Triangles with their multipliers, for Dykstra's cyclic projections.
struct TriangleMemory {
  /// d(i, j) ≤ d(i, k) + d(k, j), with its multiplier.
  private struct Triangle {
    var i, j, k: Int32
    var multiplier: Double
  }

  private let size: Int
  private var triangles: [Triangle] = []
  private var known: Set<Int> = []

  init(size: Int) { self.size = size }

  private func key(_ i: Int, _ j: Int, _ k: Int) -> Int { (i * size + j) * size + k }

  /// Remembers every violated triangle; returns the worst violation.
  mutating func addViolated(by x: Matrix, beyond tolerance: Double) -> Double {
    var worst = 0.0
    for i in 0..<size {
      for j in i + 1..<max(size, i + 1) {
        for k in 0..<size where k != i && k != j {
          let excess = x[i, j] - x[i, k] - x[k, j]
          worst = max(worst, excess)
          if excess > tolerance, known.insert(key(i, j, k)).inserted {
            triangles.append(
              Triangle(i: Int32(i), j: Int32(j), k: Int32(k), multiplier: 0))
          }
        }
      }
    }
    return worst
  }

  /// Projects onto each triangle in turn; returns the largest step.
  mutating func project(_ x: inout Matrix) -> Double {
    var largest = 0.0
    let n = size
    x.elements.withUnsafeMutableBufferPointer { x in
      for place in triangles.indices {
        let t = triangles[place]
        let (i, j, k) = (Int(t.i), Int(t.j), Int(t.k))
        let slack = x[i * n + k] + x[k * n + j] - x[i * n + j]
        let step = min(slack / 3, t.multiplier)
        guard step != 0 else { continue }
        triangles[place].multiplier -= step
        x[i * n + j] += step
        x[j * n + i] = x[i * n + j]
        x[i * n + k] -= step
        x[k * n + i] = x[i * n + k]
        x[k * n + j] -= step
        x[j * n + k] = x[k * n + j]
        largest = max(largest, abs(step))
      }
    }
    return largest
  }

  /// Drops the triangles whose multiplier has come to 0.
  mutating func forget() {
    for t in triangles where t.multiplier <= 0 { known.remove(key(Int(t.i), Int(t.j), Int(t.k))) }
    triangles.removeAll { $0.multiplier <= 0 }
  }

  func gap(_ x: Matrix) -> Double {
    abs(
      triangles.reduce(0) { sum, t in
        let (i, j, k) = (Int(t.i), Int(t.j), Int(t.k))
        return sum + t.multiplier * (x[i, k] + x[k, j] - x[i, j])
      })
  }

  /// For each pair, what the multipliers of its triangles come to.
  func prices() -> Matrix {
    var result = Matrix(zeros: size, size)
    for t in triangles {
      let (i, j, k) = (Int(t.i), Int(t.j), Int(t.k))
      for (a, b, sign) in [(i, j, 1.0), (i, k, -1.0), (k, j, -1.0)] {
        result[a, b] += sign * t.multiplier
        result[b, a] = result[a, b]
      }
    }
    return result
  }

  static func worst(_ x: Matrix) -> Double {
    var memory = TriangleMemory(size: x.rows)
    return memory.addViolated(by: x, beyond: .infinity)
  }
}
