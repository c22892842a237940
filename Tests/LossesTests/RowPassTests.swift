import Autodiff
import Geometry
import Losses
import Miners
import Testing

/// A pass over rows writes its derivative where the matrix was, if it may.
@Suite struct RowPassTests {
  @Test(arguments: DType.allCases) func aMatrixThatIsHeldStaysAsItIs(dtype: DType) {
    let values = [0.9, 0.1, -0.3, 0.2, 0.7, 0.4]
    let held = Tensor(values, shape: [2, 3]).converted(to: dtype)
    let expected = held.elements(as: Double.self)
    let pairs = PairTable(rowLabels: [0, 1], columnLabels: [0, 1, 2])
    let first = held.reduced(by: NormalizedSoftmaxLoss(), pairs: pairs)
    #expect(held.elements(as: Double.self) == expected)
    #expect(held.reduced(by: NormalizedSoftmaxLoss(), pairs: pairs).value.item == first.value.item)
  }

  /// Nobody holds the sum that is reduced, and the same product is held by the one who made it.
  @Test(arguments: DType.allCases) func theDerivativeIsTheSameInPlace(dtype: DType) {
    var random = Random(seed: 3)
    let x = Tensor(normal: [70, 5], deviation: 1, dtype: dtype, random: &random)
    let labels = (0..<70).map { $0 / 3 }
    let pairs = PairTable(labels: labels, reference: nil)
    let found = [true, false].map { isHeld in
      var kept: [Tensor] = []
      let gradient = valueWithGradient(at: [x]) {
        let matrix = Distance.cosine.matrix($0[0])
        if isHeld { kept.append(matrix) }
        return matrix.reduced(by: NTXentLoss(), pairs: pairs).value
      }.gradient[0]
      return (gradient.elements(as: Double.self), kept.count)
    }
    #expect(found[0].0.contains { $0 != 0 })
    #expect(found[0].0 == found[1].0)
  }
}
