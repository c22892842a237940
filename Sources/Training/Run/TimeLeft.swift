/// How long a piece of work will still take.
///
/// By the pace of the later half of the time so far: what was done before the first note (by an
/// earlier process), the slow first steps and what came before them do not count for long.
package struct TimeLeft: Sendable {
  private var notes: [(done: Int, time: ContinuousClock.Instant)] = []
  /// Notes are thinned out beyond so many.
  private static let most = 256

  package init() {}

  /// Takes note of how much is done; less than before is another piece of work.
  package mutating func note(_ done: Int, at time: ContinuousClock.Instant) {
    if let last = notes.last, done < last.done { notes = [] }
    notes.append((done, time))
    guard notes.count > TimeLeft.most else { return }
    // The newest stays; of the others every second one.
    notes = notes.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
  }

  /// The seconds left until `total` is done; nil while that cannot be told.
  package func seconds(of total: Int) -> Double? {
    guard let first = notes.first, let last = notes.last else { return nil }
    let middle = first.time + (last.time - first.time) / 2
    guard let from = notes.last(where: { $0.time <= middle }), last.done > from.done else {
      return nil
    }
    let passed = last.time - from.time
    let seconds =
      Double(passed.components.seconds) + Double(passed.components.attoseconds) * 1e-18
    return seconds / Double(last.done - from.done) * Double(max(0, total - last.done))
  }
}
