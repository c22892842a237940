import Testing

import Autodiff

extension KernelTests {
  /// The fused operation against its parts, with values, statistics and all gradients.
  @Test(arguments: DType.allCases) func normalizedReluPooledEqualsItsParts(dtype: DType) {
    for (images, height, width, channels) in [
      (1, 2, 2, 1), (3, 5, 4, 7), (2, 3, 9, 33), (9, 28, 28, 17), (4, 7, 7, 64),
    ] {
      let x = normal(images, height, width, channels).scaled(by: 3).shifted(by: 5)
      let point = [x, normal(channels, seed: 2), normal(channels, seed: 3)]
      let weights = normal(images, height / 2, width / 2, channels, seed: 4)
      let (parts, moments) = referenceOutcome(point, weights)
      withEachInstructionSet { set in
        let (fused, statistics) = outcome(
          point.map { $0.converted(to: dtype) }, weights.converted(to: dtype))
        for (found, expected) in zip(fused + statistics, parts + moments) {
          let scale = max(1, expected.elements(as: Double.self).map { Swift.abs($0) }.max() ?? 1)
          #expect(
            difference(found, expected, scale: scale) <= (dtype == .float32 ? 2e-5 : 1e-12),
            "\(set) \(images) \(height) \(width) \(channels)")
        }
      }
    }
  }

  @Test func normalizedReluPooledHasTheSameBitsForAnyThreads() {
    let point = [
      normal(37, 9, 8, 33, dtype: .float32), normal(33, seed: 2, dtype: .float32),
      normal(33, seed: 3, dtype: .float32),
    ]
    let weights = normal(37, 4, 4, 33, seed: 4, dtype: .float32)
    withEachInstructionSet { set in
      let one = withThreads(1) { outcome(point, weights).0 }.map { $0.elements(as: Float.self) }
      let two = withThreads(2) { outcome(point, weights).0 }.map { $0.elements(as: Float.self) }
      #expect(one == two, "\(set)")
    }
  }

  @Test(arguments: [(1, 1), (7, 3), (65, 33), (3000, 31), (1, 8)]) func columns(
    rows: Int, columns: Int
  ) {
    let x = normal(rows, columns).shifted(by: 1000)
    let (g, mean) = (normal(rows, columns, seed: 2), normal(columns, seed: 3))
    let total = Tensor(shape: [columns], of: Double.self) {
      guard let y = $0.baseAddress else { return }
      Reference.sumOverRows(y, x.base(), rows: rows, columns: columns)
    }
    let (average, variance) = twoTensors(like: mean) {
      (average: UnsafeMutableBufferPointer<Double>, variance) in
      guard let average = average.baseAddress, let variance = variance.baseAddress else { return }
      Reference.moments(average, variance, x.base(), rows: rows, columns: columns)
    }
    let (sum, product) = twoTensors(like: mean) {
      (sum: UnsafeMutableBufferPointer<Double>, product) in
      guard let sum = sum.baseAddress, let product = product.baseAddress else { return }
      Reference.cotangentSums(
        sum, product, g.base(), x.base(), mean.base(), rows: rows, columns: columns)
    }
    let expected = [total, average, variance, sum, product]
    withEachInstructionSet { set in
      let moments = x.moments()
      let sums = BatchStatistics(mean: mean, variance: mean * mean, epsilon: 1).sums(g, x)
      let found = [x.sumOverRows(), moments.mean, moments.variance, sums.sum, sums.product]
      for i in 0..<5 {
        #expect(
          difference(found[i], expected[i], scale: Double(rows) * 1000) <= 1e-13, "\(set) \(i)")
      }
    }
  }

  @Test func pooledNaNStaysNaN() {
    for place in 0..<4 {
      let elements = (0..<4).map { $0 == place ? Double.nan : 1 }
      let one = Tensor(repeating: 1, shape: [1], dtype: .float64)
      let y = normalizedReluPooled(
        Tensor(elements, shape: [1, 2, 2, 1]), mean: one, variance: one, scale: one, shift: one)
      #expect(y.item.isNaN)
    }
  }
}

/// Gradients of ⟨weights, y⟩ and y itself, and the statistics.
private func outcome(_ point: [Tensor], _ weights: Tensor) -> ([Tensor], [Tensor]) {
  let (y, mean, variance) = normalizedReluPooled(point[0], scale: point[1], shift: point[2])
  let (_, gradient) = valueWithGradient(at: point) {
    (normalizedReluPooled($0[0], scale: $0[1], shift: $0[2]).y * weights).sum()
  }
  return (gradient + [y], [mean, variance])
}

private func referenceOutcome(_ point: [Tensor], _ weights: Tensor) -> ([Tensor], [Tensor]) {
  let (y, mean, variance) = batchNormalization(point[0], scale: point[1], shift: point[2])
  let (_, gradient) = valueWithGradient(at: point) {
    let y = batchNormalization($0[0], scale: $0[1], shift: $0[2]).y
    return (maxPool2x2(relu(y)) * weights).sum()
  }
  return (gradient + [maxPool2x2(relu(y))], [mean, variance])
}
