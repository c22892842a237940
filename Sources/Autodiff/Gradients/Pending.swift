import Dispatch
import Synchronization

/// A value that another thread makes while this one goes on.
///
/// A class because two threads share it: the one that makes the value and the one that takes it.
public final class Pending<Value: Sendable>: Sendable {
  private let isDone = DispatchSemaphore(value: 0)
  private let value = Mutex<Value?>(nil)
  private let make: @Sendable () -> Value

  /// Starts to make the value, or leaves that to ``take()`` if only one thread may work.
  public init(_ make: @escaping @Sendable () -> Value) {
    self.make = make
    guard Parallel.threadCount > 1 else {
      isDone.signal()
      return
    }
    DispatchQueue.global(qos: .userInitiated).async { [self] in
      let made = make()
      value.withLock { $0 = made }
      isDone.signal()
    }
  }

  /// The value, once it is made.
  public func take() -> Value {
    isDone.wait()
    defer { isDone.signal() }
    return value.withLock { $0 } ?? make()
  }
}
