import Autodiff
import Models

/// A copy of the encoder that follows it slowly, so that what it made of items some steps ago is
/// still near to what it makes of them now.
///
///     θ′ ← m θ′ + (1 − m) θ        after every step, statistics included
///
/// - Reference: He et al., *Momentum Contrast for Unsupervised Visual Representation Learning*
///   (CVPR 2020).
struct MomentumEncoder: Sendable {
  private(set) var encoder: Encoder
  let momentum: Double

  init(of encoder: Encoder, momentum: Double) {
    (self.encoder, self.momentum) = (encoder, momentum)
  }

  /// The embeddings of a batch as in training, without a record.
  func embed(_ inputs: Tensor) -> Tensor {
    var pass = Pass(isTraining: true)
    return encoder(inputs, in: &pass).detached
  }

  mutating func follow(_ other: Encoder) {
    var other = other
    var values: [Tensor] = []
    other.updateParameters { values.append($1) }
    other.updateStatistics { values.append($1) }
    var next = values.makeIterator()
    let momentum = momentum
    func move(_: String, _ own: inout Tensor) {
      guard let value = next.next() else { return }
      own = own.scaled(by: momentum) + value.scaled(by: 1 - momentum)
    }
    encoder.updateParameters(move)
    encoder.updateStatistics(move)
  }

  /// Calls `body` with all that a resumed run needs, by name.
  mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    try encoder.updateParameters { try body("momentum.\($0)", &$1) }
    try encoder.updateStatistics { try body("momentum.\($0)", &$1) }
  }
}
