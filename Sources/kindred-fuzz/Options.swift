/// What the command line asks for.
struct Options {
  var readers: [FuzzedReader] = allReaders
  var seconds = 10.0
  var inputs = Int.max
  var seed: UInt64 = 1
  var out = "finds"
  var replay: String?
  /// Set by the watcher: this process reads, from this input on, and tells its progress in this file.
  var worker: (first: Int, progress: String)?
  var isLimited = true
  var lists = false

  static let usage = """
    usage: kindred-fuzz [--reader NAME[,NAME...]] [--seconds N] [--inputs N] [--seed S] [--out FOLDER]
           kindred-fuzz --reader NAME --replay FILE
           kindred-fuzz --list

    Feeds damaged inputs to every reader, in a process that is watched. A trap, more than 10 s for one
    input, more than 512 MiB of memory, or a failure of more than one line is a find: it is made small
    and lies in the folder, and the exit status is 1. The same seed gives the same inputs.
      --seconds N   for each reader (default 10); --inputs N ends it earlier
      --unlimited   no limit on memory, for address sanitizers
    """

  init?(_ words: [String]) {
    var words = words[...]
    while let word = words.popFirst() {
      switch word {
      case "--list": lists = true
      case "--unlimited": isLimited = false
      default:
        guard let value = words.popFirst() else { return nil }
        switch word {
        case "--reader":
          let names = value.split(separator: ",").map(String.init)
          readers = allReaders.filter { names.contains($0.name) }
          guard readers.count == names.count else { return nil }
        case "--seconds": seconds = Double(value) ?? 0
        case "--inputs": inputs = Int(value) ?? 0
        case "--seed": seed = UInt64(value) ?? 0
        case "--out": out = value
        case "--replay": replay = value
        case "--worker":
          let parts = value.split(separator: ":", maxSplits: 1).map(String.init)
          worker = (Int(parts[0]) ?? 0, parts[1])
        default: return nil
        }
      }
    }
  }
}
