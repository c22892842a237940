import Settings

/// The tensors of a file that PyTorch's `torch.save` wrote, in either of its two formats.
///
/// Nothing that the file names is run: its pickle is read by a machine that knows tensors and plain
/// values only. What else a training checkpoint holds is passed over.
public struct TorchCheckpoint: Sendable {
  /// The tensors of the state dictionary, in their order.
  public let tensors: [SafetensorsEntry]
  /// Where in the file the state dictionary was: "" for the file itself, or "state_dict".
  public let path: String

  /// Members of a training checkpoint that hold the weights, the likeliest first.
  private static let homes = [
    "state_dict", "model", "model_state_dict", "teacher", "student", "net",
  ]

  /// Whether bytes begin as such a file does: as a zip archive, or as the older format's number.
  public static func isCheckpoint(_ start: [UInt8]) -> Bool {
    start.starts(with: Array("PK\u{3}\u{4}".utf8)) || start.starts(with: [0x80, 2, 0x8A, 10])
  }

  public static func read(_ path: String) throws(Failure) -> TorchCheckpoint {
    try TorchCheckpoint(try FileSystem.read(path), at: path)
  }

  /// - Throws: a ``Failure`` if the file is damaged, hostile, a whole module or a TorchScript archive.
  public init(_ bytes: [UInt8], at place: String) throws(Failure) {
    let content = try TorchContent(bytes, at: place)
    let (members, path) = try TorchCheckpoint.state(content, place)
    var (found, places) = ([(name: String, tensor: TorchTensor)](), [String: Int]())
    for (key, value) in members {
      guard case .text(let name) = key else { continue }
      switch content.heap.object(value) {
      case .tensor(let tensor):
        if let index = places[name] {
          found[index].tensor = tensor
        } else {
          places[name] = found.count
          found.append((name, tensor))
        }
      case .opaque(let maker):
        throw Failure(
          .badData, at: "\(place): \(name)", "only Python's \(maker) could make this",
          expected: "a tensor", remedy: "nothing was run; save the state dictionary alone")
      default: continue
      }
    }
    tensors = try content.entries(found)
    self.path = path
  }

  /// The dictionary that holds tensors.
  private static func state(
    _ content: TorchContent, _ place: String
  ) throws(Failure) -> (PickleMembers, String) {
    let heap = content.heap
    var (value, path) = (content.root, [String]())
    // Checkpoints lie within checkpoints, but not often.
    for _ in 0..<4 {
      guard let members = heap.members(value) else { break }
      let hasTensors = members.contains {
        if case .tensor = heap.object($0.value) { true } else { false }
      }
      if hasTensors { return (members, path.joined(separator: ".")) }
      func member(_ key: String) -> PickleValue? {
        members.last { $0.key == .text(key) }.map(\.value)
      }
      let found = homes.lazy.compactMap { key in member(key).map { (key, $0) } }
        .first { heap.members($0.1) != nil }
      guard let found else {
        if let home = homes.first(where: { member($0) != nil }), let inner = member(home) {
          (value, path) = (inner, path + [home])
        } else if let odd = members.first(where: { heap.object($0.value)?.isOpaque == true }) {
          value = odd.value
        }
        break
      }
      (value, path) = (found.1, path + [found.0])
    }
    if case .opaque(let name) = heap.object(value) {
      throw Failure(
        .badData, at: place, "it holds an object of Python's \(name), not its tensors",
        expected: "a state dictionary",
        remedy: "save it with torch.save(model.state_dict(), path)")
    }
    throw Failure(
      .badData, at: place, "there is no dictionary of tensors in it",
      expected: "a state dictionary, itself or as \(homes.joined(separator: ", "))",
      remedy: "save it with torch.save(model.state_dict(), path)")
  }
}

extension PickleObject {
  fileprivate var isOpaque: Bool { if case .opaque = self { true } else { false } }
}
