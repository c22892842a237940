import Files
import Foundation

/// Elements that are only read, in memory of our own or in a mapped file.
struct Block<Element: BitwiseCopyable>: @unchecked Sendable {
  // Unchecked because nobody writes to the memory once the block is made.
  let base: UnsafePointer<Element>
  let count: Int
  private let owner: AnyObject

  /// Memory of our own, every element of which `body` writes.
  init(count: Int, initializingWith body: (UnsafeMutablePointer<Element>) throws -> Void) rethrows {
    let memory = Memory(byteCount: count * MemoryLayout<Element>.stride)
    let start = memory.base.assumingMemoryBound(to: Element.self)
    try body(start)
    self.init(base: UnsafePointer(start), count: count, owner: memory)
  }

  init(_ elements: [Element]) {
    self.init(count: elements.count) { base in
      for (i, element) in elements.enumerated() { base[i] = element }
    }
  }

  /// A part of a mapped file, which lies there at a multiple of the element's size.
  init(_ file: MappedFile, offset: Int, count: Int) {
    precondition(
      offset % MemoryLayout<Element>.alignment == 0 && offset >= 0 && count >= 0
        && offset + count * MemoryLayout<Element>.stride <= file.bytes.count,
      "Block: \(count) elements at \(offset) are not within \(file.bytes.count) bytes")
    guard count > 0, let start = file.bytes.baseAddress else {
      self.init([])
      return
    }
    self.init(
      base: (start + offset).assumingMemoryBound(to: Element.self), count: count, owner: file)
  }

  private init(base: UnsafePointer<Element>, count: Int, owner: AnyObject) {
    (self.base, self.count, self.owner) = (base, count, owner)
  }

  var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

  @inline(__always)
  subscript(index: Int) -> Element { base[index] }
}

/// Bytes that go away with their last user.
private final class Memory {
  let base: UnsafeMutableRawPointer

  init(byteCount: Int) {
    // Rows are read in no order: on large pages the processor knows where each of them lies.
    let page = 1 << 21
    let isLarge = byteCount >= page
    base = UnsafeMutableRawPointer.allocate(
      byteCount: isLarge ? (byteCount + page - 1) / page * page : max(64, byteCount),
      alignment: isLarge ? page : 64)
    #if os(Linux)
      if isLarge { madvise(base, byteCount, MADV_HUGEPAGE) }
    #endif
  }

  deinit { base.deallocate() }
}
