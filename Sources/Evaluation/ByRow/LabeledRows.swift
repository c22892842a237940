import Autodiff

/// Embeddings made ready for distances: scaled, with squared norms and classes numbered from 0.
package struct LabeledRows<S: Scalar> {
  package let rows: [S]
  package let dimension: Int
  /// ‖x‖²; for cosine exactly 1, so that squared distances are 2 − 2 cosine: also with a row of zeros,
  /// which stays as it is and so has cosine 0 with every row.
  package let squaredNorms: [S]
  /// The class of each row; the same number means the same label in every set made together.
  package let classes: [Int]
  /// The group of each row, or nil; see ``EmbeddingSet/groups``.
  package let groups: [Int]?
  /// For each class, its rows in ascending order.
  package let members: [[Int]]
  /// What a distance of these rows is to be multiplied by to be one of the rows as given.
  package let scale: Double

  package var count: Int { classes.count }

  /// Makes query and gallery ready together.
  ///
  /// All rows are multiplied by one power of two, so that squares neither overflow nor vanish;
  /// no metric depends on the scale.
  package static func prepare(
    _ sets: [EmbeddingSet], distance: EvaluationOptions.Distance
  ) -> [LabeledRows<S>] {
    let labels = Set(sets.flatMap(\.labels)).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: zip(labels, labels.indices))
    var parts = sets.map { $0.embeddings.elements(as: S.self) }
    let factor = scale(&parts)
    if distance == .cosine {
      for i in parts.indices { normalize(&parts[i], dimension: sets[i].embeddings.shape[1]) }
    }
    return zip(sets, parts).map { set, rows in
      let classes = set.labels.map { numbers[$0] ?? 0 }
      var members = Array(repeating: [Int](), count: labels.count)
      for (row, number) in classes.enumerated() { members[number].append(row) }
      let dimension = set.embeddings.shape[1]
      let norms = set.labels.indices.map { row in
        distance == .cosine ? 1 : squaredNorm(rows[row * dimension..<(row + 1) * dimension])
      }
      return LabeledRows(
        rows: rows, dimension: dimension, squaredNorms: norms, classes: classes,
        groups: set.groups, members: members, scale: distance == .cosine ? 1 : factor)
    }
  }

  /// At most so many rows, evenly spread over all.
  package func sample(_ most: Int) -> LabeledRows<S> {
    guard count > most else { return self }
    let kept = (0..<most).map { $0 * count / most }
    var members = Array(repeating: [Int](), count: members.count)
    for (place, row) in kept.enumerated() { members[classes[row]].append(place) }
    return LabeledRows(
      rows: kept.flatMap { rows[$0 * dimension..<($0 + 1) * dimension] }, dimension: dimension,
      squaredNorms: kept.map { squaredNorms[$0] }, classes: kept.map { classes[$0] },
      groups: groups.map { groups in kept.map { groups[$0] } }, members: members, scale: scale)
  }

  /// Returns the power of two that undoes the scaling.
  private static func scale(_ parts: inout [[S]]) -> Double {
    let largest = parts.reduce(S(0)) { part, row in
      row.withUnsafeBufferPointer { $0.reduce(part) { max($0, abs($1)) } }
    }
    guard largest > 0 else { return 1 }
    // The factor itself may be out of range where the products with it are not, hence two steps.
    let exponent = largest.exponent
    let first = S(sign: .plus, exponent: -(exponent / 2), significand: 1)
    let second = S(sign: .plus, exponent: -(exponent - exponent / 2), significand: 1)
    for i in parts.indices {
      parts[i].withUnsafeMutableBufferPointer { part in
        for j in part.indices { part[j] = part[j] * first * second }
      }
    }
    return Double(sign: .plus, exponent: Int(exponent), significand: 1)
  }

  private static func normalize(_ rows: inout [S], dimension: Int) {
    for start in stride(from: 0, to: rows.count, by: dimension) {
      // Dividing by the largest element first keeps the squares of short rows from vanishing.
      let row = start..<start + dimension
      let largest = rows[row].reduce(0) { max($0, abs($1)) }
      guard largest > 0 else { continue }
      for i in row { rows[i] /= largest }
      let norm = squaredNorm(rows[row]).squareRoot()
      for i in row { rows[i] /= norm }
    }
  }

  private static func squaredNorm(_ row: ArraySlice<S>) -> S { row.reduce(0) { $0 + $1 * $1 } }
}
