import Dispatch
import Foundation
import Synchronization
import Testing

import Autodiff

extension KernelTests {
  /// Every piece is done exactly once, whoever hands it out.
  @Test func doesEveryPieceOnce() {
    withThreads(4) {
      for pieces in [0, 1, 2, 3, 7, 500] {
        for _ in 0..<20 { expectEachOnce(pieces) }
      }
    }
  }

  /// A thread has the same memory for piece after piece, but not for a piece within a piece.
  @Test func panelsAreAThreadsOwn() {
    Float.withPanels(count: 1000) { outer in
      outer.update(repeating: 1, count: 1000)
      for count in [10, 100_000] {
        Double.withPanels(count: count) { $0.update(repeating: 2, count: count) }
      }
      #expect(UnsafeBufferPointer(start: outer, count: 1000).allSatisfy { $0 == 1 })
    }
    let places = [1000, 3, 0].map { Float.withPanels(count: $0) { UInt(bitPattern: $0) } }
    #expect(Set(places).count == 1 && places[0] % 64 == 0)
  }

  @Test func piecesMayHandOutPieces() {
    withThreads(4) {
      let total = Atomic<Int>(0)
      Parallel.forEach(6) { outer in
        Parallel.forEach(outer) { _ in _ = total.add(1, ordering: .relaxed) }
      }
      #expect(total.load(ordering: .relaxed) == 0 + 1 + 2 + 3 + 4 + 5)
    }
  }

  @Test func manyThreadsMayHandOutAtOnce() {
    withThreads(3) {
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        for _ in 0..<200 { expectEachOnce(9) }
      }
    }
  }

  /// Long enough apart that the threads fall asleep between.
  @Test func wakesThreadsThatSleep() {
    withThreads(2) {
      for _ in 0..<5 {
        expectEachOnce(50)
        usleep(20_000)
      }
    }
  }
}

private func expectEachOnce(_ pieces: Int) {
  var counts = [Int](repeating: 0, count: pieces)
  counts.withUnsafeMutableBufferPointer { counts in
    nonisolated(unsafe) let counts = counts
    Parallel.forEach(pieces) { counts[$0] += 1 }
  }
  #expect(counts.allSatisfy { $0 == 1 })
}
