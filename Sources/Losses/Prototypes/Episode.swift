import Autodiff
import Geometry

/// Rows that are classified (queries) by the means of other rows (support) of each class.
struct Episode {
  /// The rows of the batch that are queries.
  let queries: [Int]
  /// For each query the place of its class among the prototypes.
  let targets: [Int]
  /// A row for each class: the mean of its support.
  let prototypes: Tensor

  /// Splits a batch, or takes it all as queries if it has a reference set, the support.
  ///
  /// - Parameter isQuery: whether the row with a place inside its class is a query. A class with
  ///   queries only, or a class of one row, lends its rows as support and has no query.
  init(_ input: LossInput, isQuery: (_ place: Int) -> Bool) {
    let source = input.reference?.embeddings ?? input.embeddings
    let labels = input.reference?.labels ?? input.labels
    var rowsOfClass: [Int: [Int]] = [:]
    for (row, label) in labels.enumerated() { rowsOfClass[label, default: []].append(row) }
    let classes = rowsOfClass.keys.sorted()
    let placeOfClass = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    var queries: [Int] = []
    var support: [[Int]] = []
    for label in classes {
      let rows = rowsOfClass[label] ?? []
      let asked = input.reference == nil ? rows.indices.filter(isQuery).map { rows[$0] } : []
      if asked.isEmpty || asked.count == rows.count {
        support.append(rows)
      } else {
        queries += asked
        support.append(rows.indices.filter { !isQuery($0) }.map { rows[$0] })
      }
    }
    if input.reference != nil {
      queries = input.labels.indices.filter { placeOfClass[input.labels[$0]] != nil }
    }
    self.queries = queries
    targets = queries.map { placeOfClass[input.labels[$0]] ?? 0 }
    prototypes = source.means(of: support)
  }

  /// Which prototype is of each query's class.
  var pairs: PairTable {
    PairTable(rowLabels: targets, columnLabels: Array(0..<prototypes.shape[0]))
  }

  /// How much each query weighs; nil for all the same.
  func weights(_ input: LossInput) -> [Double]? {
    input.rowWeights.map { weights in queries.map { weights[$0] } }
  }

  /// How the terms of the queries are reduced; nil for the loss's own way.
  func reducer(_ input: LossInput) -> RowReducer? {
    input.rowReducer(classes: queries.map { input.labels[$0] })
  }
}

extension Tensor {
  /// The mean of each group of rows.
  func means(of groups: [[Int]]) -> Tensor {
    var factors = [Double](repeating: 0, count: groups.count * shape[0])
    for (group, rows) in groups.enumerated() {
      for row in rows { factors[group * shape[0] + row] += 1 / Double(rows.count) }
    }
    return Tensor(factors, shape: [groups.count, shape[0]]).converted(to: dtype).times(self)
  }
}

/// Softmax classification of rows by scale × value, one term for each row.
struct ClassSoftmax: RowFunction {
  var scale = 1.0
  /// What share of the target is spread evenly over all classes.
  var smoothing = 0.0

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let scale = S(scale)
    let share = S(smoothing) / S(row.values.count)
    var mean: S = 0
    for j in row.indices {
      row.derivatives[j] = row.values[j] * scale
      mean += row.derivatives[j]
    }
    let logit = row.derivatives[target]
    // -Σ t log p = -log p_y + Σ_k (ε / C) (z_y - z_k)
    let cost =
      row.crossEntropy(target: target) + S(smoothing) * (logit - mean / S(row.values.count))
    for j in row.indices { row.derivatives[j] = (row.derivatives[j] - share) * scale }
    row.derivatives[target] += S(smoothing) * scale
    sums.terms.add(row.weighted(cost))
  }
}
