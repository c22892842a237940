import Autodiff
import Foundation
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
public struct AngularMiner: Miner {
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

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let pairs = PairTable(labels: labels, reference: reference)
    let distance = Distance(.squaredEuclidean, normalizes: false)
    let batch = embeddings.converted(to: .float64)
    let others = reference?.embeddings.converted(to: .float64)
    let own = distance.matrix(batch, others)
    let between = others.map { distance.matrix($0) } ?? own
    let columns = pairs.columns
    let tangent = tan(angle * .pi / 180)
    let grain = 16
    var found = [[Triplet]](repeating: [], count: (pairs.rows + grain - 1) / grain)
    own.withElements(of: Double.self) { own in
      between.withElements(of: Double.self) { between in
        found.withUnsafeMutableBufferPointer { found in
          Parallel.forEachRange(pairs.rows, grain: grain) { rows in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
              for anchor in rows {
                pairs.fill(kinds, row: anchor)
                for p in 0..<columns where kinds[p] > 0 {
                  let side = own[anchor * columns + p]
                  for n in 0..<columns where kinds[n] < 0 {
                    let sum = own[anchor * columns + n] + between[p * columns + n]
                    let median = max(0, sum / 2 - side / 4)
                    if side.squareRoot() > 2 * tangent * median.squareRoot() {
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
    return .triplets(Array(found.joined()))
  }
}
