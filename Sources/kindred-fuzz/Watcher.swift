import Foundation
import Settings

/// Keeps a worker going, and keeps and shrinks what it dies of.
struct Watcher {
  private let reader: FuzzedReader
  private let options: Options
  private static let mostFinds = 20

  init(_ reader: FuzzedReader, _ options: Options) {
    (self.reader, self.options) = (reader, options)
  }

  /// - Returns: how many finds there were.
  func run() throws -> Int {
    try Scratch.make()
    defer { Scratch.remove() }
    let place = Scratch.path + "/progress"
    try Scratch.write([UInt8](repeating: 0, count: MemoryLayout<Worker.Progress>.size), to: place)
    let progress = try Worker.map(place)
    let (start, finds) = (ContinuousClock.now, Finds(reader, options))
    var (first, found) = (0, 0)
    while true {
      let left = options.seconds - (ContinuousClock.now - start) / .seconds(1)
      guard left > 0, first < options.inputs else { break }
      let words = [
        "--reader", reader.name, "--worker", "\(first):\(place)", "--seconds", "\(left)",
        "--inputs", "\(options.inputs)", "--seed", "\(options.seed)",
      ]
      let end = try Child.run(words + (options.isLimited ? [] : ["--unlimited"]))
      first = progress.pointee.current
      guard end.isFind else { break }
      guard end.status != Worker.Status.badSeed || end.isSignal else {
        say("\(reader.name): a seed is refused: \(end.text)")
        return 1
      }
      found += 1
      try finds.keep(number: first, end)
      first += 1
      if found == Watcher.mostFinds { break }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let taken = 100 * Double(progress.pointee.taken) / Double(max(1, first))
    let memory = max(0, progress.pointee.peak - progress.pointee.firstPeak) / 1024
    say(
      "\(reader.name): \(first) inputs in \(Int(seconds)) s, \(String(format: "%.1f", taken)) % read, "
        + "\(memory) MiB more at most, \(found) finds")
    return found
  }
}

/// How a worker ended.
struct Child {
  let status: Int32
  let isSignal: Bool
  let text: String

  var isFind: Bool { isSignal || status != 0 }

  /// What happened, in a word.
  var kind: String {
    guard isSignal else { return "failure" }
    return [SIGALRM: "hang", SIGSEGV: "segmentation", SIGBUS: "bus", SIGABRT: "abort"][status]
      ?? "trap"
  }

  static func run(_ words: [String], tracing: Bool = false) throws -> Child {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    if !FileManager.default.fileExists(atPath: CommandLine.arguments[0]) {
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    }
    process.arguments = words
    var environment = ProcessInfo.processInfo.environment
    // A small budget, so that what asks for it is told from what does not.
    environment["KINDRED_MEMORY"] = "64M"
    environment["SWIFT_BACKTRACE"] =
      tracing ? "enable=yes,color=no,interactive=no,output-to=stderr" : "enable=no"
    process.environment = environment
    let pipe = Pipe()
    (process.standardOutput, process.standardError) = (pipe, pipe)
    try process.run()
    let output = String(
      decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Child(
      status: process.terminationStatus,
      isSignal: process.terminationReason == .uncaughtSignal, text: output)
  }
}

/// Inputs that a worker died of, in a folder.
struct Finds {
  private let reader: FuzzedReader
  private let options: Options

  init(_ reader: FuzzedReader, _ options: Options) {
    (self.reader, self.options) = (reader, options)
  }

  func keep(number: Int, _ end: Child) throws {
    try FileManager.default.createDirectory(
      atPath: options.out, withIntermediateDirectories: true)
    let path = "\(options.out)/\(reader.name)-\(options.seed)-\(number).\(end.kind)"
    let bytes = try smallest(try Inputs(reader, seed: options.seed)[number], like: end, path)
    try Scratch.write(bytes, to: path)
    say(
      "\(reader.name): input \(number): \(end.kind) \(end.status); \(bytes.count) bytes: \(path)")
    let trace = try replay(path, tracing: true).text.split(separator: "\n")
    let lines = trace.filter {
      $0.contains("Fatal error") || $0.contains(" in ") && $0.contains(".swift")
        || $0.contains(".c:") || $0.contains(".h:") || end.kind == "failure"
    }
    for line in lines.prefix(6) { say("  \(line)") }
  }

  /// Cuts pieces out, and puts zeros in, as long as the end stays the same.
  private func smallest(_ bytes: [UInt8], like end: Child, _ path: String) throws -> [UInt8] {
    // A hang takes its whole time at each try.
    var tries = end.kind == "hang" ? 6 : 250
    func isLike(_ candidate: [UInt8]) throws -> Bool {
      tries -= 1
      try Scratch.write(candidate, to: path)
      let other = try replay(path)
      return (other.isSignal, other.status) == (end.isSignal, end.status)
    }
    var best = bytes
    guard try isLike(best) else { return best }
    var size = max(1, best.count / 2)
    while size > 0, tries > 0 {
      var place = 0
      while place < best.count, tries > 0 {
        var candidate = best
        candidate.removeSubrange(place..<min(best.count, place + size))
        reader.refit(&candidate)
        if try isLike(candidate) { best = candidate } else { place += size }
      }
      size /= 2
    }
    return best
  }

  private func replay(_ path: String, tracing: Bool = false) throws -> Child {
    let words = ["--reader", reader.name, "--replay", path]
    return try Child.run(words + (options.isLimited ? [] : ["--unlimited"]), tracing: tracing)
  }
}
