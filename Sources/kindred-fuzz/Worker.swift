import Autodiff
import Foundation
import Settings

/// Reads one input after the other, in a process of its own that may die of it.
struct Worker {
  /// What a worker tells while it works, in a file in memory that outlives it.
  struct Progress {
    /// The input that is read, and how many were taken for good.
    var current, taken: Int
    /// The most memory that the process had, in kilobytes; at the start and now.
    var firstPeak, peak: Int
  }

  static let mostSeconds: UInt32 = 10
  static let mostMemory = 512 << 20
  /// The statuses of a worker that found something without dying of it.
  enum Status { static let (badSeed, badFailure): (Int32, Int32) = (3, 4) }

  private let reader: FuzzedReader
  private let options: Options

  init(_ reader: FuzzedReader, _ options: Options) {
    (self.reader, self.options) = (reader, options)
  }

  func run() throws -> Int32 {
    // One thread is enough for small inputs, and dies where it stands.
    Parallel.threadCount = 1
    try Scratch.make()
    defer { Scratch.remove() }
    if let path = options.replay {
      limitMemory()
      alarm(Worker.mostSeconds)
      return read(try Scratch.read(path), isSeed: false) ?? 0
    }
    guard let (first, place) = options.worker else { return 64 }
    let inputs = try Inputs(reader, seed: options.seed)
    let progress = try Worker.map(place)
    for seed in inputs.seeds where first == 0 {
      if let status = read(seed, isSeed: true) { return status }
    }
    if progress.pointee.firstPeak == 0 { progress.pointee.firstPeak = Worker.peak }
    limitMemory()
    let end = ContinuousClock.now + .seconds(options.seconds)
    var index = first
    while index < options.inputs, index % 64 != 0 || ContinuousClock.now < end {
      progress.pointee.current = index
      alarm(Worker.mostSeconds)
      var wasTaken = false
      if let status = read(inputs[index], isSeed: false, wasTaken: &wasTaken) { return status }
      if wasTaken { progress.pointee.taken += 1 }
      index += 1
    }
    alarm(0)
    (progress.pointee.current, progress.pointee.peak) = (index, Worker.peak)
    return 0
  }

  private func read(_ bytes: [UInt8], isSeed: Bool) -> Int32? {
    var wasTaken = false
    return read(bytes, isSeed: isSeed, wasTaken: &wasTaken)
  }

  /// - Returns: the status to end with, if this is a find.
  private func read(_ bytes: [UInt8], isSeed: Bool, wasTaken: inout Bool) -> Int32? {
    do {
      try reader.read(bytes)
      wasTaken = true
      return nil
    } catch let failure as Failure {
      let text = failure.description
      guard isSeed || text.contains(where: \.isNewline) || text.utf8.count > 2000 else {
        return nil
      }
      say(text.prefix(300))
      return isSeed ? Status.badSeed : Status.badFailure
    } catch {
      say("not a Failure: \(error)")
      return Status.badFailure
    }
  }

  private static var peak: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
  }

  private func limitMemory() {
    guard options.isLimited,
      let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = text.split(separator: " ").first.flatMap({ UInt64($0) })
    else { return }
    let size = rlim_t(pages * UInt64(sysconf(Int32(_SC_PAGESIZE))) + UInt64(Worker.mostMemory))
    var limit = rlimit(rlim_cur: size, rlim_max: size)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
  }

  /// The file's first bytes, shared with whoever maps it too.
  static func map(_ path: String) throws -> UnsafeMutablePointer<Progress> {
    let file = open(path, O_RDWR)
    defer { close(file) }
    let size = MemoryLayout<Progress>.size
    guard file >= 0, let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      start != MAP_FAILED
    else { throw Failure(.cannotRead, at: path, "it cannot be mapped") }
    return start.bindMemory(to: Progress.self, capacity: 1)
  }
}

/// The inputs of a reader, of which each depends on the seed and its number only.
struct Inputs {
  let seeds: [[UInt8]]
  private let mutation: Mutation
  private let reader: FuzzedReader
  private let random: Random

  init(_ reader: FuzzedReader, seed: UInt64) throws {
    seeds = try reader.seeds()
    mutation = Mutation(seeds: seeds, words: reader.words.map { Array($0.utf8) })
    self.reader = reader
    let name = reader.name.utf8.reduce(UInt64(14_695_981_039_346_656_037)) {
      ($0 ^ UInt64($1)) &* 1_099_511_628_211
    }
    random = Random(seed: seed).split(name)
  }

  subscript(index: Int) -> [UInt8] {
    var random = random.split(UInt64(index))
    var bytes = mutation.input(&random)
    // Some stay as they are, so that what checks checksums is tried too.
    if random.below(8) > 0 { reader.refit(&bytes) }
    return bytes
  }
}
