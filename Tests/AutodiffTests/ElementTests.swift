import Foundation
import Testing

import Autodiff

extension KernelTests {
  static let counts = [0, 1, 3, 7, 8, 9, 31, 33, 65, 129, 40_000]

  /// Half a unit in the last place is the best that is possible.
  private static func units<S: Scalar>(_ found: S, _ exact: S) -> Double {
    if found == exact || (found.isNaN && exact.isNaN) { return 0 }
    guard found.isFinite, exact.isFinite else { return .infinity }
    return Double(Swift.abs(found - exact)) / Double(exact.ulp)
  }

  private static func checkFunction<S: Scalar>(
    _ numbers: [S], _ kernel: (UnsafeMutablePointer<S>, UnsafePointer<S>, Int) -> Void,
    _ exact: (S) -> S, within limit: Double
  ) {
    var y = [S](repeating: 0, count: numbers.count)
    withEachInstructionSet { set in
      kernel(&y, numbers, numbers.count)
      for (x, y) in zip(numbers, y) {
        #expect(units(y, exact(x)) <= limit, "\(set) \(x): \(y), not \(exact(x))")
      }
    }
  }

  @Test func exponentials() {
    let special: [Double] = [0, -0.0, 1, .infinity, -.infinity, .nan, 1e-300, -1e-30, 1e9, -1e9]
    let wide: [Double] = (0..<20_000).map { -760 + Double($0) * 0.0739 }
    KernelTests.checkFunction(special + wide, Double.exp, { Foundation.exp($0) }, within: 2)
    let narrow: [Double] = (0..<20_000).map { -110 + Double($0) * 0.01013 }
    let short: [Float] = (special + narrow).map { Float($0) }
    KernelTests.checkFunction(
      short, Float.exp, { Float(Foundation.exp(Double($0))) }, within: 1.5)
  }

  @Test func logarithms() {
    let special: [Double] = [
      0, -0.0, 1, .infinity, -.infinity, .nan, -1, 2, 0.5, 0x1p-1074, 0x1p-1023,
    ]
    let nearOne: [Double] = (0..<10_000).map { 0.5 + Double($0) * 1e-4 }
    let wide: [Double] = (0..<10_000).map { pow(10, -323 + Double($0) * 0.063) }
    KernelTests.checkFunction(
      special + nearOne + wide, Double.log, { Foundation.log($0) }, within: 2)
    let narrow: [Double] = (0..<10_000).map { pow(10, -44 + Double($0) * 0.0082) }
    let short: [Float] = (special + nearOne + narrow + [0x1p-149, 0x1p-130]).map { Float($0) }
    KernelTests.checkFunction(
      short, Float.log, { Float(Foundation.log(Double($0))) }, within: 1.5)
  }

  @Test(arguments: UnaryOperation.allCases, DType.allCases) func unary(
    operation: UnaryOperation, dtype: DType
  ) {
    for count in KernelTests.counts {
      let x = normal(count).scaled(by: 3)
      let input =
        switch operation {
        case .exp: x.scaled(by: 0.2)
        case .log, .squareRoot: x * x
        default: x
        }
      let expected = Tensor(
        input.elements(as: Double.self).map { Reference.value(operation, $0, 1.5) },
        shape: [count])
      withEachInstructionSet { set in
        let y = input.converted(to: dtype).mapped(operation, 1.5)
        #expect(difference(y, expected, scale: 10) <= tight(dtype), "\(set) \(count)")
      }
    }
  }

  @Test(arguments: BinaryOperation.allCases, DType.allCases) func binary(
    operation: BinaryOperation, dtype: DType
  ) {
    for count in KernelTests.counts {
      // Zeros and both signs, where the gradients are special.
      let a = normal(count)
      let b = Tensor((0..<count).map { Double($0 % 5 - 2) / 2 }, shape: [count])
      let expected = Tensor(
        zip(a.elements(as: Double.self), b.elements(as: Double.self)).map {
          Reference.value(operation, $0, $1)
        }, shape: [count])
      withEachInstructionSet { set in
        let y = a.converted(to: dtype).combined(operation, b.converted(to: dtype))
        #expect(difference(y, expected, scale: 4) <= tight(dtype), "\(set) \(count)")
      }
    }
  }

  @Test(arguments: DType.allCases) func sums(dtype: DType) {
    for count in KernelTests.counts + [100_001] {
      let x = normal(count).converted(to: dtype)
      let expected = x.elements(as: Double.self).reduce(0, +)
      withEachInstructionSet { set in
        #expect(
          Swift.abs(x.sum().item - expected) <= (dtype == .float32 ? 5e-7 : 1e-13)
            * Double(count).squareRoot(),
          "\(set) \(count)")
        #expect(withThreads(1) { x.sum().item } == withThreads(2) { x.sum().item }, "\(set)")
      }
    }
  }

  @Test(arguments: DType.allCases) func rowsOfLengthOne(dtype: DType) {
    for columns in KernelTests.counts.dropFirst() {
      let x = Tensor.concatenated([
        normal(3, columns), Tensor(zeros: [1, columns], dtype: .float64),
      ])
      let g = normal(4, columns, seed: 2)
      func run(_ x: Tensor, _ g: Tensor) -> [Tensor] {
        [x.normalizedRows(), valueWithGradient(at: x) { ($0.normalizedRows() * g).sum() }.gradient]
      }
      let expected = referenceRows(x, g)
      withEachInstructionSet { set in
        for (y, expected) in zip(run(x.converted(to: dtype), g.converted(to: dtype)), expected) {
          #expect(difference(y, expected, scale: 10) <= 10 * tight(dtype), "\(set) \(columns)")
        }
      }
    }
  }

  @Test(arguments: DType.allCases) func updates(dtype: DType) {
    for count in KernelTests.counts {
      let start = [normal(count), normal(count, seed: 2), normal(count, seed: 3)]
      let squares = normal(count, seed: 4) * normal(count, seed: 4)
      var (p, m, v) = (start[0], start[2], squares)
      var (q, u) = (start[0], start[2])
      let g = start[1].elements(as: Double.self)
      let numbers = AdamWNumbers<Double>(
        decay: 1 - 0.1 * 0.01, beta1: 0.9, beta2: 0.99, share1: 0.1, share2: 0.01,
        rate: 0.1 / (1 - pow(0.9, 3)),
        correction: (1 - pow(0.99, 3)).squareRoot(), epsilon: 1e-8)
      g.withUnsafeBufferPointer { g in
        p.updateElements(of: Double.self) { p in
          m.updateElements(of: Double.self) { m in
            v.updateElements(of: Double.self) { Reference.adamW(p, g, m, $0, numbers) }
          }
        }
        q.updateElements(of: Double.self) { q in
          u.updateElements(of: Double.self) {
            Reference.sgd(q, g, $0, rate: 0.1, momentum: 0.9, nesterov: true, decay: 0.01)
          }
        }
      }
      withEachInstructionSet { set in
        var found = (start + [squares]).map { $0.converted(to: dtype) }
        var (first, second) = (found[2], found[3])
        found[0].updateWithAdamW(
          gradient: found[1], firstMoment: &first, secondMoment: &second, learningRate: 0.1,
          beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, step: 3)
        var (stepped, velocity) = (start[0].converted(to: dtype), start[2].converted(to: dtype))
        stepped.updateWithSGD(
          gradient: found[1], velocity: &velocity, learningRate: 0.1, momentum: 0.9,
          nesterov: true, weightDecay: 0.01)
        for (y, expected) in [(found[0], p), (first, m), (second, v), (stepped, q), (velocity, u)] {
          #expect(difference(y, expected, scale: 10) <= 10 * tight(dtype), "\(set) \(count)")
        }
      }
    }
  }
}

private func tight(_ dtype: DType) -> Double { dtype == .float32 ? 5e-7 : 1e-15 }

/// The rows of x made of length one, and the derivative of ⟨them, g⟩, by the reference.
private func referenceRows(_ x: Tensor, _ g: Tensor) -> [Tensor] {
  let (rows, columns) = (x.shape[0], x.shape[1])
  var length = [Double](repeating: 0, count: rows)
  var y = [Double](repeating: 0, count: x.count)
  var gradient = y
  Reference.normalizeRows(&y, &length, x.base(), rows: rows, columns: columns)
  Reference.normalizeRowsGradient(&gradient, g.base(), y, length, rows: rows, columns: columns)
  return [Tensor(y, shape: x.shape), Tensor(gradient, shape: x.shape)]
}
