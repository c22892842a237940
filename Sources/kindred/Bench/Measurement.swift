import Autodiff
import Foundation
import Settings

/// How long one piece of work takes.
struct Measurement: Sendable {
  let name: String
  /// The middle of the times of all repetitions, in milliseconds.
  let median: Double
  /// The shortest time, in milliseconds.
  let best: Double
  /// Floating-point operations of the work; 0 where that is not what bounds it.
  var operations = 0.0
  /// The most memory that the process held meanwhile, in bytes; so far, where the system does not
  /// let the peak be set back.
  var peakMemory = 0
  /// Blocks that tensors asked from the system for each repetition after the first two.
  var allocations = 0.0
  /// How far the result is from the reference, where it was compared.
  var error: Double?

  var gigaflops: Double { operations / (median * 1e-3) / 1e9 }

  /// Repeats `work` for about `budget` seconds, and at least five times; or `repeats` times, where
  /// one repetition is the first, without any to warm up.
  init(
    _ name: String, operations: Double = 0, budget: Double = 1, repeats: Int? = nil,
    work: () -> Void
  ) {
    MemoryStatistics.releaseUnused()
    resetResidentPeak()
    let clock = ContinuousClock()
    var times: [Double] = []
    if repeats != 1 {
      let first = seconds(clock.measure(work))
      if repeats == nil, first > 4 * budget {
        // Too slow to be worth more than the one time.
        times.append(first * 1000)
      } else {
        work()
      }
    }
    let allocationsBefore = MemoryStatistics.allocations
    let start = clock.now
    let fewest = times.isEmpty ? repeats ?? 5 : 1
    let most = repeats ?? 10_000
    let isSlow = !times.isEmpty
    while times.count < fewest
      || (!isSlow && seconds(clock.now - start) < budget && times.count < most)
    {
      times.append(seconds(clock.measure(work)) * 1000)
    }
    let sorted = times.sorted()
    self.name = name
    median = sorted[sorted.count / 2]
    best = sorted[0]
    self.operations = operations
    peakMemory = residentPeak
    allocations = Double(MemoryStatistics.allocations - allocationsBefore) / Double(times.count)
  }

  var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name), "milliseconds": .number(median), "best": .number(best),
      "peakMemory": JSONValue(peakMemory), "allocations": .number(allocations),
    ]
    if operations > 0 { members["gigaflops"] = .number(gigaflops) }
    if let error { members["error"] = .number(error) }
    return .object(members)
  }
}

/// Forgets the most memory that the process held, where the system can (Linux).
private func resetResidentPeak() {
  guard let file = fopen("/proc/self/clear_refs", "w") else { return }
  fputs("5", file)
  fclose(file)
}

/// The most memory that the process held so far, or since the peak was set back, in bytes.
var residentPeak: Int {
  if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
    let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }
    )
  {
    return kilobytes * 1024
  }
  var usage = rusage()
  #if os(Linux)
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return usage.ru_maxrss * 1024
  #else
    guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
    return usage.ru_maxrss
  #endif
}

/// Shows measurements as a table, or as one JSON object.
func show(_ measurements: [Measurement], _ arguments: Arguments) {
  let context: [String: JSONValue] = [
    "threads": JSONValue(Parallel.threadCount),
    "instructionSet": .string(InstructionSet.current.rawValue),
  ]
  if arguments.has("--json") {
    Terminal.printJSON(
      .object(context.merging(["results": .array(measurements.map(\.json))]) { $1 }))
    return
  }
  var table = Table(["work", "ms (median)", "ms (best)", "GFLOP/s", "peak MiB", "allocations"])
  for one in measurements {
    table.append([
      one.name, significant(one.median, 4), significant(one.best, 4),
      one.operations > 0 ? fixed(one.gigaflops, 1) : "–", "\(one.peakMemory >> 20)",
      fixed(one.allocations, 1),
    ])
  }
  print(table.text, terminator: "")
  print("\(Parallel.threadCount) threads, \(InstructionSet.current.rawValue)")
}
