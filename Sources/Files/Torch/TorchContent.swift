import Settings

/// The pickle of a checkpoint and where its storages lie.
struct TorchContent: Sendable {
  let heap: PickleHeap
  let root: PickleValue
  private let place: String
  private let storages: Storages
  /// How many bytes the tensors may take.
  private let budget: Int

  private enum Storages {
    case zip(ZipDirectory, [String: ZipDirectory.Member])
    case legacy([UInt8], [String: Range<Int>])
  }

  init(_ bytes: [UInt8], at place: String) throws(Failure) {
    self.place = place
    budget = MemoryBudget.current.unpacking(bytes.count).bytes
    if bytes.starts(with: Array("PK\u{3}\u{4}".utf8)) {
      let (directory, members) = try TorchContent.members(bytes, place)
      if let order = members["byteorder"], order.size < 100 {
        let word = String(decoding: try directory.bytes(of: order), as: UTF8.self)
        guard word == "little" else { throw TorchContent.highByteFirst(place) }
      }
      var machine = try PickleMachine(
        try directory.bytes(of: try TorchContent.pickle(members, place)), at: place)
      root = try machine.next()
      heap = machine.heap
      storages = .zip(directory, members)
    } else {
      (heap, root, storages) = try TorchContent.legacy(bytes, place)
    }
  }

  // MARK: The zip archive, since PyTorch 1.6

  /// The members by their names within the archive's folder.
  private static func members(
    _ bytes: [UInt8], _ place: String
  ) throws(Failure) -> (ZipDirectory, [String: ZipDirectory.Member]) {
    let directory = try ZipDirectory(bytes, at: place)
    var members: [String: ZipDirectory.Member] = [:]
    for member in directory.members {
      let name = member.name.drop { $0 != "/" }.dropFirst()
      guard members.updateValue(member, forKey: String(name)) == nil else {
        throw Failure(.badData, at: place, "the archive has '\(name)' twice")
      }
    }
    return (directory, members)
  }

  private static func pickle(
    _ members: [String: ZipDirectory.Member], _ place: String
  ) throws(Failure) -> ZipDirectory.Member {
    if members["constants.pkl"] != nil || members.keys.contains(where: { $0.hasPrefix("code/") }) {
      throw Failure(
        .badData, at: place, "this is a TorchScript archive: a program with its weights",
        expected: "a state dictionary",
        remedy: "save it with torch.save(module.state_dict(), path)")
    }
    guard let pickle = members["data.pkl"] else {
      throw Failure(
        .badData, at: place, "this archive holds no data.pkl", expected: "a file of torch.save")
    }
    guard pickle.size <= PickleMachine.longest else {
      throw Failure(.badData, at: place, "its data.pkl has \(pickle.size) bytes", expected: "less")
    }
    return pickle
  }

  // MARK: The format before

  /// The first number of such a file, 0x1950A86A20F9469CFC6C.
  private static let magic: [UInt8] = [
    0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// Five pickles in a row (number, version, machine, object, keys), then a count and the elements of
  /// each storage in the order of the keys.
  private static func legacy(
    _ bytes: [UInt8], _ place: String
  ) throws(Failure) -> (PickleHeap, PickleValue, Storages) {
    let strange = Failure(
      .badData, at: place, "this is no file of torch.save",
      expected: "a zip archive, or the number that older files begin with",
      remedy: "the file is cut short, damaged or something else")
    guard bytes.first == 0x80 else { throw strange }
    var machine = try PickleMachine(bytes, at: place)
    let first = try machine.next()
    guard case .large(let number) = machine.heap.object(first), number == magic else {
      throw strange
    }
    let version = try machine.next()
    guard version == .integer(1001) else {
      throw Failure(
        .badData, at: place, "the format's version is \(version)", expected: "1001")
    }
    let system = try machine.next()
    let order = machine.heap.members(system)?.last { $0.key == .text("little_endian") }
    guard order?.value == .bool(true) else { throw highByteFirst(place) }
    let root = try machine.next()
    let list = try machine.next()
    let heap = machine.heap
    guard let keys = heap.items(list) else {
      throw Failure(.badData, at: place, "there is no list of storages")
    }
    var sizes: [String: Int] = [:]
    for case .storage(let storage) in heap.objects { sizes[storage.key] = storage.element?.size }
    var reader = ByteReader(bytes, at: place)
    try reader.skip(machine.offset)
    var ranges: [String: Range<Int>] = [:]
    for key in keys {
      guard case .text(let key) = key else {
        throw Failure(.badData, at: place, "a storage has no name")
      }
      guard let size = sizes[key] else {
        throw Failure(
          .badData, at: place, "the storage '\(key)' is of no type that is read",
          expected: "real numbers, whole numbers or booleans")
      }
      let count: UInt64 = try reader.littleEndian(of: "a storage's length")
      let (length, overflow) = Int(clamping: count).multipliedReportingOverflow(by: size)
      guard !overflow else {
        throw Failure(.badData, at: place, "the storage '\(key)' has \(count) elements")
      }
      let start = reader.offset
      try reader.skip(length, of: "the storage '\(key)'")
      ranges[key] = start..<start + length
    }
    return (heap, root, .legacy(bytes, ranges))
  }

  private static func highByteFirst(_ place: String) -> Failure {
    Failure(
      .badData, at: place, "the file was written on a machine with the high byte first",
      expected: "the low byte first")
  }

  // MARK: Tensors

  /// Tensors with their elements by rows; each storage is read once, whatever lies in it.
  func entries(
    _ tensors: [(name: String, tensor: TorchTensor)]
  ) throws(Failure) -> [SafetensorsEntry] {
    var left = budget
    var (entries, keys) = ([SafetensorsEntry?](repeating: nil, count: tensors.count), [String]())
    var users: [String: [Int]] = [:]
    for (i, item) in tensors.enumerated() {
      let key = item.tensor.storage.key
      if users[key] == nil { keys.append(key) }
      users[key, default: []].append(i)
    }
    for key in keys {
      var bytes: ArraySlice<UInt8>?
      for i in users[key] ?? [] {
        entries[i] = try entry(tensors[i].name, tensors[i].tensor, &bytes, within: &left)
      }
    }
    return entries.compactMap(\.self)
  }

  /// A tensor with its elements by rows.
  ///
  /// - Parameter left: how many bytes may still be taken: a tensor may repeat one element without end.
  private func entry(
    _ name: String, _ tensor: TorchTensor, _ storageBytes: inout ArraySlice<UInt8>?,
    within left: inout Int
  ) throws(Failure) -> SafetensorsEntry {
    let storage = tensor.storage
    guard let element = storage.element else {
      throw Failure(
        .badData, at: "\(place): \(name)", "its elements are of \(storage.type)",
        expected: "real numbers, whole numbers or booleans")
    }
    let length = try MemoryBudget(bytes: left).check(
      tensor.shape, bytesEach: element.size, for: "the tensors", at: "\(place): \(name)")
    left -= length
    // A tensor without elements needs no storage.
    if length > 0, storageBytes == nil { storageBytes = try bytes(of: storage, name) }
    let bytes = storageBytes ?? []
    guard length == 0 || bytes.count >= storage.count * element.size else {
      throw Failure(
        .badData, at: "\(place): \(name)", "its storage has \(bytes.count) bytes",
        expected: "\(storage.count) elements of \(element.size) bytes",
        remedy: "the file is cut short or damaged")
    }
    return SafetensorsEntry(
      name: name, element: element, shape: tensor.shape,
      bytes: tensor.gathered(bytes, size: element.size))
  }

  private func bytes(of storage: TorchStorage, _ name: String) throws(Failure) -> ArraySlice<UInt8>
  {
    switch storages {
    case .zip(let directory, let members):
      guard let member = members["data/\(storage.key)"] else { break }
      return try directory.bytes(of: member)[...]
    case .legacy(let bytes, let ranges):
      guard let range = ranges[storage.key] else { break }
      return bytes[range]
    }
    throw Failure(
      .badData, at: "\(place): \(name)", "its storage '\(storage.key)' is not in the file",
      remedy: "the file is cut short or damaged")
  }
}
