import Autodiff
import Foundation
import Models
import Settings

/// A score that means the same for every query, made from cosine similarities.
///
/// From the query's embedding alone a small network finds a > 0, b and k in (0, 2), and the similarity x
/// becomes F(x) = sgn(x) a (|x| + 10⁻⁶)ᵏ + b, which rises with x: the order of what a query finds stays,
/// but one threshold on F, or σ(F) as a probability, suits all queries. The encoder is not changed.
/// (The network is h = ReLU(W₁ q + b₁), (a, b, k) = (softplus, identity, 2 σ) of W₂ h + b₂; its shape is
/// our choice.)
/// Source: Rossi et al., Relevance Filtering for Embedding-based Retrieval, 2024.
public struct CosineAdapter: Parameterized {
  private var hidden, head: Dense

  /// Numbers of an embedding.
  public var width: Int { hidden.weight.shape[1] }

  /// - Parameter width: of the embeddings.
  public init(width: Int, random: inout Random) {
    hidden = Dense(inputs: width, outputs: width, activation: .relu, random: &random)
    head = Dense(inputs: width, outputs: 3, random: &random)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try hidden.updateParameters { try body("hidden.\($0)", &$1) }
    try head.updateParameters { try body("head.\($0)", &$1) }
  }

  /// F of each pair, [pairs, 1].
  ///
  /// - Parameters:
  ///   - queries: the query of each pair, [pairs, width].
  ///   - similarities: of each pair, from −1 to 1.
  public func scores(queries: Tensor, similarities: [Double]) -> Tensor {
    precondition(
      queries.shape.first == similarities.count,
      "CosineAdapter: \(queries.shape) queries for \(similarities.count) similarities")
    let parts = parts(of: queries)
    func column(_ i: Int) -> Tensor {
      let pick = Tensor((0..<3).map { $0 == i ? 1.0 : 0 }, shape: [1, 3])
      return parts.timesTransposed(pick.converted(to: parts.dtype))
    }
    func constant(_ values: [Double]) -> Tensor {
      Tensor(values, shape: [values.count, 1]).converted(to: parts.dtype)
    }
    let signs = constant(similarities.map { $0 < 0 ? -1 : 1 })
    let logs = constant(similarities.map { log(abs($0) + 1e-6) })
    let power = exp(sigmoid(column(2)).scaled(by: 2) * logs)
    return softplus(column(0)) * signs * power + column(1)
  }

  /// What (a, b, k) are made from, [queries, 3].
  private func parts(of queries: Tensor) -> Tensor {
    var pass = Pass(isTraining: false)
    return head(hidden(queries, in: &pass), in: &pass)
  }

  /// The map F of one query.
  public struct Map: Sendable {
    let a, b, k: Double

    public func callAsFunction(_ similarity: Double) -> Double {
      (similarity < 0 ? -a : a) * pow(abs(similarity) + 1e-6, k) + b
    }
  }

  /// The map of each query, [queries, width].
  public func maps(_ queries: Tensor) -> [Map] {
    let parts = parts(of: queries).elements(as: Double.self)
    return (0..<queries.shape[0]).map { query in
      let (a, b, k) = (parts[3 * query], parts[3 * query + 1], parts[3 * query + 2])
      return Map(a: max(a, 0) + log1p(exp(-abs(a))), b: b, k: 2 / (1 + exp(-k)))
    }
  }

  /// The mean of log(1 + eᶠ) − y F, the cross-entropy of σ(F).
  public func loss(queries: Tensor, similarities: [Double], matches: [Bool]) -> Tensor {
    let scores = scores(queries: queries, similarities: similarities)
    let outcomes = Tensor(matches.map { $0 ? 1.0 : 0 }, shape: [matches.count, 1])
      .converted(to: scores.dtype)
    return (softplus(scores) - scores * outcomes).mean()
  }

  /// Learns from pairs; the candidates should be what the search finds, not random items.
  ///
  /// - Throws: if there are no pairs, or only matches or none.
  public mutating func fit(
    queries: Tensor, similarities: [Double], matches: [Bool], steps: Int = 500,
    learningRate: Double = 1e-2, onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) {
    guard matches.contains(true), matches.contains(false), matches.count == similarities.count
    else {
      throw Failure(
        .badData, at: "pairs", "there are \(matches.count { $0 }) matches of \(matches.count)",
        expected: "pairs that match and pairs that do not")
    }
    var rule = AdamW()
    (rule.learningRate, rule.weightDecay) = (learningRate, 0)
    var optimizer = Optimizer(rule, for: self)
    for step in 0..<steps {
      let (_, gradient) = valueWithGradient(at: self) {
        $0.loss(queries: queries, similarities: similarities, matches: matches)
      }
      // The last steps are short, so that the end does not depend on where the number stops.
      optimizer.update(&self, along: gradient, factor: 1 - Double(step) / Double(steps))
      onProgress(step + 1, steps)
    }
  }

  /// The score that the wanted share of matching pairs reaches.
  public static func threshold(
    _ scores: [Double], matches: [Bool], recall: Double
  ) -> Double? {
    let sorted = zip(scores, matches).filter(\.1).map(\.0).sorted(by: >)
    guard !sorted.isEmpty else { return nil }
    let count = Int((recall * Double(sorted.count)).rounded(.up))
    return sorted[min(sorted.count, max(1, count)) - 1]
  }
}
