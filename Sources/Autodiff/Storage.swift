import Synchronization

/// The elements of a tensor: aligned memory that goes back to a pool.
///
/// A class because its memory must be given back when the last tensor lets go of it. Unchecked,
/// because the compiler cannot see that it is written only before it is shared: by the operation
/// that makes it, or by an update that first makes sure that it is the only owner.
final class Storage: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  init(byteCount: Int) {
    self.byteCount = byteCount
    base = BufferPool.shared.take(byteCount)
  }

  deinit { BufferPool.shared.give(base, byteCount) }
}

/// Memory of past tensors, kept for the next ones.
///
/// Large blocks that go back to the system fault in again, page by page, at the next use; keeping
/// them is what makes a training step free of allocations.
final class BufferPool: Sendable {
  static let shared = BufferPool()

  /// What the pool may hold beyond what is in use.
  private static let limit = 1 << 30
  static let alignment = 64

  private struct State {
    var free: [Int: [Block]] = [:]
    var held = 0
    var allocations = 0
    var bytesInUse = 0
    var peakBytesInUse = 0
  }
  private struct Block: @unchecked Sendable { let base: UnsafeMutableRawPointer }
  private let state = Mutex(State())

  /// Sizes are rounded up to quarters of powers of two, so that few classes serve all.
  static func capacity(for byteCount: Int) -> Int {
    let count = max(byteCount, 64)
    let quarter = max(64, 1 << (Int.bitWidth - 3 - (count - 1).leadingZeroBitCount))
    return (count + quarter - 1) / quarter * quarter
  }

  func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let capacity = BufferPool.capacity(for: byteCount)
    let block = state.withLock { state -> Block? in
      state.bytesInUse += capacity
      state.peakBytesInUse = max(state.peakBytesInUse, state.bytesInUse)
      guard let block = state.free[capacity]?.popLast() else {
        state.allocations += 1
        return nil
      }
      state.held -= capacity
      return block
    }
    return block?.base
      ?? UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: BufferPool.alignment)
  }

  func give(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
    let capacity = BufferPool.capacity(for: byteCount)
    let block = Block(base: base)
    let isKept = state.withLock { state in
      state.bytesInUse -= capacity
      guard state.held + capacity <= BufferPool.limit else { return false }
      state.free[capacity, default: []].append(block)
      state.held += capacity
      return true
    }
    if !isKept { base.deallocate() }
  }

  /// Gives what no tensor uses back to the system.
  func releaseUnused() {
    let blocks = state.withLock { state in
      defer { (state.free, state.held) = ([:], 0) }
      return state.free.values.flatMap { $0 }
    }
    for block in blocks { block.base.deallocate() }
  }

  /// Blocks asked from the system so far, and the most bytes that tensors held at once.
  var statistics: (allocations: Int, peakBytes: Int) {
    state.withLock { ($0.allocations, $0.peakBytesInUse) }
  }
}

/// What tensors cost so far, for benchmarks.
public enum MemoryStatistics {
  /// Blocks asked from the system.
  public static var allocations: Int { BufferPool.shared.statistics.allocations }
  /// Gives the memory of past tensors back to the system, so that what comes is measured alone.
  public static func releaseUnused() { BufferPool.shared.releaseUnused() }
  /// The most bytes that tensors held at once.
  public static var peakBytes: Int { BufferPool.shared.statistics.peakBytes }
}
