import Autodiff
import Geometry

extension LossInput {
  /// For each row its own place among the columns, if it has one.
  var places: [Int?] {
    guard let reference else { return labels.indices.map { $0 } }
    return reference.places.isEmpty ? labels.map { _ in nil } : reference.places
  }

  /// For each column the row of the batch that it is, if it is one.
  var rowsOfColumns: [Int?] {
    guard let reference else { return labels.indices.map { $0 } }
    var rows = [Int?](repeating: nil, count: reference.labels.count)
    for (row, place) in reference.places.enumerated() { if let place { rows[place] = row } }
    return rows
  }

  /// For each column its row in the pooled batch.
  var pooledColumns: [Int] {
    var next = labels.count
    return rowsOfColumns.map { row in
      if let row { return row }
      defer { next += 1 }
      return next
    }
  }

  /// The batch, and those of its references that are no rows of it, as one batch.
  ///
  /// For losses that compare rows with proxies or fixed points, or look at all rows at once: what
  /// is remembered is looked at as if it were in the batch.
  /// - Reference: for classifiers, Kim et al., *BroadFace: Looking at Tens of Thousands of People at
  ///   Once for Face Recognition* (ECCV 2020).
  var pooled: LossInput {
    guard let reference else { return self }
    let rows = rowsOfColumns
    let others = rows.indices.filter { rows[$0] == nil }
    let numbers = pooledColumns
    return LossInput(
      embeddings: .concatenated([embeddings, reference.embeddings.rows(at: others)]),
      labels: labels + others.map { reference.labels[$0] },
      tuples: tuples?.renumberingOthers { numbers[$0] }, teacher: teacher, reducer: reducer)
  }
}

/// A batch and its references as one set of rows, the references last, with pairs between the two.
///
/// For losses that need what references are to each other. Without references it is the batch.
struct RowsAndReferences {
  let embeddings: Tensor
  /// The pairs of the tuples, or all; and all.
  let pairs, allPairs: PairTable
  let tuples: Tuples?

  init(_ input: LossInput) {
    let all = input.allPairs
    guard let reference = input.reference else {
      (embeddings, pairs, allPairs, tuples) = (input.embeddings, input.pairs, all, input.tuples)
      return
    }
    let count = input.labels.count
    embeddings = .concatenated([input.embeddings, reference.embeddings])
    (pairs, allPairs) = (input.pairs.ofRowsAndColumns, all.ofRowsAndColumns)
    tuples = input.tuples?.renumberingOthers { $0 + count }
  }

  /// The reducer for a matrix with a row for each row of the set, of which the batch's are anchors.
  func rowReducer(_ input: LossInput) -> RowReducer? {
    var result = input.rowReducer(classes: input.labels + (input.reference?.labels ?? []))
    result?.anchors = input.labels.count
    return result
  }
}

extension Tuples {
  /// The same tuples with other numbers for positives and negatives.
  func renumberingOthers(_ number: (Int) -> Int) -> Tuples {
    switch self {
    case .pairs(let positive, let negative):
      .pairs(
        positive: positive.map { Pair($0.anchor, number($0.other)) },
        negative: negative.map { Pair($0.anchor, number($0.other)) })
    case .triplets(let triplets):
      .triplets(triplets.map { Triplet($0.anchor, number($0.positive), number($0.negative)) })
    }
  }
}

extension [Int] {
  /// Where each label is, in ascending order.
  var placesByLabel: [Int: [Int]] {
    var places: [Int: [Int]] = [:]
    for (place, label) in enumerated() { places[label, default: []].append(place) }
    return places
  }
}
