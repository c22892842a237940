import Autodiff
import Data
import Index
import Settings

// Negatives that are mined anew during a training, by the encoders as they are then.

extension PairedData {
  /// The nearest documents of some queries that do not answer them; none for the other queries.
  ///
  /// - Complexity: that of a search of all documents for each query.
  func nearest(
    to some: [Int], by encoders: PairEncoders, count: Int, _ recipe: PairRecipe
  ) throws(Failure) -> [[Int]] {
    let most = some.reduce(0) { max($0, positives[$1].count) }
    let rankings = try rankings(
      try encoders[.query].embedded(some, of: queries),
      among: try embeddedDocuments(by: encoders), count: count + most, recipe)
    var found = [[Int]](repeating: [], count: queries.count)
    for (query, ranking) in zip(some, rankings) {
      let answers = Set(positives[query])
      found[query] = Array(ranking.lazy.filter { !answers.contains($0) }.prefix(count))
    }
    return found
  }
}

extension PairBatchMaker {
  /// What a checkpoint holds of what was mined, [queries to train on, sampler.mineFrom] and -1 for
  /// nothing; nil for a run that mines nothing.
  var minedTensor: Tensor? {
    guard sampler.mineEvery > 0 else { return nil }
    let width = sampler.mineFrom
    let rows = train.flatMap { query -> [Double] in
      let row = mined?[query] ?? []
      return row.map(Double.init) + [Double](repeating: -1, count: width - row.count)
    }
    return Tensor(rows, shape: [train.count, width])
  }

  /// Takes what a checkpoint holds.
  mutating func takeMined(_ tensor: Tensor, at path: String) throws(Failure) {
    let values = tensor.elements(as: Double.self)
    let rows = values.compactMap { Int(exactly: $0) }
    guard rows.count == values.count, rows.allSatisfy({ $0 < data.documents.count }) else {
      throw Failure(.badData, at: path, "the tensor 'sampler.mined' holds what is no document")
    }
    guard rows.contains(where: { $0 >= 0 }) else { return }
    var found = [[Int]](repeating: [], count: data.queries.count)
    for (place, query) in train.enumerated() {
      let own = rows[place * sampler.mineFrom..<(place + 1) * sampler.mineFrom]
      found[query] = own.filter { $0 >= 0 }
    }
    mined = found
  }
}
