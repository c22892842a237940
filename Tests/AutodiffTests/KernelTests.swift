import Foundation
import Testing

import Autodiff

/// Tests that choose the instruction set or the number of threads, which all tests share.
@Suite(.serialized) struct KernelTests {}

/// Calls `body` with each instruction set in use in turn.
func withEachInstructionSet(_ body: (InstructionSet) throws -> Void) rethrows {
  for set in InstructionSet.available {
    try InstructionSet.$chosen.withValue(set) { try body(set) }
  }
}

/// What `body` returns with the given number of threads.
func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
  let before = Parallel.threadCount
  defer { Parallel.threadCount = before }
  Parallel.threadCount = count
  return try body()
}

/// Fixed normal numbers.
func normal(_ shape: Int..., seed: UInt64 = 1, dtype: DType = .float64) -> Tensor {
  var random = Random(seed: seed)
  return Tensor(normal: shape, deviation: 1, dtype: dtype, random: &random)
}

/// The largest difference between elements, relative to `scale`.
func difference(_ a: Tensor, _ b: Tensor, scale: Double = 1) -> Double {
  zip(a.elements(as: Double.self), b.elements(as: Double.self))
    .map { $0 == $1 ? 0 : Swift.abs($0 - $1) / scale }
    .reduce(a.shape == b.shape ? 0 : .infinity) { $1.isNaN ? .infinity : max($0, $1) }
}

extension KernelTests {
  @Test func portableIsAlwaysAvailable() {
    #expect(InstructionSet.available.contains(.portable))
    // The best, unless all tests are asked to run on another that there is.
    let asked = ProcessInfo.processInfo.environment["KINDRED_ISA"].flatMap(
      InstructionSet.init(rawValue:))
    let expected = InstructionSet.available.last { asked == nil || $0 == asked }
    #expect(InstructionSet.current == expected ?? InstructionSet.available.last)
    withEachInstructionSet { #expect(InstructionSet.current == $0) }
  }

  /// Every row of the gradient table, on every instruction set.
  @Test(arguments: operationGradientChecks.map { $0.name }) func gradient(of name: String) throws {
    let check = try #require(operationGradientChecks.first { $0.name == name })
    withEachInstructionSet { set in
      let outcome = check.run()
      #expect(outcome.passes, "\(set): \(outcome)")
    }
  }

  @Test func namesOfGradientChecksDiffer() {
    let names = operationGradientChecks.map { $0.name }
    #expect(Set(names).count == names.count)
  }
}
