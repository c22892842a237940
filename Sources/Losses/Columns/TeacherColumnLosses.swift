import Autodiff
import Foundation
import Geometry
import Settings

/// How much better a query's document scores than its negatives, as a teacher has it.
///
/// With s the similarity and the teacher's t for the same texts:
///
///     mean over rows and negatives of ((s(q, p) - s(q, n)) - (t(q, p) - t(q, n)))²
///
/// The teacher is given as scores of the positive and of each negative, or as their differences.
/// Default: inner products. O(batch × dimension).
/// - Reference: Hofstätter et al., *Improving Efficient Neural Ranking Models with Cross-Architecture
///   Knowledge Distillation* (2020).
public struct MarginMSELoss: ColumnLoss {
  public var similarity = ColumnSimilarity.dot

  public init() {}

  public static let summary = "margins between document and negatives as a teacher has them"
  public static let source =
    "Hofstätter et al., Improving Efficient Neural Ranking Models with Cross-Architecture "
    + "Knowledge Distillation, 2020"
  public static let settings = [
    Setting("similarity", \Self.similarity, "how a query and a document are compared")
  ]
  public static let columnCounts = 3...Int.max
  public var targets: ColumnTargets { .scores(orDifferences: true) }

  public func value(_ input: ColumnInput) -> Tensor {
    let (x, rows) = (input.columns, input.rows)
    let known = input.targets?.elements(as: Double.self) ?? []
    let (negatives, width) = (x.count - 2, rows == 0 ? 1 : known.count / rows)
    let positive = similarity.pairs(x[0], x[1])
    var total = Tensor(0, dtype: positive.dtype)
    for k in 0..<negatives {
      let margin = positive - similarity.pairs(x[0], x[2 + k])
      let wanted = (0..<rows).map { row in
        width == negatives
          ? known[row * width + k] : known[row * width] - known[row * width + 1 + k]
      }
      let difference = margin - margin.constant(wanted)
      total = total + (difference * difference).sum()
    }
    return total.scaled(by: 1 / Double(max(1, rows * negatives)))
  }
}

/// The softmax over a query's documents as a teacher has it.
///
/// With s and t the scores of student and teacher, T_s and T_t their temperatures:
///
///     T_s² mean over rows of KL(softmax(t / T_t) ‖ softmax(s / T_s))
///
/// Two documents at least. Defaults: inner products, both temperatures 1; `temperature` sets both.
/// O(batch × documents).
/// - Reference: Hinton, Vinyals and Dean, *Distilling the Knowledge in a Neural Network* (2015).
public struct DistillKLLoss: ColumnLoss {
  public var similarity = ColumnSimilarity.dot
  public var temperature = 1.0
  public var studentTemperature: Double?
  public var teacherTemperature: Double?

  public init() {}

  public static let summary = "the distribution over a query's documents as a teacher has it"
  public static let source =
    "Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015"
  public static let settings = [
    Setting("similarity", \Self.similarity, "how a query and a document are compared"),
    Setting("temperature", \Self.temperature, "what scores are divided by", in: 1e-6...1e6),
    Setting(
      "studentTemperature", \Self.studentTemperature,
      "the same for the student alone; null: temperature", in: 1e-6...1e6),
    Setting(
      "teacherTemperature", \Self.teacherTemperature,
      "the same for the teacher alone; null: temperature", in: 1e-6...1e6),
  ]
  public static let columnCounts = 3...Int.max
  public var targets: ColumnTargets { .scores(orDifferences: false) }

  public func value(_ input: ColumnInput) -> Tensor {
    let (x, rows) = (input.columns, input.rows)
    let own = studentTemperature ?? temperature
    let scores = Tensor.beside(
      x.dropFirst().map { similarity.pairs(x[0], $0).reshaped(to: [rows, 1]) }
    ).scaled(by: 1 / own)
    guard let teacher = input.targets?.reshaped(to: scores.shape), rows > 0 else {
      return scores.sum()
    }
    let cold = teacher.scaled(by: 1 / (teacherTemperature ?? temperature))
    let sums = cold.logSumExp().elements(as: Double.self)
    let logits = cold.elements(as: Double.self)
    let width = x.count - 1
    let shares = logits.indices.map { Foundation.exp(logits[$0] - sums[$0 / width]) }
    // Σ q (log q - s + lse s), with Σ q = 1.
    let entropy = logits.indices.reduce(0) { $0 + shares[$1] * (logits[$1] - sums[$1 / width]) }
    let cross = scores.logSumExp().sum() - (scores * scores.constant(shares)).sum()
    return cross.shifted(by: entropy).scaled(by: own * own / Double(rows))
  }
}

extension EmbeddingDistillationLoss: ColumnLoss {
  public static let columnCounts = 1...Int.max
  public var takesTeacher: Bool { true }

  /// The mean over the columns of how far each is from the teacher.
  public func value(_ input: ColumnInput) -> Tensor {
    let labels = [Int](repeating: 0, count: input.rows)
    let values = input.columns.map {
      self(LossInput(embeddings: $0, labels: labels, teacher: input.teacher)).value
    }
    return values.dropFirst().reduce(values[0], +).scaled(by: 1 / Double(values.count))
  }
}
