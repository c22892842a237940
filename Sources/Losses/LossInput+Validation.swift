import Autodiff
import Geometry
import Settings

extension LossInput {
  /// Checks what every loss needs: shapes that fit, finite numbers, and tuples inside the batch.
  public func validate(at place: String) throws(Failure) {
    guard embeddings.shape.count == 2 else {
      throw Failure(
        .badData, at: place, "the embeddings have shape \(embeddings.shape)",
        expected: "a matrix, one row per item")
    }
    let rows = embeddings.shape[0]
    try check(embeddings, labels, "embeddings", at: place)
    if let reference {
      guard reference.embeddings.shape.count == 2,
        reference.embeddings.shape[1] == embeddings.shape[1],
        reference.embeddings.dtype == embeddings.dtype
      else {
        throw Failure(
          .badData, at: place,
          "the reference embeddings have shape \(reference.embeddings.shape) and "
            + "\(reference.embeddings.dtype)",
          expected: "\(embeddings.shape[1]) columns of \(embeddings.dtype), as the batch has")
      }
      try check(reference.embeddings, reference.labels, "reference embeddings", at: place)
      let count = reference.labels.count
      guard reference.places.isEmpty || reference.places.count == rows,
        reference.places.allSatisfy({ $0.map { (0..<count).contains($0) } ?? true })
      else {
        throw Failure(
          .badData, at: place, "the rows' places among the references do not fit",
          expected: "one for each of \(rows) rows, each from 0 to \(count - 1)")
      }
    }
    if let teacher {
      guard teacher.shape.count == 2, teacher.shape[0] == rows,
        teacher.elements(as: Double.self).allSatisfy(\.isFinite)
      else {
        throw Failure(
          .badData, at: place, "the teacher's embeddings have shape \(teacher.shape)",
          expected: "\(rows) rows of finite numbers, one for each row of the batch")
      }
    }
    try checkTuples(at: place, rows: rows, columns: reference?.labels.count ?? rows)
  }

  /// Checks that there is a teacher, and perhaps that its rows are as wide as the batch's.
  func validateTeacher(hasOwnDimension: Bool, at place: String) throws(Failure) {
    guard let teacher else {
      throw Failure(
        .badData, at: place, "there are no embeddings of a teacher",
        expected: "one row of a teacher for each row of the batch",
        remedy: "set data.teacher in a recipe, or --teacher")
    }
    guard !hasOwnDimension || teacher.shape[1] == embeddings.shape[1] else {
      throw Failure(
        .badData, at: place, "the teacher's embeddings have \(teacher.shape[1]) numbers",
        expected: "\(embeddings.shape[1]), as the batch's",
        remedy: "reduce them by data.teacher.components in a recipe, or change model.embedding")
    }
  }

  private func check(
    _ embeddings: Tensor, _ labels: [Int], _ name: String, at place: String
  ) throws(Failure) {
    guard labels.count == embeddings.shape[0] else {
      throw Failure(
        .badData, at: place, "there are \(labels.count) labels",
        expected: "\(embeddings.shape[0]), one for each row of the \(name)")
    }
    let isFinite =
      switch embeddings.dtype {
      case .float32: embeddings.withElements(of: Float.self) { $0.allSatisfy(\.isFinite) }
      case .float64: embeddings.withElements(of: Double.self) { $0.allSatisfy(\.isFinite) }
      }
    guard isFinite else {
      throw Failure(
        .badData, at: place, "the \(name) have a number that is infinite or not a number",
        expected: "finite numbers")
    }
  }

  private func checkTuples(at place: String, rows: Int, columns: Int) throws(Failure) {
    let isInside =
      switch tuples {
      case nil: true
      case .pairs(let positive, let negative):
        (positive + negative).allSatisfy {
          (0..<rows).contains($0.anchor) && (0..<columns).contains($0.other)
        }
      case .triplets(let triplets):
        triplets.allSatisfy {
          (0..<rows).contains($0.anchor) && (0..<columns).contains($0.positive)
            && (0..<columns).contains($0.negative)
        }
      }
    guard isInside else {
      throw Failure(
        .badData, at: place, "a tuple names a row that there is not",
        expected: "anchors below \(rows) and others below \(columns)")
    }
  }
}
