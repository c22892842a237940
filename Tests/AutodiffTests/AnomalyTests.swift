import Autodiff
import Testing

@Suite struct Anomalies {
  @Test(arguments: [DType.float32, .float64])
  func finiteIsWhatHasAnExponent(dtype: DType) {
    let largest = dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : 0x1.fffffffffffffp1023
    for count in [0, 1, 7, 8, 33] {
      let good = Tensor([Double](repeating: -largest, count: count), shape: [count])
        .converted(to: dtype)
      #expect(good.isFinite && good.firstNotFinite == nil)
      for place in 0..<count {
        for bad in [Double.nan, .infinity, -.infinity, .signalingNaN] {
          var values =
            [0, -0.0, Double.leastNonzeroMagnitude, largest, -largest]
            + [Double](repeating: 1, count: 28)
          values[place] = bad
          let tensor = Tensor(values, shape: [values.count]).converted(to: dtype)
          #expect(!tensor.isFinite && tensor.firstNotFinite?.place == place)
        }
      }
    }
  }

  @Test func theFirstOperationIsNamed() {
    let x = Tensor([1.0, -1, 2], shape: [3])
    let calm = detectingAnomalies { valueWithGradient(at: x) { exp($0).sum() }.value.item }
    #expect(calm.anomaly == nil && calm.result > 0)
    let value = detectingAnomalies { valueWithGradient(at: x) { (log($0) * $0).sum() } }.anomaly
    #expect(value?.operation == "log" && value?.isDerivative == false && value?.shape == [3])
    // The value is finite, its derivative is not.
    let zero = Tensor([0.0], shape: [1])
    let tiny = Tensor([Double.leastNonzeroMagnitude], shape: [1])
    let derivative = detectingAnomalies {
      valueWithGradient(at: zero) { ($0 / tiny).sum() }
    }.anomaly
    #expect(derivative?.operation == "/" && derivative?.isDerivative == true)
    #expect(derivative?.description == "the derivative of operation '/' gave infinity")
    // Nothing is looked at outside.
    #expect(detectingAnomalies {}.anomaly == nil)
    #expect(!log(x).isFinite)
  }
}
