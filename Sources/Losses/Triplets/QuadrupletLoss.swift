import Autodiff
import Geometry
import Settings

/// Each anchor's farthest positive against its nearest negative and against the nearest two rows of
/// two other classes.
///
/// With d the distance, the mean over the anchors that have a positive and a negative of
///
///     [max_P d - min_N d + m₁]₊ + [max_P d - min d(n, n') + m₂]₊
///
/// where n and n' are of two classes, neither of them the anchor's; with fewer than three classes
/// the second part is 0. A similarity is negated. Every quadruplet of the batch would be O(batch⁴),
/// so the hardest stand for them. Tuples choose the pairs of the anchors. With a reference set n is a
/// row of the batch and n' a reference. O(batch² + classes²).
///
/// Defaults: m₁ = 1, m₂ = 0.5, Euclidean distance of normalised embeddings.
/// - Reference: Chen et al., *Beyond Triplet Loss: A Deep Quadruplet Network for Person
///   Re-Identification* (CVPR 2017); the hardest quadruplets and fixed margins are a reconstruction.
public struct QuadrupletLoss: Loss, Measuring {
  public var margin = 1.0
  public var pairMargin = 0.5
  public var distance = Distance.euclidean

  public init() {}

  public static let summary = "each anchor's hardest pairs, and the nearest pair of other classes"
  public static let source =
    "Chen et al., Beyond Triplet Loss: A Deep Quadruplet Network for Person Re-Identification, "
    + "CVPR 2017"
  public static var settings: [Setting<Self>] {
    [
      Setting("margin", \Self.margin, "how much farther the nearest negative should be"),
      Setting("pairMargin", \Self.pairMargin, "how much farther other classes should be apart"),
    ] + distanceSettings
  }

  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let matrix = distance.matrix(wide.embeddings, wide.reference?.embeddings)
    let (n, m, sign) = (matrix.shape[0], matrix.shape[1], distance.sign)
    let values = matrix.elements(as: Double.self).map { sign * $0 }
    let kinds = input.pairs.kinds
    let nearest = NearestClasses(
      values, labels: input.labels, others: input.reference?.labels,
      areUnlike: input.areUnlike)
    var slopes = [Double](repeating: 0, count: n * m)
    var (total, anchors, active) = (0.0, 0, 0)
    for a in 0..<n {
      let row = a * m..<(a + 1) * m
      guard
        let p = row.filter({ kinds[$0] > 0 }).max(by: { values[$0] < values[$1] }),
        let q = row.filter({ kinds[$0] < 0 }).min(by: { values[$0] < values[$1] })
      else { continue }
      anchors += 1
      var isActive = false
      let rivals = [(q, margin), nearest.pair(without: input.labels[a]).map { ($0, pairMargin) }]
      for case (let rival, let margin)? in rivals {
        let cost = values[p] - values[rival] + margin
        guard cost > 0 else { continue }
        total += cost
        slopes[p] += sign
        slopes[rival] -= sign
        isActive = true
      }
      if isActive { active += 1 }
    }
    let share = 1 / Double(max(1, anchors))
    let value = Tensor(total * share, dtype: .float64).recorded(
      "quadruplets",
      matrix.edge { [slopes] in Tensor(slopes, shape: [n, m]).scaled(by: $0.item * share) })
    return LossOutput(value: value, active: Double(active) * share)
      .narrowed(to: input.embeddings.dtype)
  }
}

/// The nearest two rows of each two classes.
private struct NearestClasses {
  /// By place in the matrix, with the two classes.
  private var best: [[Int]: Int] = [:]
  private var answers: [Int: Int] = [:]
  private let values: [Double]

  private let areUnlike: (Int, Int) -> Bool

  /// - Parameter others: the classes of the columns, nil if they are the rows.
  init(
    _ values: [Double], labels: [Int], others: [Int]?, areUnlike: @escaping (Int, Int) -> Bool
  ) {
    (self.values, self.areUnlike) = (values, areUnlike)
    let columns = others ?? labels
    let m = columns.count
    for i in labels.indices {
      for j in 0..<(others == nil ? i : m) where areUnlike(labels[i], columns[j]) {
        let key = [min(labels[i], columns[j]), max(labels[i], columns[j])]
        if best[key].map({ values[i * m + j] < values[$0] }) ?? true { best[key] = i * m + j }
      }
    }
    let whole = nearest(without: nil)
    for label in Set(labels) {
      answers[label] =
        whole.map { !isUnlike(label, $0.classes) } ?? false
        ? nearest(without: label)?.place : whole?.place
    }
  }

  func pair(without label: Int) -> Int? { answers[label] }

  private func isUnlike(_ label: Int, _ classes: [Int]) -> Bool {
    classes.allSatisfy { areUnlike(label, $0) }
  }

  private func nearest(without label: Int?) -> (classes: [Int], place: Int)? {
    best.filter { key, _ in label.map { isUnlike($0, key) } ?? true }
      .min { (values[$0.value], $0.value) < (values[$1.value], $1.value) }
      .map { ($0.key, $0.value) }
  }
}
