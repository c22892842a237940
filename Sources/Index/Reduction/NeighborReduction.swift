import Autodiff
import Foundation
import Settings

/// A linear map under which neighbours stay alike, learned with Barlow Twins on pairs of a vector
/// and one of its nearest: TLDR.
///
/// L = s (Σ_i (1 − c_ii)² + λ Σ_{i≠j} c_ij²) with c = z₁ᵀ z₂ / B, where z are the batch-normalised
/// outputs of a projector that is thrown away afterwards, s = 1/32 and λ = 3.9 · 10⁻³; minimised by
/// LARS. The map starts from the principal components, which the paper's does not, and the
/// projector is eight times as wide as the map, where the paper's is 2048: both our choices.
/// - Reference: Kalantidis et al., *TLDR: Twin Learning for Dimensionality Reduction* (2022); Zbontar
///   et al., *Barlow Twins* (2021); You et al., *LARS* (2017).
package struct NeighborReduction {
  var neighbors = 5
  var batch = 1024
  var epochs = 100
  var warmUpEpochs = 10
  /// Vectors that are learned from; of more, some are drawn.
  var largestSample = 20_000

  package init() {}

  /// What is learned.
  struct Model: Parameterized {
    var weight, bias, hidden, scale, shift, output: Tensor

    mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
      try body("weight", &weight)
      try body("bias", &bias)
      try body("hidden", &hidden)
      try body("scale", &scale)
      try body("shift", &shift)
      try body("output", &output)
    }

    func projected(_ x: Tensor) -> Tensor {
      let inner = affine(affine(x, weight: weight, bias: bias), weight: hidden)
      return affine(
        relu(batchNormalization(inner, scale: scale, shift: shift).y), weight: output)
    }
  }

  func learned(
    from vectors: Tensor, dimension: Int, random: Random, onProgress: BuildProgress
  ) throws(Failure) -> VectorTransform {
    let rows = vectors.randomRows(largestSample, random: random.split("rows"))
    let n = rows.shape[0]
    guard n > 1 else {
      throw Failure(
        .badData, at: "reduction", "tldr learns from neighbours and there is \(n) vector",
        expected: "2 or more")
    }
    let near = try neighborhoods(of: rows)
    // Of the projector, which has one hidden layer.
    let width = min(512, max(64, 8 * dimension))
    var random = random
    func drawn(_ shape: [Int]) -> Tensor {
      Tensor(
        uniform: shape, bound: 1 / Double(shape[1]).squareRoot(), dtype: .float32, random: &random)
    }
    guard
      case .linear(let start, let bias) = principalComponents(of: rows, dimension, isCentered: true)
    else { preconditionFailure("principalComponents: no linear map") }
    var model = Model(
      weight: start, bias: Tensor(bias ?? [], shape: [dimension]),
      hidden: drawn([width, dimension]),
      scale: Tensor(repeating: 1, shape: [width], dtype: .float32),
      shift: Tensor(zeros: [width], dtype: .float32), output: drawn([width, width]))
    var speeds: [[Float]] = model.parameters.map { Array(repeating: 0, count: $0.value.count) }
    let size = min(batch, n)
    let steps = epochs * n / size
    var step = 0
    for epoch in 0..<epochs {
      let order = random.permutation(n)
      // The last rows of an epoch that fill no batch are left out.
      for first in stride(from: 0, through: n - size, by: size) where step < steps {
        let left = Array(order[first..<first + size])
        let right = left.map { near[$0][random.below(near[$0].count)] }
        let (x, y) = (rows.rows(at: left), rows.rows(at: right))
        let (_, gradient) = valueWithGradient(at: model) { model in
          barlowTwins(model.projected(x), model.projected(y))
        }
        update(&model, along: gradient, &speeds, rate: rate(step, of: steps, n, size))
        step += 1
      }
      onProgress(epoch + 1, epochs)
    }
    return .linear(model.weight, bias: model.bias.elements(as: Float.self))
  }

  /// The nearest other rows of each.
  private func neighborhoods(of rows: Tensor) throws(Failure) -> [[Int]] {
    let found = try ExactIndex(rows, metric: .l2).search(
      rows, count: min(neighbors + 1, rows.shape[0]))
    return (0..<rows.shape[0]).map { row in
      Array(found[row].map(\.id).filter { $0 != row }.prefix(neighbors))
    }
  }

  /// A warm-up by equal steps, then half a cosine down to a thousandth.
  package func rate(_ step: Int, of steps: Int, _ rows: Int, _ size: Int) -> Double {
    let base = 0.2 * Double(size) / 256
    let warmUp = warmUpEpochs * rows / size
    if step < warmUp { return base * Double(step) / Double(warmUp) }
    let share = 0.5 * (1 + cos(.pi * Double(step - warmUp) / Double(max(1, steps - warmUp))))
    return base * share + base * 0.001 * (1 - share)
  }

  /// LARS with momentum 0.9, weight decay 10⁻⁶ and trust 10⁻³; vectors take plain steps.
  private func update(
    _ model: inout Model, along gradient: Model, _ speeds: inout [[Float]], rate: Double
  ) {
    let slopes = gradient.parameters
    var place = 0
    model.updateParameters { _, parameter in
      var g = slopes[place].value.elements(as: Float.self)
      let w = parameter.elements(as: Float.self)
      var trust: Float = 1
      if parameter.shape.count != 1 {
        for i in g.indices { g[i] += 1e-6 * w[i] }
        let (long, steep) = (length(w), length(g))
        if long > 0, steep > 0 { trust = Float(1e-3 * long / steep) }
      }
      for i in g.indices { speeds[place][i] = 0.9 * speeds[place][i] + trust * g[i] }
      let speed = speeds[place]
      parameter = Tensor(w.indices.map { w[$0] - Float(rate) * speed[$0] }, shape: parameter.shape)
      place += 1
    }
  }

  private func length(_ x: [Float]) -> Double {
    x.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  }
}

/// The loss of Barlow Twins of two views, [B, width] each.
package func barlowTwins(_ a: Tensor, _ b: Tensor, lambda: Double = 3.9e-3, scale: Double = 1 / 32)
  -> Tensor
{
  let (rows, width) = (a.shape[0], a.shape[1])
  let ones = Tensor(repeating: 1, shape: [width], dtype: a.dtype)
  let zeros = Tensor(zeros: [width], dtype: a.dtype)
  func view(_ x: Tensor) -> Tensor { batchNormalization(x, scale: ones, shift: zeros).y }
  let products = view(a).times(view(b), transposingSelf: true).scaled(by: 1 / Double(rows))
  let identity = Tensor.identity(width, width).converted(to: a.dtype)
  let away = products - identity
  // 1 on the diagonal and λ elsewhere.
  let weights = identity.scaled(by: 1 - lambda).shifted(by: lambda)
  return (away * away * weights).sum().scaled(by: scale)
}
