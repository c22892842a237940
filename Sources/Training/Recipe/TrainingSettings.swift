import Settings

/// How long a run goes on, how often it is judged, and what is kept of it.
public struct TrainingSettings: Configurable {
  /// Which model a run keeps.
  public enum Kept: String, CaseIterable, Sendable { case best, last }
  public var steps = 1000
  public var seed = 0
  public var evaluateEvery = 100
  public var patience = 0
  public var validation = 0.0
  public var keep = Kept.best
  public var monitor = "map@r"
  public var gradientClip = 0.0
  public var checkpointEvery = 0
  public var report = true
  public var chunk = 0

  public init() {}

  public static let settings = [
    Setting("steps", \Self.steps, "how many batches are trained on", in: 1...1_000_000_000),
    Setting("seed", \Self.seed, "what every random draw of the run depends on"),
    Setting(
      "evaluateEvery", \Self.evaluateEvery,
      "after how many steps the embedding is judged; 0: only at the end"),
    Setting(
      "patience", \Self.patience,
      "after how many evaluations without progress the run stops; 0: never"),
    Setting(
      "validation", \Self.validation,
      "the share of training classes, or of the queries of pairs, kept aside to judge on during the "
        + "run; 0: none, the test classes or queries are watched", in: 0...0.9),
    Setting("keep", \Self.keep, "which model the run keeps: the best one watched, or the last"),
    Setting("monitor", \Self.monitor, "the metric by which progress is judged"),
    Setting(
      "gradientClip", \Self.gradientClip, "the longest gradient that is followed; 0: any",
      in: 0...1e30),
    Setting(
      "checkpointEvery", \Self.checkpointEvery,
      "after how many steps a checkpoint is written; 0: with every evaluation"),
    Setting("report", \Self.report, "whether a finished run is drawn as report.html"),
    Setting(
      "chunk", \Self.chunk,
      "how many items go through the encoder at once, for batches larger than memory; 0: all"),
  ]
}
