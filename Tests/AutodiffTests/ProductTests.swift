import Testing

import Autodiff

extension KernelTests {
  /// Relative to √k for numbers of variance 1.
  static func tolerance(_ dtype: DType, k: Int) -> Double {
    (dtype == .float32 ? 2e-6 : 2e-14) * Double(max(1, k)).squareRoot()
  }

  /// m, n and k around the edges of tiles and blocks.
  static let productShapes: [(m: Int, n: Int, k: Int)] =
    [1, 3, 7, 8, 9, 31, 33, 65, 129].flatMap { m in
      [1, 8, 31, 33, 129].map { n in (m, n, 1 + (m * 7 + n * 3) % 67) }
    } + [(5, 6, 0), (3, 4, 257), (13, 33, 600), (150, 40, 300), (40, 2100, 9), (300, 300, 65)]
    // Whole tiles of columns, packed or read where they lie.
    + [(13, 32, 5), (1, 64, 0), (70, 64, 290), (25, 96, 600), (520, 32, 7), (30, 544, 9)]

  @Test(arguments: DType.allCases) func product(dtype: DType) {
    for (m, n, k) in KernelTests.productShapes {
      let (a, b) = (normal(m, k, dtype: dtype), normal(k, n, seed: 2, dtype: dtype))
      let expected = reference(a.converted(to: .float64), b.converted(to: .float64))
      for (transposingA, transposingB) in [
        (false, false), (true, false), (false, true), (true, true),
      ] {
        let (left, right) = (transposingA ? a.transposed : a, transposingB ? b.transposed : b)
        withEachInstructionSet { set in
          let c = left.times(
            right, transposingSelf: transposingA, transposingOther: transposingB)
          #expect(
            difference(c, expected) <= KernelTests.tolerance(dtype, k: k),
            "\(set) \(m) \(n) \(k) \(transposingA) \(transposingB)")
        }
      }
    }
  }

  /// The half that is mirrored has the bits that it would have had.
  @Test(arguments: DType.allCases) func ownProductsAreThoseOfAnyProduct(dtype: DType) {
    let shapes = [(1, 3), (2, 0), (12, 5), (31, 9), (33, 40), (67, 300), (150, 7), (300, 65)]
    for (m, k) in shapes + [(128, 70), (512, 3)] {
      let (a, b) = (normal(m, k, dtype: dtype), normal(k, m, dtype: dtype))
      withEachInstructionSet { set in
        for threads in [1, 3] {
          let (rows, columns) = withThreads(threads) {
            (a.ownProducts(), b.ownProducts(ofColumns: true))
          }
          #expect(
            rows.elements(as: Double.self) == a.timesTransposed(a).elements(as: Double.self),
            "\(set) \(m) \(k)")
          #expect(
            columns.elements(as: Double.self)
              == b.times(b, transposingSelf: true).elements(as: Double.self),
            "\(set) \(m) \(k) of columns")
        }
      }
    }
  }

  /// Each pair of rows once, or with its mirror image if both are of a block.
  @Test func blocksOfOwnProductsAreFinishedOnce() {
    for (m, k) in [(1, 3), (31, 9), (150, 7), (300, 65)] {
      let a = normal(m, k, dtype: .float32)
      withEachInstructionSet { set in
        let finished = withThreads(3) {
          a.ownProducts(of: Float.self) { block in
            for row in block.rows {
              for j in 0..<block.columns.count { block.products(of: row)[j] *= 2 }
            }
          }
        }
        let isTwice = zip(
          finished.elements(as: Float.self), a.ownProducts().elements(as: Float.self)
        ).allSatisfy { $0 == 2 * $1 }
        #expect(isTwice, "\(set) \(m) \(k)")
      }
    }
  }

  /// A symmetric matrix, each element times the sum of its two rows' numbers.
  @Test(arguments: DType.allCases) func productsTimesSumsOfNumbers(dtype: DType) {
    for (n, columns) in [(1, 3), (5, 1), (12, 5), (31, 9), (67, 130), (300, 33), (530, 129)] {
      let wide = normal(n, n, dtype: .float64)
      let sum = (wide + wide.transposed).converted(to: dtype)
      let x = normal(n, columns, seed: 2, dtype: dtype)
      let numbers = (0..<n).map { Double($0 % 5) - 1.5 }
      let (elements, exact) = (sum.elements(as: Double.self), x.converted(to: .float64))
      let weighed = elements.indices.map { elements[$0] * (numbers[$0 / n] + numbers[$0 % n]) }
      let expected = reference(Tensor(weighed, shape: [n, n]), exact)
      withEachInstructionSet { set in
        let product = withThreads(3) {
          sum.timesSums(of: Tensor(numbers, shape: [n]).converted(to: dtype), times: x)
        }
        #expect(
          difference(product, expected) <= 5 * KernelTests.tolerance(dtype, k: n),
          "\(set) \(n) \(columns)")
      }
    }
  }

  @Test(arguments: DType.allCases) func productsWithASumOfTransposes(dtype: DType) {
    for (n, columns) in [(1, 3), (5, 1), (12, 5), (31, 9), (67, 130), (300, 33), (530, 129)] {
      let (w, x) = (normal(n, n, dtype: dtype), normal(n, columns, seed: 2, dtype: dtype))
      let wide = w.converted(to: .float64)
      let sum = wide + wide.transposed
      let expected = reference(sum, x.converted(to: .float64))
      withEachInstructionSet { set in
        let (product, sums) = withThreads(3) { w.plusTransposeTimes(x) }
        let tolerance = 4 * KernelTests.tolerance(dtype, k: n)
        #expect(difference(product, expected) <= tolerance, "\(set) \(n) \(columns)")
        #expect(difference(sums, sum.sumOverColumns()) <= tolerance, "\(set) \(n) \(columns)")
        let single = withThreads(1) { w.plusTransposeTimes(x) }
        #expect(product.elements(as: Double.self) == single.product.elements(), "\(set) \(n)")
        #expect(sums.elements(as: Double.self) == single.rowSums.elements(), "\(set) \(n)")
      }
    }
  }

  @Test func stripsHoldTheProductsOfAllRows() {
    for (m, n, k) in [(1, 5, 3), (3, 700, 4), (4, 9, 300), (75, 40, 17), (200, 1000, 8)] {
      let (a, b) = (normal(m, k, dtype: .float32), normal(n, k, seed: 2, dtype: .float32))
      let expected = a.timesTransposed(b).elements(as: Float.self)
      withEachInstructionSet { set in
        var found = [Float](repeating: .nan, count: m * n)
        found.withUnsafeMutableBufferPointer { found in
          nonisolated(unsafe) let found = found
          Float.productStrips(a.base(), b.base(), m: m, n: n, k: k) { rows, products in
            for i in 0..<rows.count * n { found[rows.lowerBound * n + i] = products[i] }
          }
        }
        #expect(
          zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-4 }, "\(set) \(m) \(n) \(k)")
      }
    }
  }

  @Test(arguments: [35, 64]) func productAddsToWhatIsThere(columns n: Int) {
    let (m, k) = (19, 300)
    let (a, b, c) = (normal(m, k), normal(k, n, seed: 2), normal(m, n, seed: 3))
    let expected = reference(a, b) + c
    withEachInstructionSet { set in
      var sum = c
      sum.updateElements(of: Double.self) {
        guard let c = $0.baseAddress else { return }
        Double.product(
          c, a.base(), b.base(), m: m, n: n, k: k, transposingA: false, transposingB: false,
          adding: true)
      }
      #expect(difference(sum, expected) <= KernelTests.tolerance(.float64, k: k), "\(set)")
    }
  }

  /// An element's bits depend neither on the threads nor on the rows and columns around it.
  @Test func productHasTheSameBitsForAnyCut() {
    let (a, b) = (normal(260, 300, dtype: .float32), normal(300, 97, seed: 2, dtype: .float32))
    withEachInstructionSet { set in
      let c = withThreads(1) { a.times(b) }
      #expect(withThreads(2) { a.times(b) }.elements(as: Float.self) == c.elements(), "\(set)")
      let row = a.rows(at: [17]).times(b)
      #expect(row.elements(as: Float.self) == c.rows(at: [17]).elements(), "\(set)")
    }
  }

  @Test(arguments: DType.allCases) func affineWithEpilogue(dtype: DType) {
    for (rows, inputs, outputs) in [(1, 1, 1), (9, 17, 33), (65, 300, 10), (14, 0, 5)] {
      let x = normal(rows, inputs, dtype: dtype)
      let weight = normal(outputs, inputs, seed: 2, dtype: dtype)
      let bias = normal(outputs, seed: 3, dtype: dtype)
      let sum = reference(
        x.converted(to: .float64), weight.converted(to: .float64).transposed)
      let shifted = sum.addingToRows(bias.converted(to: .float64))
      withEachInstructionSet { set in
        for (bias, activation, expected) in [
          (nil, Activation.none, sum), (nil, .relu, relu(sum)), (bias, .none, shifted),
          (bias, .relu, relu(shifted)),
        ] {
          let y = affine(x, weight: weight, bias: bias, activation: activation)
          #expect(
            difference(y, expected) <= KernelTests.tolerance(dtype, k: inputs + 1),
            "\(set) \(rows) \(inputs) \(outputs) \(activation)")
        }
      }
    }
  }
}

/// The product of matrices of float64 by the reference.
private func reference(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
  return Tensor(shape: [m, n], of: Double.self) { c in
    guard let c = c.baseAddress else { return }
    Reference.product(
      c, a.base(), b.base(), m: m, n: n, k: k, transposingA: false, transposingB: false,
      adding: false)
  }
}
