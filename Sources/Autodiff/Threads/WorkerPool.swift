import CKernels
import Foundation
import Synchronization

/// Threads that wait for pieces of work.
///
/// A training step is hundreds of pieces of a few microseconds, and Dispatch takes longer than that
/// to wake a thread; these look out for work for about a millisecond before they sleep. Where cores
/// share no cache, Linux wakes a thread on the core of the one that woke it, and may leave both
/// there for seconds; a helper that finds itself on the core of the thread that hands out work
/// therefore leaves it. A class, since the threads share it; unchecked, since `job` is written only
/// while the gate is shut.
final class WorkerPool: @unchecked Sendable {
  static let shared = WorkerPool()

  private struct Job {
    var pieces = 0
    var helpers = 0
    var body: (Int) -> Void = { _ in }
  }

  /// Whether a thread is handing out work.
  private let isBusy = Atomic<Bool>(false)
  private var job = Job()
  /// How many pieces are taken from the front, and 2³² times how many from the back.
  private let taken = Atomic<Int>(0)
  /// How many helpers are at work, or `shut`. Nobody enters, and so nobody reads the job, while it
  /// is shut; it is shut only when all have left.
  private let gate = Atomic<Int>(WorkerPool.shut)
  /// Counts the jobs, so that nobody takes one for new twice.
  private let round = Atomic<Int>(0)
  /// The processor of the thread that hands out work.
  private let home = Atomic<Int32>(-1)
  private let sleepers = Atomic<Int>(0)
  private let bell = DispatchSemaphore(value: 0)
  /// Changed only by the thread that is handing out work.
  private var threadCount = 0

  private static let shut = -1
  /// How often a thread looks for work before it sleeps.
  private static let patience = 20_000

  func run(_ pieces: Int, helpers: Int, _ body: @escaping (Int) -> Void) {
    guard
      isBusy.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
        .exchanged
    else {
      for piece in 0..<pieces { body(piece) }
      return
    }
    while threadCount < helpers { startThread() }
    job = Job(pieces: pieces, helpers: helpers, body: body)
    taken.store(0, ordering: .relaxed)
    home.store(ck_processor(), ordering: .relaxed)
    gate.store(0, ordering: .releasing)
    round.add(1, ordering: .sequentiallyConsistent)
    let waiting = sleepers.load(ordering: .sequentiallyConsistent)
    if waiting > 0 {
      for _ in 0..<sleepers.exchange(0, ordering: .sequentiallyConsistent) { bell.signal() }
    }
    doPieces(fromBack: false)
    // All pieces are taken; whoever has not come yet need not.
    var looks = 0
    while !gate.compareExchange(
      expected: 0, desired: WorkerPool.shut, ordering: .acquiringAndReleasing
    ).exchanged {
      looks += 1
      _ = WorkerPool.watch(gate, while: { $0 != 0 })
      if looks > WorkerPool.patience { sched_yield() }
    }
    job = Job()
    isBusy.store(false, ordering: .releasing)
  }

  /// Does pieces until none are left.
  ///
  /// From both ends, so that each thread comes by the same pieces in one job after another and finds
  /// what it wrote itself in the cache of its own core, and yet none waits for another.
  private func doPieces(fromBack: Bool) {
    let job = job
    while true {
      let before = taken.add(fromBack ? 1 << 32 : 1, ordering: .relaxed).oldValue
      let (front, back) = (before & 0xffff_ffff, before >> 32)
      guard front + back < job.pieces else { return }
      job.body(fromBack ? job.pieces - 1 - back : front)
    }
  }

  private func startThread() {
    let seen = round.load(ordering: .relaxed)
    let isBackward = threadCount % 2 == 0
    let thread = Thread { [self] in work(after: seen, fromBack: isBackward) }
    thread.name = "kindred"
    thread.stackSize = 4 << 20
    thread.qualityOfService = .userInitiated
    thread.start()
    threadCount += 1
  }

  /// The life of a thread.
  private func work(after first: Int, fromBack: Bool) {
    var seen = first
    while true {
      seen = nextRound(after: seen)
      let occupied = home.load(ordering: .relaxed)
      if occupied >= 0, ck_processor() == occupied { ck_leave_processor(occupied) }
      guard enter() else { continue }
      doPieces(fromBack: fromBack)
      gate.subtract(1, ordering: .acquiringAndReleasing)
    }
  }

  /// Whether there is a job that wants one more helper.
  private func enter() -> Bool {
    var inside = gate.load(ordering: .acquiring)
    while inside >= 0 {
      let result = gate.compareExchange(
        expected: inside, desired: inside + 1, ordering: .acquiringAndReleasing)
      guard result.exchanged else {
        inside = result.original
        continue
      }
      if inside < job.helpers { return true }
      gate.subtract(1, ordering: .acquiringAndReleasing)
      return false
    }
    return false
  }

  /// Waits for a job, first watching and then asleep.
  private func nextRound(after seen: Int) -> Int {
    while true {
      for _ in 0..<WorkerPool.patience {
        let now = WorkerPool.watch(round, while: { $0 == seen })
        if now != seen { return now }
      }
      sleepers.add(1, ordering: .sequentiallyConsistent)
      if round.load(ordering: .sequentiallyConsistent) != seen, retractSleep() { continue }
      bell.wait()
    }
  }

  /// Looks at a number some fifty times while it is as it should not be.
  ///
  /// Virtual machines take a processor away that only pauses, so that is done seldom.
  private static func watch(_ number: borrowing Atomic<Int>, while isWaiting: (Int) -> Bool) -> Int
  {
    var value = number.load(ordering: .acquiring)
    for _ in 0..<50 {
      guard isWaiting(value) else { return value }
      value = number.load(ordering: .acquiring)
    }
    ck_pause()
    return value
  }

  /// Whether this thread is not counted as asleep any more; if not, the bell rings for it.
  private func retractSleep() -> Bool {
    var count = sleepers.load(ordering: .sequentiallyConsistent)
    while count > 0 {
      let result = sleepers.compareExchange(
        expected: count, desired: count - 1, ordering: .sequentiallyConsistent)
      if result.exchanged { return true }
      count = result.original
    }
    return false
  }
}
