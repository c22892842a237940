import Foundation
import Synchronization

/// The one place where threads are used.
///
/// Work is cut into pieces whose number does not depend on the number of threads, and each piece
/// writes its own part of the result, so results are the same bits for any number of threads.
public enum Parallel {
  /// How many threads work at once.
  public static var threadCount: Int {
    get { threads.load(ordering: .relaxed) }
    set { threads.store(max(1, newValue), ordering: .relaxed) }
  }

  /// Calls `body` once for each piece, from several threads; returns when all are done.
  ///
  /// Within a piece, and while another thread is at it, the calling thread does all of the work.
  public static func forEach(_ pieces: Int, _ body: (Int) -> Void) {
    let helpers = min(pieces, threadCount) - 1
    guard helpers > 0 else {
      for piece in 0..<max(0, pieces) { body(piece) }
      return
    }
    withoutActuallyEscaping(body) { body in
      WorkerPool.shared.run(pieces, helpers: helpers, body)
    }
  }

  /// Calls `body` with consecutive ranges of about `grain` indices that cover `0..<count`.
  public static func forEachRange(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let grain = max(1, grain)
    forEach((count + grain - 1) / grain) { piece in
      body(piece * grain..<min(count, (piece + 1) * grain))
    }
  }

  private static let threads = Atomic<Int>(max(1, ProcessInfo.processInfo.activeProcessorCount))
}
