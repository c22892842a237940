import Settings

/// Reads the pickles of PyTorch's files without ever running what they name.
///
/// The 36 opcodes that state dictionaries and training checkpoints use; any other is refused. A
/// construction is one of the few of ``TorchConstruction``; every other stays opaque.
/// - Complexity: O(bytes) time and memory, both bounded whatever the bytes say.
struct PickleMachine {
  private var reader: ByteReader
  private(set) var heap = PickleHeap()
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]
  private let place: String

  /// The longest pickle, and the most objects of one: far more than the largest checkpoints have.
  static let longest = 64 << 20
  private static let most = 2 << 20

  init(_ bytes: [UInt8], from offset: Int = 0, at place: String) throws(Failure) {
    reader = ByteReader(bytes, at: place)
    self.place = place
    try reader.skip(offset)
  }

  /// Where the last pickle ended.
  var offset: Int { reader.offset }

  /// Reads the next pickle.
  mutating func next() throws(Failure) -> PickleValue {
    (stack, marks, memo) = ([], [], [:])
    let end = reader.offset + PickleMachine.longest
    while true {
      guard reader.offset < end, heap.objects.count + memo.count < PickleMachine.most,
        stack.count + marks.count < PickleMachine.most
      else { throw failure("the pickle is longer than any checkpoint's") }
      let code = try byte()
      if code == UInt8(ascii: ".") {
        guard stack.count == 1, marks.isEmpty else { throw malformed }
        return try pop()
      }
      try run(code)
    }
  }

  private func failure(_ found: String, expected: String = "", remedy: String = "") -> Failure {
    Failure(
      .badData, at: "\(place): byte \(reader.offset)", found, expected: expected, remedy: remedy)
  }

  private var malformed: Failure {
    failure("this is no well-formed pickle", remedy: "the file is cut short or damaged")
  }

  // MARK: Reading

  private mutating func byte() throws(Failure) -> UInt8 {
    try reader.littleEndian(UInt8.self, of: "the pickle")
  }

  private mutating func text(_ count: Int) throws(Failure) -> String {
    guard let text = String(validating: try reader.bytes(count, of: "a text"), as: UTF8.self)
    else { throw failure("a text is not UTF-8") }
    return text
  }

  private mutating func line() throws(Failure) -> String {
    var line: [UInt8] = []
    while true {
      let next = try byte()
      if next == 0x0A { break }
      guard line.count < 1000 else { throw failure("a name has more than 1000 letters") }
      line.append(next)
    }
    return String(decoding: line, as: UTF8.self)
  }

  // MARK: The stack

  private mutating func push(_ value: PickleValue) { stack.append(value) }
  private mutating func push(_ object: PickleObject) { stack.append(heap.add(object)) }

  private mutating func pop() throws(Failure) -> PickleValue {
    guard let value = stack.popLast(), stack.count >= marks.last ?? 0 else { throw malformed }
    return value
  }

  /// The values above the last mark.
  private mutating func popToMark() throws(Failure) -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw malformed }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func pop(_ count: Int) throws(Failure) -> [PickleValue] {
    var values: [PickleValue] = []
    for _ in 0..<count { values.append(try pop()) }
    return values.reversed()
  }

  // MARK: Opcodes

  private mutating func run(_ code: UInt8) throws(Failure) {
    switch code {
    case 0x80:
      let version = try byte()
      guard version <= 3 else {
        throw failure(
          "the pickle is of protocol \(version)", expected: "2, as torch.save writes",
          remedy: "save it again without pickle_protocol")
      }
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "J"): push(.integer(Int(try reader.littleEndian(Int32.self))))
    case UInt8(ascii: "K"): push(.integer(Int(try byte())))
    case UInt8(ascii: "M"): push(.integer(Int(try reader.littleEndian(UInt16.self))))
    case 0x8A: try pushLong()
    case UInt8(ascii: "G"):
      push(.real(Double(bitPattern: try reader.bigEndian(UInt64.self))))
    case UInt8(ascii: "X"):
      push(.text(try text(Int(try reader.littleEndian(UInt32.self)))))
    case UInt8(ascii: "U"): push(.text(try latin(Int(try byte()))))
    case UInt8(ascii: "T"):
      push(.text(try latin(Int(try reader.littleEndian(UInt32.self)))))
    case UInt8(ascii: "}"): push(heap.addDictionary())
    case UInt8(ascii: "]"): push(heap.addList())
    case UInt8(ascii: ")"): push(.tuple([]))
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "t"): push(.tuple(try popToMark()))
    case 0x85, 0x86, 0x87: push(.tuple(try pop(Int(code) - 0x84)))
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "a"): try append([try pop()])
    case UInt8(ascii: "e"): try append(try popToMark())
    case UInt8(ascii: "s"): try set(try pop(2))
    case UInt8(ascii: "u"): try set(try popToMark())
    case UInt8(ascii: "q"): memo[UInt32(try byte())] = try top()
    case UInt8(ascii: "r"): memo[try reader.littleEndian()] = try top()
    case UInt8(ascii: "h"): try pushMemo(UInt32(try byte()))
    case UInt8(ascii: "j"): try pushMemo(try reader.littleEndian())
    case UInt8(ascii: "c"):
      let module = try line()
      let name = PickleName(module: module, name: try line())
      try TorchConstruction.check(name, at: place)
      push(.name(name))
    case UInt8(ascii: "Q"): push(.storage(try TorchStorage(try pop(), heap, at: place)))
    case UInt8(ascii: "R"): try reduce()
    // An object of a class: never made.
    case 0x81:
      let parts = try pop(2)
      push(.opaque(heap.name(parts[0]) ?? PickleName(module: "?", name: "?")))
    // The state of an object: of those that are made, none has one that matters.
    case UInt8(ascii: "b"):
      _ = try pop()
      _ = try top()
    default:
      throw failure(
        "the pickle has the opcode \(code)", expected: "those of a state dictionary",
        remedy: "save the weights alone: torch.save(model.state_dict(), path)")
    }
  }

  private func top() throws(Failure) -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else { throw malformed }
    return value
  }

  private mutating func latin(_ count: Int) throws(Failure) -> String {
    String(String.UnicodeScalarView(try reader.bytes(count, of: "a text").map { .init($0) }))
  }

  private mutating func pushLong() throws(Failure) {
    let bytes = Array(try reader.bytes(Int(try byte()), of: "a number"))
    guard bytes.count <= 8 else { return push(.large(bytes)) }
    var value = bytes.last.map { $0 < 0x80 ? 0 : -1 } ?? 0
    for byte in bytes.reversed() { value = value << 8 | Int(byte) }
    push(.integer(value))
  }

  private mutating func pushMemo(_ index: UInt32) throws(Failure) {
    guard let value = memo[index] else { throw malformed }
    push(value)
  }

  private mutating func append(_ items: [PickleValue]) throws(Failure) {
    switch heap.object(try top()) {
    case .list(let index): heap.append(items, toList: index)
    case .opaque: break
    default: throw malformed
    }
  }

  private mutating func set(_ items: [PickleValue]) throws(Failure) {
    switch heap.object(try top()) {
    case .dictionary(let index) where items.count % 2 == 0:
      heap.append(items, toDictionary: index)
    case .opaque: break
    default: throw malformed
    }
  }

  private mutating func reduce() throws(Failure) {
    let parts = try pop(2)
    guard let arguments = heap.items(parts[1]) else { throw malformed }
    guard let name = heap.name(parts[0]) else {
      return push(.opaque(PickleName(module: "?", name: "?")))
    }
    switch try TorchConstruction.make(name, arguments, heap, at: place) {
    case .value(let value): push(value)
    case .object(let object): push(object)
    case .dictionary(let members): push(heap.addDictionary(members))
    }
  }
}
