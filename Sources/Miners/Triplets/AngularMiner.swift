import Autodiff
import Foundation
import Geometry
import Settings

/// The triplets whose negative sees the positive pair under a large angle.
///
/// With c the middle of anchor and positive, the triplets with
///
///     atan(‖a - p‖ / (2 ‖n - c‖)) > angle
///
/// on embeddings as they are given, in double precision; equal anchor and positive have the angle
/// 0. ‖n - c‖² is found from the three sides, so a triplet costs O(1).
/// - Complexity: O(batch² × positives) time; memory for the triplets found.
/// - Reference: Wang et al., *Deep Metric Learning with Angular Loss* (ICCV 2017).
public struct AngularMiner: StreamingMiner {
  public var angle: Double

  public init(angle: Double) { self.angle = angle }
  public init() { self.init(angle: 20) }

  public static let summary =
    "the triplets whose negative sees the positive pair under a large angle"
  public static let source =
    "Wang et al., Deep Metric Learning with Angular Loss, ICCV 2017"
  public static let settings = [
    Setting("angle", \Self.angle, "the angle, in degrees", in: 0...90)
  ]

  public static let findsTriplets = true

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let sides = Sides(embeddings, labels: labels, reference: reference)
    return .triplets(triplets(0..<sides.pairs.rows, of: sides))
  }

  public func forEachBlock(
    of size: Int, _ embeddings: Tensor, labels: [Int], random: Random, _ body: (Tuples) -> Void
  ) {
    let sides = Sides(embeddings, labels: labels, reference: nil)
    for start in stride(from: 0, to: sides.pairs.rows, by: size) {
      body(.triplets(triplets(start..<min(sides.pairs.rows, start + size), of: sides)))
    }
  }

  /// The squared lengths of the sides of all triangles.
  private struct Sides {
    let pairs: PairTable
    /// From anchors to others, and between others.
    let own, between: Tensor

    init(_ embeddings: Tensor, labels: [Int], reference: ReferenceSet?) {
      pairs = PairTable(labels: labels, reference: reference)
      let distance = Distance(.squaredEuclidean, normalizes: false)
      let others = reference?.embeddings.converted(to: .float64)
      own = distance.matrix(embeddings.converted(to: .float64), others)
      between = others.map { distance.matrix($0) } ?? own
    }
  }

  private func triplets(_ anchors: Range<Int>, of sides: Sides) -> [Triplet] {
    let (pairs, columns) = (sides.pairs, sides.pairs.columns)
    let tangent = tan(angle * .pi / 180)
    let factor = 4 * tangent * tangent
    let grain = 16
    var found = [[Triplet]](repeating: [], count: (anchors.count + grain - 1) / grain)
    sides.own.withElements(of: Double.self) { own in
      sides.between.withElements(of: Double.self) { between in
        found.withUnsafeMutableBufferPointer { found in
          Parallel.forEachRange(anchors.count, grain: grain) { rows in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
              for anchor in rows.lowerBound + anchors.lowerBound..<rows.upperBound
                + anchors.lowerBound
              {
                pairs.fill(kinds, row: anchor)
                let row = UnsafeBufferPointer(
                  rebasing: own[anchor * columns..<(anchor + 1) * columns])
                for p in 0..<columns where kinds[p] > 0 {
                  let side = row[p]
                  let others = UnsafeBufferPointer(
                    rebasing: between[p * columns..<(p + 1) * columns])
                  for n in 0..<columns where kinds[n] < 0 {
                    let median = max(0, (row[n] + others[n]) / 2 - side / 4)
                    // Squares compare as the sides do.
                    if side > factor * median {
                      found[rows.lowerBound / grain].append(Triplet(anchor, p, n))
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    var result: [Triplet] = []
    result.reserveCapacity(found.reduce(0) { $0 + $1.count })
    for i in found.indices {
      result += found[i]
      found[i] = []  // so that not all are there twice
    }
    return result
  }
}
