import Autodiff
import Settings

/// The batches of a run in order; the next one is made on another thread during a step.
///
/// A batch depends on the recipe, the data and the step's number alone, so it is the same bits
/// whenever it is made.
struct BatchQueue<T: RunTrainer> {
  private var next: Pending<T.Batch>?
  private var nextStep = -1
  /// How long steps waited for their batches.
  private(set) var waited = Duration.zero

  /// The batch of the trainer's next step; starts on the one after it.
  mutating func take(for trainer: inout T) throws(Failure) -> T.Batch {
    let step = trainer.step
    let start = ContinuousClock.now
    try trainer.prepareStep()
    let make = trainer.makeBatch
    let batch = (nextStep == step ? next?.take() : nil) ?? make(step)
    waited += ContinuousClock.now - start
    next = nil
    if step + 1 < trainer.recipe.training.steps, !trainer.looksAtItems(before: step + 1) {
      next = Pending { make(step + 1) }
      nextStep = step + 1
    }
    return batch
  }
}
