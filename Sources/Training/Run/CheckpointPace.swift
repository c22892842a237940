/// When checkpoints are written, so that they take a bounded share of a run's time.
///
/// With `training.checkpointEvery` they come after so many steps, whatever they cost. Without it they
/// are due with every evaluation and after a minute without one (or after any step of a run without
/// evaluations), and put off while those before took more than ``share`` of the time.
package struct CheckpointPace: Sendable {
  /// The share of the time that checkpoints may take.
  package static let share = 0.02
  private static let longest = Duration.seconds(60)

  private let settings: TrainingSettings
  private var last: ContinuousClock.Instant
  /// What the last one took; as long as there is none, what one usually takes.
  private var cost = Duration.milliseconds(20)
  /// How long all took.
  package private(set) var spent = Duration.zero

  package init(_ settings: TrainingSettings, from start: ContinuousClock.Instant) {
    (self.settings, last) = (settings, start)
  }

  /// Whether one is written after a step.
  package func isDue(after step: Int, at now: ContinuousClock.Instant) -> Bool {
    guard settings.checkpointEvery == 0 else { return step % settings.checkpointEvery == 0 }
    guard (now - last) * CheckpointPace.share >= cost else { return false }
    let every = settings.evaluateEvery
    return every == 0 || step % every == 0 || now - last >= CheckpointPace.longest
  }

  /// Takes note of one that was written.
  package mutating func wrote(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant)
  {
    (last, cost) = (end, end - start)
    spent += cost
  }
}
