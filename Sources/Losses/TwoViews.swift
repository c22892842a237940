import Autodiff
import Miners

/// Two views of the same things, row by row.
struct TwoViews {
  let first, second: Tensor
  var count: Int { first.shape[0] }

  /// The rows of a batch with those of a reference set of the same size, or else neighbours inside a
  /// class: the first row with the second, the third with the fourth. A row left over is left out.
  init(_ input: LossInput) {
    if let reference = input.reference, reference.labels.count == input.labels.count {
      (first, second) = (input.embeddings, reference.embeddings)
      return
    }
    var (left, right): ([Int], [Int]) = ([], [])
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
