import Autodiff
import Settings

/// Embeddings with the class of each.
public struct EmbeddingSet: Sendable {
  /// Shape [n, d], float32 or float64.
  public let embeddings: Tensor
  /// One label per row; any whole numbers, equal ones are a class.
  public let labels: [Int]
  /// The group of each row, such as the camera that took a picture, or nil. Rows of one class *and*
  /// one group are too easy to find: they count neither as a match nor as anything else.
  public let groups: [Int]?
  /// What messages call the set, such as the file that it came from.
  public let name: String

  public init(
    embeddings: Tensor, labels: [Int], groups: [Int]? = nil, name: String = "embeddings"
  ) {
    (self.embeddings, self.labels, self.groups, self.name) = (embeddings, labels, groups, name)
  }

  public var count: Int { labels.count }

  /// Checks that there is something to measure: rows of finite numbers, with a label each.
  func check() throws(Failure) {
    guard embeddings.shape.count == 2, embeddings.count > 0 else {
      throw Failure(
        .badData, at: name, "the embeddings have shape \(embeddings.shape)",
        expected: "at least one row and one column")
    }
    guard embeddings.shape[0] == labels.count else {
      throw Failure(
        .badData, at: name,
        "there are \(embeddings.shape[0]) embeddings and \(labels.count) labels",
        expected: "one label per embedding")
    }
    if let groups, groups.count != labels.count {
      throw Failure(
        .badData, at: name, "there are \(labels.count) embeddings and \(groups.count) groups",
        expected: "one group per embedding")
    }
    let bad =
      embeddings.dtype == .float32
      ? embeddings.withElements(of: Float.self) { $0.firstIndex { !$0.isFinite } }
      : embeddings.withElements(of: Double.self) { $0.firstIndex { !$0.isFinite } }
    if let bad {
      let (row, column) = bad.quotientAndRemainder(dividingBy: embeddings.shape[1])
      throw Failure(
        .badData, at: "\(name): row \(row), column \(column)", "this is not a finite number",
        remedy: "remove the row, or find out why the model returned it")
    }
  }

  /// Whether every row has unit length within 10⁻³.
  public var hasUnitRows: Bool {
    let (rows, d) = (embeddings.converted(to: .float64), embeddings.shape[1])
    return rows.withElements(of: Double.self) { x in
      stride(from: 0, to: x.count, by: d).allSatisfy { start in
        abs(x[start..<start + d].reduce(0) { $0 + $1 * $1 } - 1) < 2e-3
      }
    }
  }
}
