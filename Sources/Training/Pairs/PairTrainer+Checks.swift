import Autodiff
import Losses
import Settings

extension PairTrainer {
  /// What a run cannot give its losses is said before the first step.
  func checkFirstBatch() throws(Failure) {
    let (sampler, batch) = (recipe.sampler.value, maker.batch(0))
    guard !maker.needsScores || !maker.train.isEmpty else {
      throw Failure(
        .badData, at: "losses",
        "a loss asks for scores, and no query has a scored positive and \(sampler.negatives) scored "
          + "negatives", expected: "negatives as kindred mine corpus writes them, and their number",
        remedy: "set data.negatives, and sampler.negatives to how many were mined")
    }
    guard batch.queries.count > 1 || (batch.queries.count == 1 && sampler.negatives > 0) else {
      throw Failure(
        .badData, at: "sampler",
        "of \(maker.train.count) queries to train on only \(batch.queries.count) can be in a batch",
        expected:
          "documents that do not answer each other's queries, and some that answer none of a "
          + "query", remedy: "give more documents, or lower sampler.negatives")
    }
    for (i, choice) in recipe.losses.enumerated() {
      switch choice.loss.value.targets {
      case .none, .optionalNumber, .scores: break
      case .number, .classes:
        throw Failure(
          .badData, at: "losses[\(i)] (\(choice.loss.name))",
          "the loss asks for a number of each pair, which queries and documents do not have",
          expected: "a loss of answers and negatives, as multiple-negatives-ranking")
      }
      guard !choice.loss.value.takesTeacher else {
        throw Failure(
          .badData, at: "losses[\(i)] (\(choice.loss.name))", "there is no teacher of pairs",
          expected: "a loss that asks for none")
      }
      guard
        !choice.loss.value.takesGuide
          || (data.queries.vectors != nil && data.queries.kind == data.documents.kind)
      else {
        throw Failure(
          .badData, at: "losses[\(i)] (\(choice.loss.name))",
          "its guide are the vectors as they are given, and there are none of one width",
          expected: "vectors of queries and documents of one width")
      }
    }
    let zeros = Tensor(
      zeros: [batch.queries.count, objective.encoders.embeddingSize], dtype: .float32)
    var input = ColumnInput(
      Array(repeating: zeros, count: 1 + batch.columns.count), targets: maker.scores(of: batch))
    input.guide = guide(of: batch)
    do throws(Failure) {
      try objective.loss.validate(input, at: "losses")
    } catch {
      guard error.found.hasSuffix("columns") else { throw error }
      var failure = error
      failure.remedy = "columns are the query, its answer and sampler.negatives"
      throw failure
    }
  }
}
