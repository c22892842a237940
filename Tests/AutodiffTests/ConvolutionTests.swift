import Testing

import Autodiff

extension KernelTests {
  /// Images, height, width, channels, outputs, kernel height, kernel width.
  static let convolutionShapes: [ConvolutionShape] = [
    (1, 1, 1, 1, 1, 3, 3), (2, 5, 7, 1, 33, 3, 3), (3, 4, 3, 3, 8, 3, 3), (2, 9, 8, 7, 9, 5, 1),
    (1, 3, 31, 13, 31, 1, 3), (2, 3, 3, 65, 64, 3, 3), (1, 6, 5, 31, 2, 7, 5),
    (5, 16, 15, 9, 12, 3, 3), (0, 3, 3, 2, 2, 3, 3),
  ].map {
    ConvolutionShape(
      images: $0, height: $1, width: $2, channels: $3, outputs: $4, kernelHeight: $5,
      kernelWidth: $6)
  }

  @Test(arguments: DType.allCases) func convolutionMatchesReference(dtype: DType) {
    for s in KernelTests.convolutionShapes {
      let x = normal(s.images, s.height, s.width, s.channels, dtype: dtype)
      let weight = normal(
        s.outputs, s.kernelHeight, s.kernelWidth, s.channels, seed: 2, dtype: dtype)
      let bias = normal(s.outputs, seed: 3, dtype: dtype)
      let g = normal(s.images, s.height, s.width, s.outputs, seed: 4, dtype: dtype)
      let expected = referenceConvolutions([x, weight, bias, g], s)
      withEachInstructionSet { set in
        let found = convolutions([x, weight, bias, g])
        for (i, length) in [s.patch + 1, s.outputs * s.patch, s.positions].enumerated() {
          #expect(
            difference(found[i], expected[i]) <= KernelTests.tolerance(dtype, k: length),
            "\(set) \(s) \(["value", "input gradient", "weight gradient"][i])")
        }
      }
    }
  }

  @Test func convolutionsHaveTheSameBitsForAnyThreads() {
    let tensors = [
      normal(9, 14, 14, 5, dtype: .float32), normal(33, 3, 3, 5, seed: 2, dtype: .float32),
      normal(33, seed: 3, dtype: .float32), normal(9, 14, 14, 33, seed: 4, dtype: .float32),
    ]
    withEachInstructionSet { set in
      let one = withThreads(1) { convolutions(tensors) }.map { $0.elements(as: Float.self) }
      let two = withThreads(2) { convolutions(tensors) }.map { $0.elements(as: Float.self) }
      #expect(one == two, "\(set)")
    }
  }
}

/// The convolution of x, weight and bias, and the derivatives of ⟨it, g⟩ in x and in weight.
private func convolutions(_ tensors: [Tensor]) -> [Tensor] {
  let y = convolution(tensors[0], weight: tensors[1], bias: tensors[2])
  let (_, gradient) = valueWithGradient(at: Array(tensors[0..<2])) {
    (convolution($0[0], weight: $0[1]) * tensors[3]).sum()
  }
  return [y] + gradient
}

/// The same by the reference, in float64.
private func referenceConvolutions(_ tensors: [Tensor], _ s: ConvolutionShape) -> [Tensor] {
  let tensors = tensors.map { $0.converted(to: .float64) }
  let (x, weight, g) = (tensors[0], tensors[1], tensors[3])
  func make(
    _ shape: [Int], _ body: (UnsafeMutablePointer<Double>) -> Void
  ) -> Tensor {
    Tensor(shape: shape, of: Double.self) { y in y.baseAddress.map(body) ?? () }
  }
  return [
    make(g.shape) { Reference.convolution($0, x.base(), weight.base(), s) }
      .addingToRows(tensors[2]),
    make(x.shape) { Reference.convolutionInputGradient($0, g.base(), weight.base(), s) },
    make(weight.shape) { Reference.convolutionWeightGradient($0, x.base(), g.base(), s) },
  ]
}
