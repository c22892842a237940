import Autodiff

/// Which positions of two inputs make them alike, as an exact sum.
///
/// Up to its last division by the length, an encoder in inference is piecewise affine: φ(x) = J x + c
/// with the derivative J at x. With uᵢ = Σ_channels J x at position i + c / positions, and vⱼ alike,
/// the cosine similarity is Σᵢⱼ uᵢ · vⱼ / (‖φ(x)‖ ‖φ(x′)‖), and each term is what the pair of positions
/// (i, j) adds to it. At a feature map in front of a linear head this is the activation decomposition of
/// Zhu et al.; at the input it is BiLRP with the basic rule (no γ), in which the biases are spread
/// evenly. The sum is exact for every encoder, since whatever J x leaves of φ(x) is spread; that this is
/// the biases alone holds where the encoder is piecewise affine (dense and convolution layers, ReLU,
/// max pooling, normalisation by running statistics), as all encoders here but the transformer are.
/// - Reference: Zhu, Yang and Chen, Visual Explanation for Deep Metric Learning, 2021; Eberle et al.,
///   Building and Interpreting Deep Similarity Models, 2020.
public struct SimilarityExplanation: Sendable {
  /// [height, width] of a map, or [width] of a vector.
  public let positions: [Int]
  /// Cosine similarity of the embeddings; 0 if one of them is all zeros.
  public let similarity: Double
  /// The similarity less the sum of all contributions: rounding.
  public let remainder: Double
  /// uᵢ and vⱼ, divided by the lengths of the embeddings: [positions][embedding].
  private let first, second: [[Double]]

  fileprivate init(
    positions: [Int], first: [[Double]], second: [[Double]], similarity: Double
  ) {
    (self.positions, self.first, self.second) = (positions, first, second)
    self.similarity = similarity
    remainder = similarity - dot(total(first), total(second))
  }

  /// What position i of the first input and j of the second add to the similarity.
  public func contribution(_ i: Int, _ j: Int) -> Double { dot(first[i], second[j]) }

  /// What each position of the first input adds, over all positions of the second.
  public var ofFirst: [Double] {
    let other = total(second)
    return first.map { dot($0, other) }
  }

  /// What each position of the second input adds, over all positions of the first.
  public var ofSecond: [Double] {
    let other = total(first)
    return second.map { dot($0, other) }
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

private func total(_ rows: [[Double]]) -> [Double] {
  rows.dropFirst().reduce(rows[0]) { sum, row in zip(sum, row).map { $0 + $1 } }
}

/// What gradients are taken in.
private struct Point: Parameterized {
  var input: Tensor
  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("input", &input)
  }
}

extension Encoder {
  /// Explains the similarity of two inputs.
  ///
  /// - Parameters:
  ///   - first, second: one item each, of shape [1] + ``inputShape``.
  ///   - layer: how many layers lie before the positions that are told apart; 0: the inputs
  ///     themselves.
  /// - Complexity: as embedding each input ``embeddingSize`` times, forwards and backwards.
  public func explain(
    _ first: Tensor, _ second: Tensor, layer: Int = 0
  ) -> SimilarityExplanation {
    precondition(
      first.shape == [1] + inputShape && second.shape == first.shape
        && layers.indices.contains(layer),
      "explain: \(first.shape) and \(second.shape) at layer \(layer) of \(layers.count)")
    let a = parts(of: first, layer: layer)
    let b = parts(of: second, layer: layer)
    let lengths = (dot(a.embedding, a.embedding) * dot(b.embedding, b.embedding)).squareRoot()
    let factor = lengths > 0 ? 1 / lengths : 0
    return SimilarityExplanation(
      positions: a.positions, first: a.rows.map { $0.map { $0 * factor } }, second: b.rows,
      similarity: dot(a.embedding, b.embedding) * factor)
  }

  private func parts(
    of input: Tensor, layer: Int
  ) -> (positions: [Int], rows: [[Double]], embedding: [Double]) {
    let before = layers[..<layer].map(\.value)
    // Lengths only scale the whole; without the division the rest is piecewise affine.
    let after = layers[layer...].map(\.value).filter { !($0 is UnitLength) }
    var pass = Pass(isTraining: false)
    let map = before.reduce(input) { $1($0, in: &pass) }.detached
    let width = map.shape.dropFirst().reduce(1, *)
    let channels = map.shape.count == 4 ? map.shape[3] : 1
    let positions = map.shape.count == 4 ? [map.shape[1], map.shape[2]] : [width]
    let count = width / channels
    let d = embeddingSize
    let x = map.elements(as: Double.self)
    var rows = Array(repeating: [Double](repeating: 0, count: d), count: count)
    var embedding = [Double](repeating: 0, count: d)
    // Copies of the map in one batch: the gradient of the m-th output of the m-th copy is row m of J.
    for start in stride(from: 0, to: d, by: 64) {
      let outputs = start..<min(d, start + 64)
      let copies = map.rows(at: [Int](repeating: 0, count: outputs.count))
      var mask = [Double](repeating: 0, count: outputs.count * d)
      for (place, output) in outputs.enumerated() { mask[place * d + output] = 1 }
      let diagonal = Tensor(mask, shape: [outputs.count, d]).converted(to: map.dtype)
      let (_, gradient) = valueWithGradient(at: Point(input: copies)) { point in
        var pass = Pass(isTraining: false)
        let output = after.reduce(point.input) { $1($0, in: &pass) }
        embedding = output.rows(at: [0]).elements(as: Double.self)
        return (output * diagonal).sum()
      }
      let slopes = gradient.input.elements(as: Double.self)
      for (place, output) in outputs.enumerated() {
        var sum = 0.0
        for i in 0..<width {
          let part = slopes[place * width + i] * x[i]
          rows[i / channels][output] += part
          sum += part
        }
        let bias = (embedding[output] - sum) / Double(count)
        for i in 0..<count { rows[i][output] += bias }
      }
    }
    return (positions, rows, embedding)
  }
}
