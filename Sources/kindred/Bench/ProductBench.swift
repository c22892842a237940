import Autodiff
import Settings

/// Times float32 products after comparing each with the Swift reference on a part of its rows.
@Sendable func benchProduct(_ arguments: Arguments) throws {
  var sizes: [(m: Int, k: Int, n: Int)] = []
  for text in arguments.allValues("--size") {
    let numbers = text.split(separator: ",").compactMap { Int($0) }
    guard numbers.count == 3, numbers.allSatisfy({ (1...65_536).contains($0) }) else {
      throw Failure(
        .badUsage, at: "--size", "'\(text)'", expected: "three whole numbers, as in 512,512,512")
    }
    sizes.append((numbers[0], numbers[1], numbers[2]))
  }
  if sizes.isEmpty {
    sizes = [128, 256, 512, 1024].map { ($0, $0, $0) } + [(4096, 512, 2048)]
  }
  var random = Random(seed: 1)
  var results: [Measurement] = []
  for (m, k, n) in sizes {
    let a = Tensor(uniform: [m, k], bound: 1, dtype: .float32, random: &random)
    let b = Tensor(uniform: [k, n], bound: 1, dtype: .float32, random: &random)
    var measurement = Measurement(
      "product \(m)×\(k)×\(n)", operations: 2 * Double(m) * Double(k) * Double(n)
    ) { _ = a.times(b) }
    measurement.error = errorOfProduct(a, b)
    results.append(measurement)
    guard let error = measurement.error, error <= 1e-5 * Double(k).squareRoot() else {
      throw Failure(
        .checkFailed, at: measurement.name,
        "the product is off by \(measurement.error ?? .nan)", expected: "the reference's values")
    }
  }
  show(results + (try ladder()), arguments)
}

/// The same product by the Swift reference and by each instruction set that the processor has, each
/// compared with the reference.
private func ladder() throws -> [Measurement] {
  let size = 256
  var random = Random(seed: 2)
  let shape = [size, size]
  let a = Tensor(uniform: shape, bound: 1, dtype: .float32, random: &random)
  let b = Tensor(uniform: shape, bound: 1, dtype: .float32, random: &random)
  let operations = 2 * Double(size * size * size)
  let expected = Reference.product(a, b)
  var results = [
    Measurement("ladder \(size)³: reference", operations: operations, budget: 0.3) {
      _ = Reference.product(a, b)
    }
  ]
  let before = InstructionSet.current
  defer { InstructionSet.current = before }
  for set in InstructionSet.available {
    InstructionSet.current = set
    var measurement = Measurement(
      "ladder \(size)³: \(set.rawValue)", operations: operations, budget: 0.3
    ) { _ = a.times(b) }
    let error = zip(a.times(b).elements(as: Float.self), expected.elements(as: Float.self))
      .reduce(0) { max($0, Double(abs($1.0 - $1.1))) }
    measurement.error = error
    guard error <= 1e-5 * Double(size).squareRoot() else {
      throw Failure(
        .checkFailed, at: measurement.name, "the product is off by \(error)",
        expected: "the reference's values")
    }
    results.append(measurement)
  }
  return results
}

/// The largest difference to a product in float64, over a few rows.
private func errorOfProduct(_ a: Tensor, _ b: Tensor) -> Double {
  let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
  let product = a.times(b).elements(as: Double.self)
  let (x, y) = (a.elements(as: Double.self), b.elements(as: Double.self))
  var error = 0.0
  for i in Set([0, m / 2, m - 1]) {
    for j in 0..<n {
      var sum = 0.0
      for p in 0..<k { sum += x[i * k + p] * y[p * n + j] }
      error = max(error, abs(sum - product[i * n + j]))
    }
  }
  return error
}
