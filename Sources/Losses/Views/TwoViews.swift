import Autodiff
import Geometry

/// Two views of the same things, row by row.
struct TwoViews {
  let first, second: Tensor
  var count: Int { first.shape[0] }

  /// The rows of a batch with those of a reference set of the same size; with one of another size,
  /// or with rows of the batch, the k-th row of each class with the k-th reference of the class that
  /// is not of the batch; without one, neighbours inside
  /// a class: the first row with the second, the third with the fourth. Rows left over are left out.
  init(_ input: LossInput) {
    var (left, right): ([Int], [Int]) = ([], [])
    if let reference = input.reference {
      guard reference.labels.count != input.labels.count || !reference.places.isEmpty else {
        (first, second) = (input.embeddings, reference.embeddings)
        return
      }
      let others = reference.labels.placesByLabel
      let isOwn = input.rowsOfColumns.map { $0 != nil }
      for (label, rows) in input.labels.placesByLabel.sorted(by: { $0.key < $1.key }) {
        for (row, other) in zip(rows, (others[label] ?? []).filter { !isOwn[$0] }) {
          left.append(row)
          right.append(other)
        }
      }
      first = input.embeddings.rows(at: left)
      second = reference.embeddings.rows(at: right)
      return
    }
    for rows in input.rowsByClass {
      for k in stride(from: 0, to: rows.count - 1, by: 2) {
        left.append(rows[k])
        right.append(rows[k + 1])
      }
    }
    first = input.embeddings.rows(at: left)
    second = input.embeddings.rows(at: right)
  }
}

extension Tensor {
  /// Each column minus its mean.
  func withCenteredColumns() -> Tensor {
    addingToRows(sumOverRows().scaled(by: -1 / Double(max(1, shape[0]))))
  }

  /// This row, [columns], repeated: [rows, columns].
  func repeated(rows: Int) -> Tensor {
    Tensor(repeating: 1, shape: [rows, 1], dtype: dtype).times(reshaped(to: [1, count]))
  }
}
