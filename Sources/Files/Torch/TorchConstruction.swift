import Settings

/// The constructions of a pickle that are known; every other stays opaque.
enum TorchConstruction {
  enum Result {
    case value(PickleValue)
    case object(PickleObject)
    case dictionary(PickleMembers)
  }

  /// Modules that no weights name: whoever names them wants a program to run.
  private static let programs: Set<String> = [
    "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "runpy", "importlib", "pty",
    "ctypes", "pickle", "webbrowser", "asyncio", "multiprocessing", "builtins",
    "__builtin__",
  ]
  /// Plain things of Python's own.
  private static let plain: Set<String> = [
    "set", "frozenset", "slice", "complex", "bytearray", "bytes", "int", "float", "bool", "str",
    "list", "tuple", "dict", "object", "range", "long", "unicode", "print",
  ]

  /// Refuses a name that stands for a program.
  static func check(_ name: PickleName, at place: String) throws(Failure) {
    let module = name.module.split(separator: ".").first.map(String.init) ?? ""
    let isBuiltin = module == "builtins" || module == "__builtin__"
    guard programs.contains(module), !isBuiltin || !plain.contains(name.name) else { return }
    throw Failure(
      .badData, at: place, "it asks Python to run \(name)", expected: "tensors alone",
      remedy: "nothing was run; do not trust this file")
  }

  static func make(
    _ name: PickleName, _ arguments: [PickleValue], _ heap: PickleHeap, at place: String
  ) throws(Failure) -> Result {
    switch "\(name.module) \(name.name)" {
    case "collections OrderedDict":
      // Python 2 gives the members as a list of pairs.
      var members: PickleMembers = []
      for pair in arguments.first.flatMap(heap.items) ?? [] {
        guard let parts = heap.items(pair), parts.count == 2 else { continue }
        members.append((parts[0], parts[1]))
      }
      return .dictionary(members)
    case "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor":
      return .object(.tensor(try TorchTensor(arguments, heap, at: place)))
    case "torch._utils _rebuild_parameter":
      guard let data = arguments.first, case .tensor = heap.object(data) else {
        throw Failure(.badData, at: place, "a parameter is no tensor")
      }
      return .value(data)
    case "torch Size":
      return .object(.tuple(arguments.first.flatMap(heap.items) ?? []))
    default: return .object(.opaque(name))
    }
  }
}
