import Files
import Foundation
import Testing

/// A short run of the fuzzer, the same inputs each time: no reader traps, hangs or takes memory.
@Suite struct FuzzTests {
  private let path = (kindredPath as NSString).deletingLastPathComponent + "/kindred-fuzz"

  @Test(.timeLimit(.minutes(20))) func damagedInputsAreRefused() throws {
    let scratch = try Scratch()
    let outcome = try run(
      path,
      ["--inputs", "1500", "--seconds", "60", "--seed", "7", "--out", scratch.path + "/finds"])
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.error)")
    let names = try run(path, ["--list"]).output.split(separator: "\n")
    #expect(names.count > 20 && Set(names).count == names.count)
  }

  @Test func whatIsNoOptionIsRefused() throws {
    #expect(try run(path, ["--reader", "none"]).status == 64)
  }
}
