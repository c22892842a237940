import Autodiff
import Foundation

/// A plane in which rows lie beside those that they lie beside in their own space.
///
/// Stochastic neighbour embedding with Student's t (van der Maaten and Hinton, 2008): attraction
/// between the nearest 30 rows at a perplexity of 10, exact repulsion between all, from a start in the
/// principal plane. Distances and sizes of groups mean little in such a picture, neighbours much.
/// - Parameters:
///   - embeddings: shape [n, d]; meant for up to 5,000 rows.
///   - start: where the rows start; without it, in the principal plane.
///   - isLate: asked before every round; a true result ends with the map as it is.
///   - onProgress: told the rounds that are done, and how many there are.
/// - Returns: a point for each row; the same bits for any number of threads, unless it was late.
/// - Complexity: O(n² d + rounds × n²) time, O(n) memory and a block of distances.
public func neighborMap(
  _ embeddings: Tensor, start: [SIMD2<Double>]? = nil, rounds: Int = 350,
  isLate: () -> Bool = { false },
  onProgress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
) -> [SIMD2<Double>] {
  let n = embeddings.shape[0]
  let start = start ?? principalPlane(embeddings).points
  guard n > 3 else { return start }
  var map = NeighborMap(attractions(embeddings), start: start)
  for round in 0..<rounds {
    if isLate() { break }
    map.move(round: round)
    onProgress(round + 1, rounds)
  }
  return (0..<n).map { SIMD2(Double(map.x[$0]), Double(map.y[$0])) }
}

/// For each row those that it is drawn to, with symmetric weights that sum to 1 over all.
private func attractions(_ embeddings: Tensor) -> [[(other: Int, weight: Float)]] {
  let n = embeddings.shape[0]
  let set = EmbeddingSet(embeddings: embeddings, labels: [Int](repeating: 0, count: n))
  let rows = LabeledRows<Float>.prepare([set], distance: .euclidean)[0]
  let count = min(30, n - 1)
  var nearest = [Int32](repeating: 0, count: n * count)
  var squares = [Double](repeating: 0, count: n * count)
  nearest.withUnsafeMutableBufferPointer { nearest in
    squares.withUnsafeMutableBufferPointer { squares in
      _ = DistanceRows(query: rows, gallery: rows, isSelf: true).reduce(0) { _, row, line in
        let places = UnsafeMutableBufferPointer(rebasing: nearest[row * count..<(row + 1) * count])
        selectSmallest(line, into: places)
        for (i, place) in places.enumerated() {
          squares[row * count + i] = Double(line[Int(place)])
        }
      }
    }
  }
  var weights: [[Int: Double]] = Array(repeating: [:], count: n)
  for row in 0..<n {
    let own = Array(squares[row * count..<(row + 1) * count])
    let shares = neighborShares(own, perplexity: min(10, Double(count) / 2))
    for (i, share) in shares.enumerated() {
      let other = Int(nearest[row * count + i])
      weights[row][other, default: 0] += share / Double(2 * n)
      weights[other][row, default: 0] += share / Double(2 * n)
    }
  }
  return weights.map { row in
    row.sorted { $0.key < $1.key }.map { (other: $0.key, weight: Float($0.value)) }
  }
}

/// exp(−β square) over their sum, with the β at which the entropy is that of `perplexity` equal ones.
private func neighborShares(_ squares: [Double], perplexity: Double) -> [Double] {
  let least = squares.first ?? 0
  let spread = (squares.last ?? 0) - least
  guard spread > 0 else { return squares.map { _ in 1 / Double(squares.count) } }
  var (low, high) = (0.0, Double.infinity)
  var precision = 1 / spread
  var shares: [Double] = []
  for _ in 0..<60 {
    shares = squares.map { exp(-precision * ($0 - least)) }
    let sum = shares.reduce(0, +)
    shares = shares.map { $0 / sum }
    let entropy = shares.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    if entropy > log(perplexity) { low = precision } else { high = precision }
    precision = high.isFinite ? (low + high) / 2 : precision * 2
    // Many equal nearest rows never get below their own entropy.
    guard precision * spread < 1e9 else { break }
  }
  return shares
}

private struct NeighborMap {
  typealias Lanes = SIMD16<Float>
  private let count: Int
  private let attractions: [[(other: Int, weight: Float)]]
  /// Padded to whole vectors by points so far away that they push nothing.
  private(set) var x, y: [Float]
  private var velocity: [SIMD2<Float>]
  private var gains: [SIMD2<Float>]

  init(_ attractions: [[(other: Int, weight: Float)]], start: [SIMD2<Double>]) {
    count = start.count
    self.attractions = attractions
    let width = start.reduce(0) { max($0, abs($1.x), abs($1.y)) }
    let padded = (count + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    x = Array(repeating: 1e18, count: padded)
    y = x
    // Equal rows must be able to part, and a line must be able to leave itself.
    var random = Random(seed: 0).split("neighbor map")
    for i in 0..<count {
      let point = width > 0 ? start[i] / width * 1e-2 : .zero
      x[i] = Float(point.x + 1e-4 * random.normal())
      y[i] = Float(point.y + 1e-4 * random.normal())
    }
    velocity = Array(repeating: .zero, count: count)
    gains = Array(repeating: .one, count: count)
  }

  mutating func move(round: Int) {
    let exaggeration: Float = round < 100 ? 12 : 1
    let momentum: Float = round < 100 ? 0.5 : 0.8
    let rate = max(10, Float(count) / 12)
    var pushes = [SIMD3<Float>](repeating: .zero, count: count)
    repulsion(&pushes)
    let total = max(1e-12, pushes.reduce(0.0) { $0 + Double($1.z) })
    var middle = SIMD2<Double>.zero
    for i in 0..<count {
      var pull = SIMD2<Float>.zero
      for (other, weight) in attractions[i] {
        let gap = SIMD2(x[i] - x[other], y[i] - y[other])
        pull += weight / (1 + (gap * gap).sum()) * gap
      }
      let push = SIMD2(pushes[i].x, pushes[i].y) * Float(1 / total)
      let gradient = 4 * (exaggeration * pull - push)
      for axis in 0..<2 {
        let isTurning = (gradient[axis] > 0) == (velocity[i][axis] > 0)
        gains[i][axis] = max(0.01, isTurning ? gains[i][axis] * 0.8 : gains[i][axis] + 0.2)
      }
      velocity[i] = momentum * velocity[i] - rate * gains[i] * gradient
    }
    for i in 0..<count {
      x[i] += velocity[i].x
      y[i] += velocity[i].y
      middle += SIMD2(Double(x[i]), Double(y[i]))
    }
    middle /= Double(count)
    for i in 0..<count {
      x[i] -= Float(middle.x)
      y[i] -= Float(middle.y)
    }
  }

  /// For each point Σ w² (own − other) and Σ w, with w = 1 / (1 + square of the distance).
  private func repulsion(_ pushes: inout [SIMD3<Float>]) {
    pushes.withUnsafeMutableBufferPointer { pushes in
      let pushes = pushes
      x.withUnsafeBytes { xs in
        y.withUnsafeBytes { ys in
          Parallel.forEachRange(count, grain: 64) { range in
            for i in range {
              var (sumX, sumY, sum) = (Lanes.zero, Lanes.zero, Lanes.zero)
              for offset in stride(from: 0, to: xs.count, by: MemoryLayout<Lanes>.size) {
                let dx = x[i] - xs.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
                let dy = y[i] - ys.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
                let weight = 1 / (1 + dx * dx + dy * dy)
                sum += weight
                sumX += weight * weight * dx
                sumY += weight * weight * dy
              }
              // The point itself weighs 1.
              pushes[i] = SIMD3(sumX.sum(), sumY.sum(), sum.sum() - 1)
            }
          }
        }
      }
    }
  }
}
