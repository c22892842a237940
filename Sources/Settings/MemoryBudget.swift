import Foundation

/// How much memory the content of a file or a recipe may ask for.
///
/// A few bytes can name a huge array: a shape, a size, packed zeros. Whoever allocates by such a
/// number asks the budget first:
///
/// ```swift
/// try MemoryBudget.check([rows, columns], bytesEach: 4, for: "the vectors", at: path)
/// ```
///
/// The budget is what `KINDRED_MEMORY` states (as in `8G`), else half of what this process may use:
/// the machine's memory, or the limit of its control group or of `ulimit -v` where that is less.
/// Without a stated budget, what is packed in a file may take 256 MiB or 64 times the size of the
/// file, whichever is more, so that a small file cannot take half of the machine.
public struct MemoryBudget: Sendable, Equatable {
  /// The most bytes for one purpose.
  public let bytes: Int
  /// Whether `KINDRED_MEMORY` states it.
  public let isStated: Bool

  public init(bytes: Int, isStated: Bool = false) {
    (self.bytes, self.isStated) = (max(0, bytes), isStated)
  }

  /// The budget of this process.
  public static let current = MemoryBudget(environment: ProcessInfo.processInfo.environment)

  /// The variable that states the budget.
  public static let variable = "KINDRED_MEMORY"

  /// - Parameter environment: what `KINDRED_MEMORY` states; a text that is no size counts as none
  ///   (see ``checkVariable(in:)``).
  public init(environment: [String: String]) {
    if let stated = environment[MemoryBudget.variable].flatMap(MemoryBudget.size) {
      self.init(bytes: stated, isStated: true)
    } else {
      self.init(bytes: MemoryBudget.available / 2)
    }
  }

  /// Refuses a `KINDRED_MEMORY` that is no size.
  public static func checkVariable(in environment: [String: String]) throws(Failure) {
    guard let text = environment[variable], !text.isEmpty, size(text) == nil else { return }
    throw Failure(
      .badUsage, at: variable, "'\(text)'", expected: "a size in bytes, such as 8G or 512M")
  }

  /// A size in bytes, as in `8G`, `512M` or `1000000`; nil for anything else.
  static func size(_ text: String) -> Int? {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    var digits = text.uppercased()
    var unit = 1
    if digits.hasSuffix("IB") { digits.removeLast(2) }
    if let last = digits.last, let factor = units[last] {
      unit = factor
      digits.removeLast()
    }
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits), number > 0
    else { return nil }
    let (size, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : size
  }

  // MARK: Asking

  /// Refuses an array of too many elements.
  ///
  /// - Parameters:
  ///   - shape: how many elements there are along each axis.
  ///   - bytesEach: the memory of an element, all copies counted.
  ///   - purpose: what the memory is for, as in "the pixels".
  ///   - place: the file or the setting that asks for it.
  /// - Returns: the bytes of it all.
  @discardableResult
  public func check(
    _ shape: [Int], bytesEach: Int = 1, for purpose: String, at place: String
  ) throws(Failure) -> Int {
    guard let size = MemoryBudget.product(shape + [bytesEach]), size <= bytes else {
      let counts = shape.map(String.init).joined(separator: " × ")
      throw Failure(
        .badData, at: place, "\(purpose) would take \(text(shape, bytesEach)) (\(counts))",
        expected: "\(MemoryBudget.text(bytes)) of memory at most",
        remedy: isStated
          ? "raise \(MemoryBudget.variable)" : "set \(MemoryBudget.variable) if there is more")
    }
    return size
  }

  /// The same by the budget of this process.
  @discardableResult
  public static func check(
    _ shape: [Int], bytesEach: Int = 1, for purpose: String, at place: String
  ) throws(Failure) -> Int {
    try current.check(shape, bytesEach: bytesEach, for: purpose, at: place)
  }

  /// The budget for what is unpacked from a file of `size` bytes.
  public func unpacking(_ size: Int) -> MemoryBudget {
    guard !isStated else { return self }
    let (most, overflow) = size.multipliedReportingOverflow(by: 64)
    return MemoryBudget(bytes: min(bytes, max(1 << 28, overflow ? .max : most)))
  }

  /// The product of some sizes; nil if one is negative or the product is no `Int`, even where a
  /// factor of 0 makes it 0: 0 rows of width 2⁶² are refused.
  public static func product(_ sizes: [Int]) -> Int? {
    var product = 1
    for size in sizes where size != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow else { return nil }
      product = next
    }
    return sizes.contains(0) ? 0 : product
  }

  // MARK: Words

  private func text(_ shape: [Int], _ bytesEach: Int) -> String {
    let size = shape.reduce(Double(bytesEach)) { $0 * Double($1) }
    return size < Double(Int.max) ? MemoryBudget.text(Int(size)) : "more than 8 EiB"
  }

  private static func text(_ bytes: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var (amount, unit) = (Double(bytes), 0)
    while amount >= 1024, unit < units.count - 1 {
      amount /= 1024
      unit += 1
    }
    let tenths = (amount * 10).rounded() / 10
    return (tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)") + " " + units[unit]
  }

  // MARK: The machine

  /// What this process may use at most.
  private static var available: Int {
    var least = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    for path in limits {
      guard let text = try? String(contentsOfFile: path, encoding: .utf8),
        let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), limit > 0
      else { continue }
      least = min(least, limit)
    }
    #if canImport(Glibc)
      var limit = rlimit()
      if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 {
        least = min(least, Int(clamping: limit.rlim_cur))
      }
    #endif
    return least
  }
}
