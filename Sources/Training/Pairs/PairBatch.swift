import Autodiff
import Data
import Settings

/// The rows of one step: queries, and a column of documents for each role.
package struct PairBatch: Sendable, Equatable {
  /// The step that the batch belongs to, from 0.
  package let step: Int
  package var queries: [Int] = []
  /// The answers, then the first negatives, and so on: each as long as `queries`.
  package var columns: [[Int]]

  /// Every document, column after column.
  package var documents: [Int] { columns.flatMap(\.self) }
}

/// What batches of pairs depend on, without the model.
package struct PairBatchMaker: Sendable {
  let data: PairedData
  let sampler: PairSampler
  /// What was mined for each query during the training; nil for what the data have.
  var mined: [[Int]]?
  /// Whether documents need scores of a teacher, so that only those that have one are drawn.
  let needsScores: Bool
  let random: Random
  /// The queries that are drawn from.
  let train: [Int]
  /// The queries of the training that a document answers.
  private let answered: [[Int]]

  /// - Parameter train: the queries that are trained on.
  package init(
    _ data: PairedData, train: [Int], sampler: PairSampler, needsScores: Bool, random: Random
  ) {
    (self.data, self.sampler, self.needsScores) = (data, sampler, needsScores)
    self.random = random.split("sampler")
    var answered = [[Int]](repeating: [], count: data.documents.count)
    for query in train {
      for document in data.positives[query] { answered[document].append(query) }
    }
    self.answered = answered
    self.train =
      needsScores
      ? train.filter { query in
        guard !data.negatives.isEmpty else { return false }
        let mined = data.negatives[query]
        return mined.scores.count { $0 != nil } >= sampler.negatives
          && data.positives[query].contains { mined.positiveScores[$0] != nil }
      } : train
  }

  /// The batch of a step: the queries come in an order drawn anew for each time through all of them;
  /// those that do not go together with the ones before are left out and others drawn.
  ///
  /// - Complexity: O(queries + batch × answers of a query).
  package func batch(_ step: Int) -> PairBatch {
    var drawing = Drawing(step: step, columns: 1 + sampler.negatives)
    let (count, size) = (train.count, min(sampler.batch, train.count))
    guard size > 0 else { return drawing.batch }
    var own = random.split("step").split(UInt64(step))
    var slot: [Int] = []
    var (round, first) = (step * size).quotientAndRemainder(dividingBy: count)
    while slot.count < size {
      var order = random.split("round").split(UInt64(round))
      slot += order.permutation(count)[first...].prefix(size - slot.count)
      (round, first) = (round + 1, 0)
    }
    for place in slot { add(train[place], to: &drawing, &own) }
    if drawing.batch.queries.count < size {
      for place in own.permutation(count) where drawing.batch.queries.count < size {
        add(train[place], to: &drawing, &own)
      }
    }
    return drawing.batch
  }

  /// What is drawn so far.
  private struct Drawing {
    var batch: PairBatch
    var queries: Set<Int> = []
    /// Queries that an answer of the batch answers, and those that any document of it does.
    var byAnswers: Set<Int> = []
    var byAny: Set<Int> = []

    init(step: Int, columns: Int) {
      batch = PairBatch(step: step, columns: Array(repeating: [], count: columns))
    }
  }

  /// Adds a query with its documents, if they go together with those before.
  private func add(_ query: Int, to drawing: inout Drawing, _ random: inout Random) {
    guard !drawing.queries.contains(query) else { return }
    let mined =
      mined.map { MinedNegatives($0[query]) }
      ?? (data.negatives.isEmpty ? MinedNegatives() : data.negatives[query])
    let answers = data.positives[query].filter { document in
      (!needsScores || mined.positiveScores[document] != nil)
        && !answered[document].contains { drawing.byAny.contains($0) }
    }
    guard !answers.isEmpty else { return }
    let answer = answers[random.below(answers.count)]
    let ownQueries = Set(answered[answer])
    var documents = [answer]
    func take(_ document: Int) {
      guard documents.count <= sampler.negatives, !documents.contains(document),
        !answered[document].contains(where: {
          ownQueries.contains($0) || drawing.byAnswers.contains($0)
        })
      else { return }
      documents.append(document)
    }
    if sampler.negatives > 0 {
      for place in random.permutation(mined.rows.count)
      where !needsScores || mined.scores[place] != nil { take(mined.rows[place]) }
      var tries = needsScores ? 0 : 20 * sampler.negatives
      while documents.count <= sampler.negatives, tries > 0 {
        take(random.below(data.documents.count))
        tries -= 1
      }
      if documents.count <= sampler.negatives, !needsScores {
        // There are few that do, if any.
        for document in random.permutation(data.documents.count) { take(document) }
      }
      guard documents.count == 1 + sampler.negatives else { return }
    }
    drawing.queries.insert(query)
    drawing.byAnswers.formUnion(ownQueries)
    for document in documents { drawing.byAny.formUnion(answered[document]) }
    drawing.batch.queries.append(query)
    for (column, document) in documents.enumerated() {
      drawing.batch.columns[column].append(document)
    }
  }

  /// What a teacher says of the documents of a batch, [queries, columns]; nil if it is not asked for.
  func scores(of batch: PairBatch) -> Tensor? {
    guard needsScores else { return nil }
    let values = batch.queries.indices.flatMap { row in
      let mined = data.negatives[batch.queries[row]]
      return batch.columns.enumerated().map { column, documents -> Double in
        let document = documents[row]
        guard column > 0 else { return mined.positiveScores[document] ?? 0 }
        return mined.rows.firstIndex(of: document).flatMap { mined.scores[$0] } ?? 0
      }
    }
    return Tensor(values, shape: [batch.queries.count, batch.columns.count])
  }
}
