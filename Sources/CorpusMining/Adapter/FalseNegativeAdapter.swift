import Autodiff
import Files
import Foundation
import Index
import Models
import Settings

/// Tells which candidates of a query are likely to be positives that no one labelled.
///
/// With q and c the vectors of a query and a candidate, of unit length, and q′ and c′ the same of
/// length √width, whose numbers are about 1, a network of the relation
/// z = [q′ − c′; q′ ∘ c′; q′ + c′] moves the candidate,
///
///     a = c + W₂ ReLU(W₁ z + b₁) + b₂
///
/// and a linear head of the relation of q′ and a′ = a √width tells one of four classes: whether the
/// candidate is relevant, and whether the retriever says so, which it does where the similarity is at
/// least that of half of the labelled positives. The vectors themselves are not changed. A candidate is
/// a false negative if it is relevant whatever the retriever says, so with P the softmax of the head
///
///     P(false negative) = P(relevant, said so) + P(relevant, not said so)
///
/// A fifth number of the head learns t = ½ (1 + cos(c, p)), how similar the candidate is to the most
/// similar of the labelled positives p, which tells near misses from what is far from all of them.
///
/// (That the threshold is the median, that both classes count, that the most similar positive is
/// the one to compare with, the head's relation and the widths are our choices: what we have of the
/// paper leaves them open.)
/// - Reference: Kim, *RRRA: Resampling and Reranking through a Retriever Adapter* (2025).
public struct FalseNegativeAdapter: Parameterized {
  private var hidden, move: Dense
  /// The head's parts for q′ − a′, q′ ∘ a′ and q′ + a′.
  private var difference, product, sum: Dense
  public let width: Int

  /// The classes of the head, in its order.
  enum Class: Int, CaseIterable { case truePositive, falseNegative, falsePositive, trueNegative }

  public init(width: Int, random: inout Random) {
    self.width = width
    hidden = Dense(inputs: 3 * width, outputs: width, activation: .relu, random: &random)
    move = Dense(inputs: width, outputs: width, random: &random)
    // The classes, and the similarity to positives.
    let classes = Class.allCases.count + 1
    difference = Dense(inputs: width, outputs: classes, random: &random)
    product = Dense(inputs: width, outputs: classes, hasBias: false, random: &random)
    sum = Dense(inputs: width, outputs: classes, hasBias: false, random: &random)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try hidden.updateParameters { try body("hidden.\($0)", &$1) }
    try move.updateParameters { try body("move.\($0)", &$1) }
    try difference.updateParameters { try body("difference.\($0)", &$1) }
    try product.updateParameters { try body("product.\($0)", &$1) }
    try sum.updateParameters { try body("sum.\($0)", &$1) }
  }

  /// Where candidates are moved to, and the head's numbers for the classes and for similarity.
  private func moved(
    _ queries: Tensor, _ candidates: Tensor
  ) -> (Tensor, classes: Tensor, similarity: Tensor) {
    var pass = Pass(isTraining: false)
    let relation = FalseNegativeAdapter.relation(queries, candidates)
    let moved = candidates + move(hidden(relation, in: &pass), in: &pass)
    let scale = Double(width).squareRoot()
    let (q, a) = (queries.scaled(by: scale), moved.scaled(by: scale))
    let head =
      difference(q - a, in: &pass) + product(q * a, in: &pass) + sum(q + a, in: &pass)
    // Products with ones and zeros take the columns apart.
    let count = Class.allCases.count
    func columns(_ range: Range<Int>) -> Tensor {
      head.times(
        Tensor(
          (0...count).flatMap { i in range.map { i == $0 ? Float(1) : 0 } },
          shape: [count + 1, range.count]))
    }
    return (
      moved, columns(0..<count), columns(count..<count + 1).reshaped(to: [queries.shape[0]])
    )
  }

  /// [q′ − c′; q′ ∘ c′; q′ + c′], [pairs, 3 width].
  private static func relation(_ queries: Tensor, _ candidates: Tensor) -> Tensor {
    let (rows, width) = (queries.shape[0], queries.shape[1])
    let scale = Float(width).squareRoot()
    return queries.withElements(of: Float.self) { q in
      candidates.withElements(of: Float.self) { c in
        Tensor(shape: [rows, 3 * width], of: Float.self) { z in
          for row in 0..<rows {
            for k in 0..<width {
              let (a, b) = (scale * q[row * width + k], scale * c[row * width + k])
              z[3 * row * width + k] = a - b
              z[(3 * row + 1) * width + k] = a * b
              z[(3 * row + 2) * width + k] = a + b
            }
          }
        }
      }
    }
  }

  /// Σᵢ wᵢ (CE(headᵢ, classᵢ) + β H(tᵢ, similarityᵢ)) + the mean over the pairs of
  /// min_α ‖a − (α q + (1 − α) c)‖², 0 ≤ α ≤ 1.
  ///
  /// H(t, s) = softplus(s) − t s is the cross-entropy of the sigmoid of s. The last part keeps a on
  /// the way from the candidate to the query.
  /// - Parameters:
  ///   - queries, candidates: rows of unit length, float32, [pairs, width].
  ///   - weights: of the pairs; they balance the classes.
  ///   - likeness: t, from 0 to 1.
  ///   - likenessWeight: β.
  func loss(
    queries: Tensor, candidates: Tensor, classes: [Class], weights: [Double],
    likeness: [Float], likenessWeight: Double
  ) -> Tensor {
    let rows = classes.count
    let (moved, scores, similarity) = moved(queries, candidates)
    let nearest = FalseNegativeAdapter.nearest(to: moved.detached, queries, candidates)
    let away = moved - nearest
    let normal = (away * away).sum().scaled(by: 1 / Double(max(1, rows)))
    // The largest number of a row is taken off before exp; it cancels.
    let count = Class.allCases.count
    let numbers = scores.elements(as: Float.self)
    let largest = (0..<rows).flatMap { row in
      [Float](repeating: -(numbers[row * count..<(row + 1) * count].max() ?? 0), count: count)
    }
    let shifted = scores + Tensor(largest, shape: [rows, count])
    let chosen = Tensor(
      classes.flatMap { one in Class.allCases.map { $0 == one ? Float(1) : 0 } },
      shape: [rows, count])
    var costs = log(exp(shifted).sumOverColumns()) - (shifted * chosen).sumOverColumns()
    if likenessWeight > 0 {
      let distance = softplus(similarity) - similarity * Tensor(likeness, shape: [rows])
      costs = costs + distance.scaled(by: likenessWeight)
    }
    return (costs * Tensor(weights.map { Float($0) }, shape: [rows])).sum() + normal
  }

  /// The point nearest to a on the line from c to q; c itself where q is c.
  private static func nearest(to moved: Tensor, _ queries: Tensor, _ candidates: Tensor) -> Tensor {
    let (rows, width) = (queries.shape[0], queries.shape[1])
    let (a, q, c) = (
      moved.elements(as: Float.self), queries.elements(as: Float.self),
      candidates.elements(as: Float.self)
    )
    return Tensor(shape: [rows, width], of: Float.self) { result in
      for row in 0..<rows {
        let range = row * width..<(row + 1) * width
        var (along, length) = (Float(0), Float(0))
        for i in range {
          along += (a[i] - c[i]) * (q[i] - c[i])
          length += (q[i] - c[i]) * (q[i] - c[i])
        }
        let share = length > 0 ? min(1, max(0, along / length)) : 0
        for i in range { result[i] = c[i] + share * (q[i] - c[i]) }
      }
    }
  }

  /// The probability that each candidate is relevant to its query.
  ///
  /// - Parameter queries, candidates: [pairs, width], rows of unit length.
  public func falseNegatives(queries: Tensor, candidates: Tensor) -> [Double] {
    let count = Class.allCases.count
    let scores = moved(queries, candidates).classes.elements(as: Double.self)
    return (0..<queries.shape[0]).map { row in
      let own = scores[row * count..<(row + 1) * count]
      let largest = own.max() ?? 0
      let powers = own.map { exp($0 - largest) }
      return (powers[Class.truePositive.rawValue] + powers[Class.falseNegative.rawValue])
        / powers.reduce(0, +)
    }
  }

  /// How similar each candidate seems to the query's labelled positives, t: 0 to 1.
  func likeness(queries: Tensor, candidates: Tensor) -> [Double] {
    moved(queries, candidates).similarity.elements(as: Double.self).map { 1 / (1 + exp(-$0)) }
  }

  /// ½ (1 + cos(q, c)) (1 − P(false negative))ᵍ: how likely a candidate is drawn as a negative.
  ///
  /// - Parameter power: the exponent g.
  func drawWeights(queries: Tensor, candidates: Tensor, power: Double) -> [Double] {
    let (queries, candidates) = (queries.withUnitRows(), candidates.withUnitRows())
    let cosines = (queries * candidates).sumOverColumns().elements(as: Double.self)
    return zip(cosines, falseNegatives(queries: queries, candidates: candidates)).map {
      max(0, (1 + $0) / 2) * pow(max(0, 1 - $1), power)
    }
  }
}

extension FalseNegativeAdapter {
  private static let kind = "kindred-false-negative-adapter"

  public func write(to path: String) throws(Failure) {
    var (copy, entries) = (self, [SafetensorsEntry]())
    copy.updateParameters { entries.append(SafetensorsEntry($0, $1)) }
    try SafetensorsFile(metadata: ["kind": FalseNegativeAdapter.kind], tensors: entries)
      .write(to: path)
  }

  public init(_ path: String) throws(Failure) {
    let file = try SafetensorsFile.read(path)
    guard file.metadata["kind"] == FalseNegativeAdapter.kind,
      let width = try file.tensor("move.weight", at: path).shape.first, width > 0
    else {
      throw Failure(
        .badData, at: path, "this is no adapter", remedy: "make one with kindred mine adapter")
    }
    var random = Random(seed: 0)
    self.init(width: width, random: &random)
    var failure: Failure?
    updateParameters { name, parameter in
      do throws(Failure) {
        let read = try file.tensor(name, at: path)
        guard read.shape == parameter.shape, read.dtype == .float32 else {
          throw Failure(
            .badData, at: "\(path): tensor '\(name)'", "its shape is \(read.shape)",
            expected: "\(parameter.shape) of float32")
        }
        parameter = read
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
