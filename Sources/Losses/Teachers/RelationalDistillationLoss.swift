import Autodiff
import Geometry
import Settings

/// The distances and angles between the rows of a batch as a teacher has them.
///
/// With D the Euclidean distances of raw rows and μ their mean over those above 0, found for the
/// student and for the teacher each, e_jk = (x_k - x_j) / ‖x_k - x_j‖, and H(u) = u²/2 for |u| < 1,
/// else |u| - 1/2:
///
///     w_D / B² Σ_ij H(D_ij/μ - Dᵀ_ij/μᵀ) + w_A / B³ Σ_ijk H(e_ji · e_jk - eᵀ_ji · eᵀ_jk)
///
/// The teacher takes no gradient and may have another dimension. Equal rows have direction 0 and
/// send no gradient. Labels and tuples do not matter. A reference set has no meaning, since the
/// teacher gives nothing for it. There are batch³ angles, which take O(batch³ × dimension) time (without
/// their weight O(batch² × dimension)), and, one vertex at a time, O(batch × dimension) memory.
///
/// One row gives 0. Without a distance above 0, as of equal rows, μ is 1.
///
/// Defaults: w_D = 1, w_A = 2.
/// - Reference: Park et al., *Relational Knowledge Distillation* (CVPR 2019).
public struct RelationalDistillationLoss: Loss {
  public var distanceWeight = 1.0
  public var angleWeight = 2.0

  public init() {}

  public static let summary = "distances and angles between rows as a teacher has them"
  public static let source = "Park et al., Relational Knowledge Distillation, CVPR 2019"
  public static let settings = [
    Setting("distanceWeight", \Self.distanceWeight, "the weight of the distances", in: 0...1e6),
    Setting("angleWeight", \Self.angleWeight, "the weight of the angles", in: 0...1e6),
  ]

  public var teacherUse: TeacherUse { .anyDimension }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    try input.validate(at: place)
    try input.validateNoReference(at: place)
    try input.validateTeacher(hasOwnDimension: false, at: place)
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    guard let teacher = input.teacher?.detached.widened() else {
      preconditionFailure("RelationalDistillationLoss: there is no teacher")
    }
    let x = input.embeddings.widened()
    var value = Tensor(0, dtype: .float64)
    if distanceWeight > 0 {
      value = value + distances(x, teacher).scaled(by: distanceWeight)
    }
    if angleWeight > 0 {
      let isNarrow = input.embeddings.dtype == .float32 && x.isModest && teacher.isModest
      value = value + angles(x, teacher, isNarrow: isNarrow).scaled(by: angleWeight)
    }
    return LossOutput(value: value, active: value.item > 0 ? 1 : 0)
      .narrowed(to: input.embeddings.dtype)
  }

  private func distances(_ x: Tensor, _ teacher: Tensor) -> Tensor {
    let euclidean = Distance(.euclidean, normalizes: false)
    let matrix = euclidean.matrix(x)
    let own = matrix.elements(as: Double.self)
    let (mean, count) = meanAboveZero(own)
    let wanted = euclidean.matrix(teacher).elements(as: Double.self)
    let (wantedMean, _) = meanAboveZero(wanted)
    let share = 1 / Double(max(1, own.count))
    var (total, coupled) = (0.0, 0.0)
    var slopes = own.indices.map { i in
      let (cost, slope) = huber(own[i] / mean - wanted[i] / wantedMean)
      total += cost * share
      coupled += slope * share * own[i]
      return slope * share / mean
    }
    // Through the mean.
    let shift = coupled / (mean * mean * Double(max(1, count)))
    for i in slopes.indices where own[i] > 0 { slopes[i] -= shift }
    return Tensor(total, dtype: .float64).recorded(
      "distanceRelations",
      matrix.edge { [slopes, shape = matrix.shape] in
        Tensor(slopes, shape: shape).scaled(by: $0.item)
      })
  }

  private func angles(_ x: Tensor, _ teacher: Tensor, isNarrow: Bool) -> Tensor {
    let (total, slopes) =
      isNarrow
      ? AngleRelations<Float>(of: x, to: teacher).evaluated()
      : AngleRelations<Double>(of: x, to: teacher).evaluated()
    let share = 1 / Double(max(1, x.shape[0] * x.shape[0] * x.shape[0]))
    let gradient = Tensor(slopes, shape: x.shape).scaled(by: share)
    return Tensor(total * share, dtype: .float64).recorded(
      "angleRelations", x.edge { gradient.scaled(by: $0.item) })
  }
}

/// u²/2 near 0 and |u| - 1/2 farther off, and the derivative.
private func huber(_ u: Double) -> (value: Double, slope: Double) {
  Swift.abs(u) < 1 ? (u * u / 2, u) : (Swift.abs(u) - 0.5, u > 0 ? 1 : -1)
}

/// The mean of the numbers above 0, or 1 without any, and how many there are.
private func meanAboveZero(_ values: [Double]) -> (mean: Double, count: Int) {
  var (sum, count) = (0.0, 0)
  for value in values where value > 0 {
    sum += value
    count += 1
  }
  return count > 0 ? (sum / Double(count), count) : (1, 0)
}

extension Tensor {
  /// Whether float32 holds the squares of differences.
  fileprivate var isModest: Bool {
    elements(as: Double.self).allSatisfy { Swift.abs($0) < 1e15 }
  }
}
