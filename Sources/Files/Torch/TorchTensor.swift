import Settings

/// The memory that tensors of a checkpoint lie in.
struct TorchStorage: Sendable {
  /// The number of its elements.
  let count: Int
  let key: String
  /// nil for elements that are not read, such as complex numbers.
  let element: SafetensorsFile.Element?
  let type: String

  private static let types: [String: SafetensorsFile.Element] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    "UntypedStorage": .uint8,
  ]

  /// Reads a persistent id: ("storage", type, key, device, count), and perhaps what it is a view of.
  init(_ id: PickleValue, _ heap: PickleHeap, at place: String) throws(Failure) {
    guard let items = heap.items(id), items.count >= 5, items[0] == .text("storage"),
      let name = heap.name(items[1]), case .text(let key) = items[2],
      case .integer(let count) = items[4], count >= 0
    else { throw Failure(.badData, at: place, "an object outside of the pickle is no storage") }
    guard items.count == 5 || items[5] == .none else {
      throw Failure(
        .badData, at: place, "the storage '\(key)' is a view of another",
        expected: "a file of PyTorch 0.4 or later")
    }
    (self.count, self.key, type) = (count, key, name.description)
    element = name.module.hasPrefix("torch") ? TorchStorage.types[name.name] : nil
  }
}

/// A tensor of a checkpoint: how it lies in its storage.
struct TorchTensor: Sendable {
  let storage: TorchStorage
  let offset: Int
  let shape, strides: [Int]

  /// Reads the arguments (storage, offset, size, stride, ...).
  ///
  /// - Throws: if an element would lie outside of the storage.
  init(_ arguments: [PickleValue], _ heap: PickleHeap, at place: String) throws(Failure) {
    func numbers(_ value: PickleValue) -> [Int]? {
      guard let items = heap.items(value) else { return nil }
      var numbers: [Int] = []
      for case .integer(let number) in items { numbers.append(number) }
      return numbers.count == items.count && numbers.count <= 32 ? numbers : nil
    }
    guard arguments.count >= 4, case .storage(let storage) = heap.object(arguments[0]),
      case .integer(let offset) = arguments[1], let shape = numbers(arguments[2]),
      let strides = numbers(arguments[3]), shape.count == strides.count
    else { throw Failure(.badData, at: place, "a tensor is not described as PyTorch does") }
    (self.storage, self.offset, self.shape, self.strides) = (storage, offset, shape, strides)
    guard MemoryBudget.product(shape + [8]) != nil else {
      throw Failure(.badData, at: place, "a tensor has the shape \(shape)")
    }
    guard isInside else {
      throw Failure(
        .badData, at: place,
        "a tensor of shape \(shape), strides \(strides) and offset \(offset) reaches outside of "
          + "its storage of \(storage.count) elements",
        remedy: "the file is damaged, or was made to harm")
    }
  }

  /// Whether the first and the last element in memory lie in the storage.
  private var isInside: Bool {
    if shape.contains(0) { return true }
    var (least, most) = (offset, offset)
    for (length, stride) in zip(shape, strides) {
      let (reach, tooFar) = (length - 1).multipliedReportingOverflow(by: stride)
      guard !tooFar else { return false }
      let (low, under) = least.addingReportingOverflow(min(0, reach))
      let (high, over) = most.addingReportingOverflow(max(0, reach))
      guard !under, !over else { return false }
      (least, most) = (low, high)
    }
    return least >= 0 && most < storage.count
  }

  /// The elements by rows.
  ///
  /// - Precondition: `bytes` are all of the storage's.
  func gathered(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8] {
    let count = shape.reduce(1, *)
    guard count > 0 else { return [] }
    var (isPlain, step) = (true, 1)
    for (length, stride) in zip(shape, strides).reversed() where length > 1 {
      isPlain = isPlain && stride == step
      step *= length
    }
    let start = bytes.startIndex + offset * size
    if isPlain { return Array(bytes[start..<start + count * size]) }
    return [UInt8](unsafeUninitializedCapacity: count * size) { target, filled in
      filled = count * size
      bytes.withUnsafeBytes { source in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        var (index, place) = ([Int](repeating: 0, count: shape.count), offset)
        for element in 0..<count {
          UnsafeMutableRawPointer(target + element * size)
            .copyMemory(from: source + place * size, byteCount: size)
          for axis in shape.indices.reversed() {
            index[axis] += 1
            place += strides[axis]
            if index[axis] < shape[axis] { break }
            place -= shape[axis] * strides[axis]
            index[axis] = 0
          }
        }
      }
    }
  }
}
