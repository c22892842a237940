import Files
import Settings

/// A classical learner of a Mahalanobis metric, d(x, y) = |L (x - y)|.
public protocol MetricLearner: Described {
  /// What it can learn from; the first is what it is made for.
  static var supervision: [Supervision] { get }

  /// Learns a metric.
  ///
  /// The same problem gives the same bits, on any number of threads.
  /// - Throws: a ``Failure`` when no metric is defined by such rows.
  func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric
}

/// What tells a learner which rows are near each other.
public enum Supervision: String, CaseIterable, Sendable {
  case nothing, labels, targets, pairs, triplets, quadruplets, chunks
  /// A treatment and an outcome for each row.
  case effects
}

/// A linear map of rows that makes Euclidean distance the learned one.
public struct LearnedMetric: Sendable {
  /// L [components, columns]; the metric is M = transpose(L) L.
  public var map: Matrix
  /// What was minimised or maximised, by the learner's formula.
  public var objective: Double
  public var iterations: Int
  /// How far from an optimum this is at most, or how steep the objective still is: see ``certifies``.
  public var certificate: Double
  /// What the certificate is, as in "duality gap".
  public var certifies: String
  /// What the user should know of the result, a sentence without a full stop each.
  public var notes: [String] = []
  /// What else was found, for files of its own.
  public var extras: [Named<NumPyArray>] = []

  public init(
    map: Matrix, objective: Double, iterations: Int, certificate: Double, certifies: String,
    notes: [String] = []
  ) {
    (self.map, self.objective, self.iterations) = (map, objective, iterations)
    (self.certificate, self.certifies, self.notes) = (certificate, certifies, notes)
  }

  /// A metric given by M, of which the leading directions are kept when `components` says so.
  init(
    metric: Matrix, components: Int?, objective: Double, iterations: Int, certificate: Double,
    certifies: String, notes: [String] = []
  ) {
    let map = metric.root(most: components)
    var notes = notes
    if let components, components < metric.rows {
      notes.append(
        "the metric has \(metric.rows) columns; its \(map.rows) leading directions are kept, which is "
          + "the nearest metric of that rank")
    }
    self.init(
      map: map, objective: objective, iterations: iterations, certificate: certificate,
      certifies: certifies, notes: notes)
  }

  /// M = transpose(L) L.
  public var metric: Matrix { map.gram() }
}
