import Autodiff
import Geometry
import Settings

/// Triplets chosen by the means of classes.
///
/// With m(c) the mean of the (by default normalised) rows of class c, an anchor of class c gives
///
///     positive  the row of class c that is farthest from m(c)
///     negative  of the class whose mean is nearest to m(c), the row nearest to the anchor
///
/// A mean is less moved by a mislabelled row than the extremes of ``BatchHardMiner`` are. Of rows
/// that tie the one with the smallest index is taken, of classes the one with the smallest label.
/// Computed in double precision; anchors without a positive or another class give nothing. Means
/// are of the rows of the reference set.
/// - Complexity: O(batch²); O(batch²) memory.
public struct HardClusterMiner: Miner, Measuring {
  public var distance: Distance

  public init(distance: Distance) { self.distance = distance }
  public init() { self.init(distance: .euclidean) }

  public static let summary = "positives far from the class's mean, negatives of the nearest class"
  public static let source =
    "Alex et al., Cluster Loss for Person Re-Identification, ICVGIP 2018"
  public static var settings: [Setting<Self>] { distanceSettings }

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let others = reference?.labels ?? labels
    let classes = itemsByClass(others)
    guard classes.count > 1 else { return .triplets([]) }
    let batch = embeddings.detached.converted(to: .float64)
    let rows = reference?.embeddings.detached.converted(to: .float64) ?? batch
    let means = classMeans(of: rows, classes)
    let toRows = distance.matrix(means, rows).elements(as: Double.self).map { $0 * distance.sign }
    let nearest = nearestClasses(means)
    let own = distance.matrix(batch, rows)
    let classOf = Dictionary(
      uniqueKeysWithValues: classes.enumerated().map { (others[$0.element[0]], $0.offset) })
    let places: [Int?] = reference?.places ?? labels.indices.map { $0 }
    var triplets: [Triplet] = []
    own.withElements(of: Double.self) { own in
      for anchor in labels.indices {
        guard let c = classOf[labels[anchor]] else { continue }
        let place = anchor < places.count ? places[anchor] : nil
        let positive = classes[c].lazy.filter { $0 != place }
          .min { toRows[c * others.count + $0] > toRows[c * others.count + $1] }
        let negative = classes[nearest[c]].min {
          distance.sign * own[anchor * others.count + $0]
            < distance.sign * own[anchor * others.count + $1]
        }
        guard let positive, let negative else { continue }
        triplets.append(Triplet(anchor, positive, negative))
      }
    }
    return .triplets(triplets)
  }

  private func classMeans(of rows: Tensor, _ classes: [[Int]]) -> Tensor {
    let dimension = rows.shape[1]
    let rows = distance.scaled(rows)
    var means = [Double](repeating: 0, count: classes.count * dimension)
    rows.withElements(of: Double.self) { x in
      for (c, members) in classes.enumerated() {
        for row in members {
          for k in 0..<dimension { means[c * dimension + k] += x[row * dimension + k] }
        }
        for k in 0..<dimension { means[c * dimension + k] /= Double(members.count) }
      }
    }
    return Tensor(means, shape: [classes.count, dimension])
  }

  /// For each class the other class whose mean is nearest.
  private func nearestClasses(_ means: Tensor) -> [Int] {
    let count = means.shape[0]
    let between = distance.matrix(means).elements(as: Double.self)
    return (0..<count).map { c in
      (0..<count).lazy.filter { $0 != c }.min {
        distance.sign * between[c * count + $0] < distance.sign * between[c * count + $1]
      } ?? c
    }
  }
}
