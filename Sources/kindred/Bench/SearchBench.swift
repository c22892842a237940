import Autodiff
import Index
import Settings

/// Times the exact search of random unit vectors in themselves.
@Sendable func benchSearch(_ arguments: Arguments) throws {
  var (count, dimension) = (20_000, 128)
  for text in arguments.allValues("--size") {
    let numbers = text.split(separator: ",").compactMap { Int($0) }
    guard numbers.count == 2, numbers.allSatisfy({ (1...10_000_000).contains($0) }) else {
      throw Failure(
        .badUsage, at: "--size", "'\(text)'", expected: "vectors and width, as in 20000,128")
    }
    (count, dimension) = (numbers[0], numbers[1])
  }
  var random = Random(seed: 7)
  let vectors = Tensor(
    normal: [count, dimension], deviation: 1, dtype: .float32, random: &random
  ).normalizedRows()
  let index = try ExactIndex(vectors, metric: .innerProduct)
  var results: [Measurement] = []
  for top in [1, 101] {
    var failure: (any Error)?
    results.append(
      Measurement(
        "top \(top) of \(count)×\(dimension) in itself",
        operations: 2 * Double(count) * Double(count) * Double(dimension), budget: 2
      ) {
        do { _ = try index.search(vectors, count: top) } catch { failure = error }
      })
    if let failure { throw failure }
  }
  // Every vector is nearest to itself.
  let found = try index.search(vectors, count: 1)
  guard found.ids == Array(0..<count) else {
    throw Failure(.checkFailed, at: "bench search", "a vector is not its own nearest neighbour")
  }
  show(results, arguments)
}
