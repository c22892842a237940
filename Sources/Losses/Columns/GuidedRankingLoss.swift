import Autodiff
import Geometry
import Settings

/// Each query's document against the rest of the batch, without what a guide holds for false negatives.
///
/// A frozen guide embeds the same texts. With t_i = guide(a_i, p_i), the candidates of query i are the
/// rows of a-p, a-a and p-p (as asked for) and a-n; one whose similarity by the guide exceeds
/// t_i - margin (absolute) or t_i - margin |t_i| (relative) does not count, the own document always
/// does. The loss is the mean cross-entropy of cosines / temperature with the own document.
///
/// Defaults: temperature 0.01, absolute margin 0, a-a and p-p among the candidates. O(batch²) memory.
/// - Reference: Solatorio, *GISTEmbed: Guided In-sample Selection of Training Negatives for Text
///   Embedding Fine-tuning* (2024).
public struct GuidedRankingLoss: ColumnLoss {
  public enum MarginStrategy: String, Sendable, CaseIterable { case absolute, relative }

  public var temperature = 0.01
  public var marginStrategy = MarginStrategy.absolute
  public var margin = 0.0
  public var contrastAnchors = true
  public var contrastPositives = true

  public init() {}

  public static let summary = "in-batch negatives without those that a guide finds too alike"
  public static let source = "Solatorio, GISTEmbed, 2024"
  public static let settings = [
    Setting("temperature", \Self.temperature, "what cosines are divided by", in: 1e-6...1e6),
    Setting(
      "marginStrategy", \Self.marginStrategy,
      "whether the margin is a number or a share of the positive's similarity"),
    Setting("margin", \Self.margin, "how far below the positive a negative must be", in: -2...2),
    Setting("contrastAnchors", \Self.contrastAnchors, "whether queries are negatives of queries"),
    Setting(
      "contrastPositives", \Self.contrastPositives, "whether documents are negatives of documents"),
  ]
  public static let columnCounts = 2...Int.max
  public var takesGuide: Bool { true }

  public func value(_ input: ColumnInput) -> Tensor {
    let (x, g, rows) = (input.columns, input.guide, input.rows)
    let similarity = ColumnSimilarity.cosine
    let limits = similarity.pairs(g[0], g[1]).elements(as: Double.self).map {
      marginStrategy == .absolute ? $0 - margin : $0 - Swift.abs($0) * margin
    }
    var blocks = [(0, 1)]
    if contrastAnchors { blocks.append((0, 0)) }
    if contrastPositives { blocks.append((1, 1)) }
    blocks += (2..<max(2, x.count)).map { (0, $0) }
    var (logits, counts): ([Tensor], [[Bool]]) = ([], [])
    for (i, (left, right)) in blocks.enumerated() {
      logits.append(similarity.matrix(x[left], x[right]).scaled(by: 1 / temperature))
      let guided = similarity.matrix(g[left], g[right]).elements(as: Double.self)
      let isOwn = isDiagonal(rows, rows)
      counts.append(
        guided.indices.map { k in
          guard isOwn[k] else { return guided[k] <= limits[k / rows] }
          // The own document always counts; a row's similarity with itself is 1 to the bit.
          return i == 0 || (left == right ? 1 : guided[k]) <= limits[k / rows]
        })
    }
    let isCandidate = (0..<rows).flatMap { row in
      counts.flatMap { $0[row * rows..<(row + 1) * rows] }
    }
    return Tensor.beside(logits).crossEntropy(with: Array(0..<rows), where: isCandidate)
  }
}
