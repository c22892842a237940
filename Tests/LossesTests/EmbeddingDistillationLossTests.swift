import Autodiff
import Foundation
import Losses
import Settings
import Testing

/// The formulas of embedding distillation in plain loops.
@Suite struct EmbeddingDistillationLossTests {
  static let x = [[0.5, -1.5, 2.0], [0.25, 0.0, -1.0], [3.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
  static let t = [[1.0, -1.0, 0.5], [0.25, 0.0, -1.0], [-1.0, 2.0, 0.0], [1.0, 2.0, 3.0]]

  private func loss(_ distance: String, _ x: [[Double]], _ t: [[Double]]) throws -> LossOutput {
    let loss = try EmbeddingDistillationLoss().setting(
      ["distance": .string(distance)], at: "test")
    return loss(
      LossInput(
        embeddings: Tensor(x.flatMap { $0 }, shape: [x.count, 3]), labels: [0, 1, 2, 3],
        teacher: Tensor(t.flatMap { $0 }, shape: [t.count, 3])))
  }

  @Test func meanSquare() throws {
    let squares = zip(Self.x.joined(), Self.t.joined()).map { ($0 - $1) * ($0 - $1) }
    let output = try loss("mse", Self.x, Self.t)
    #expect(abs(output.value.item - squares.reduce(0, +) / 12) < 1e-14)
    #expect(output.active == 0.75)
  }

  @Test func length() throws {
    let lengths = zip(Self.x, Self.t).map { (x: [Double], t: [Double]) -> Double in
      var square = 0.0
      for (a, b) in zip(x, t) { square += (a - b) * (a - b) }
      return square.squareRoot()
    }
    let found = try loss("l2", Self.x, Self.t).value.item
    #expect(abs(found - lengths.reduce(0, +) / 4) < 1e-14)
  }

  /// A row of zeros has cosine 0 with every other.
  @Test func cosine() throws {
    func product(_ a: [Double], _ b: [Double]) -> Double {
      var sum = 0.0
      for (x, y) in zip(a, b) { sum += x * y }
      return sum
    }
    let costs = zip(Self.x, Self.t).map { (x: [Double], t: [Double]) -> Double in
      let lengths = (product(x, x) * product(t, t)).squareRoot()
      return lengths == 0 ? 1 : 1 - product(x, t) / lengths
    }
    let found = try loss("cosine", Self.x, Self.t).value.item
    #expect(abs(found - costs.reduce(0, +) / 4) < 1e-14)
  }

  @Test func aTeacherOfAnotherWidthIsRefused() {
    let input = LossInput(
      embeddings: Tensor(zeros: [2, 3], dtype: .float32), labels: [0, 1],
      teacher: Tensor(zeros: [2, 4], dtype: .float32))
    #expect(throws: Failure.self) {
      try EmbeddingDistillationLoss().validate(input, at: "test")
    }
  }
}
