import Autodiff
import Losses
import Models

/// A loss and the embeddings that it is taken of, to differentiate it in both.
private struct LossPoint: Parameterized {
  var loss: CompositeLoss
  var embeddings: Tensor

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try loss.updateParameters(body)
    try body("embeddings", &embeddings)
  }
}

/// The value and gradient of a loss over a whole batch, while only a few items' activations are in
/// memory at once.
///
/// All items are embedded, a chunk at a time, without a record; the loss of all embeddings e is
/// differentiated in them, g = ∂L/∂e, and in the loss's own parameters; then each chunk is embedded
/// again and ⟨g, e⟩ of the chunk is differentiated in the encoder. The sum is the gradient of the
/// plain step up to rounding, so long as an item's embedding does not depend on the others: layers
/// that normalise by the batch see a chunk instead. Results depend on the chunk's size by rounding.
/// - Parameters:
///   - chunk: how many items go through the encoder at once.
///   - isTrained: whether the parameter of a name is differentiated in.
///   - observe: told what layers observed in each chunk, and of how many chunks.
///   - f: the loss of all embeddings, by losses whose parameters are recorded.
/// - Returns: the loss and its gradient, as of ``valueWithGradient(at:of:)``.
/// - Complexity: two forward passes and one backward; memory for a chunk's activations, and what the
///   loss takes.
/// - Reference: Gao et al., *Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup*
///   (RepL4NLP 2021).
public func cachedValueWithGradient(
  at objective: Objective, inputs: Tensor, chunk: Int,
  where isTrained: (_ name: String) -> Bool = { _ in true },
  observe: (_ pass: Pass, _ chunks: Int) -> Void = { _, _ in },
  of f: (_ loss: CompositeLoss, _ embeddings: Tensor) -> Tensor
) -> (value: Tensor, gradient: Objective) {
  precondition(chunk > 0, "cachedValueWithGradient: chunks of \(chunk) items")
  let count = inputs.shape[0]
  let ranges = stride(from: 0, to: count, by: chunk).map { $0..<min(count, $0 + chunk) }
  var parts: [Tensor] = []
  for range in ranges {
    var pass = Pass(isTraining: true)
    parts.append(objective.encoder(inputs.rows(at: Array(range)), in: &pass).detached)
  }
  let embeddings =
    parts.isEmpty
    ? Tensor(zeros: [0, objective.encoder.embeddingSize], dtype: inputs.dtype)
    : Tensor.concatenated(parts)
  let (value, found) = valueWithGradient(
    at: LossPoint(loss: objective.loss, embeddings: embeddings),
    where: { $0 == "embeddings" || isTrained("loss.\($0)") }
  ) { f($0.loss, $0.embeddings) }

  var gradient = objective
  gradient.encoder.updateParameters { $1 = Tensor(zeros: $1.shape, dtype: $1.dtype) }
  gradient.loss = found.loss
  for range in ranges {
    var pass = Pass(isTraining: true)
    let items = Array(range)
    let weights = found.embeddings.rows(at: items)
    let part = valueWithGradient(
      at: objective.encoder, where: { isTrained("encoder.\($0)") }
    ) { encoder in
      (encoder(inputs.rows(at: items), in: &pass) * weights).sum()
    }.gradient
    observe(pass, ranges.count)
    var added = part.parameters.makeIterator()
    gradient.encoder.updateParameters { _, sum in
      if let next = added.next() { sum = sum + next.value }
    }
  }
  return (value, gradient)
}
