import Autodiff

/// Mean distances of pairs that match and of pairs that do not, as the rows were given; each is there
/// whether the other is or not.
struct MeanDistances {
  let positive, negative: Double?

  /// - Parameter pass: one that has counted pairs.
  init<S: Scalar>(_ pass: RankPass<S>, scale: Double) {
    let negatives = pass.negativeBins.reduce(0, +)
    let roots = pass.positives.reduce(0.0) { $0 + Double($1).squareRoot() }
    positive = pass.positives.isEmpty ? nil : roots / Double(pass.positives.count) * scale
    negative = negatives > 0 ? pass.negativeDistances / Double(negatives) * scale : nil
  }
}
