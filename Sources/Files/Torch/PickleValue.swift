/// A value of a pickle; what holds others lies in a ``PickleHeap``.
enum PickleValue: Sendable, Equatable {
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case object(Int)
}

/// What a pickle makes beyond plain values; the large ones lie elsewhere, so that many are small.
enum PickleObject: Sendable {
  case tuple([PickleValue])
  /// Those that grow, by their number among the heap's.
  case list(Int)
  case dictionary(Int)
  /// A name of Python's, which is never looked up.
  indirect case name(PickleName)
  /// A whole number that no `Int` holds, its bytes from the least significant.
  case large([UInt8])
  indirect case storage(TorchStorage)
  indirect case tensor(TorchTensor)
  /// What only Python could make; it is never made.
  indirect case opaque(PickleName)
}

typealias PickleMembers = [(key: PickleValue, value: PickleValue)]

struct PickleName: Sendable, Equatable, CustomStringConvertible {
  let module, name: String
  var description: String { "\(module).\(name)" }
}

/// The objects of a pickle, by number: they may hold each other in circles and at any depth, so
/// nobody walks them without end, and nobody frees them one within another.
struct PickleHeap: Sendable {
  private(set) var objects: [PickleObject] = []
  private var lists: [[PickleValue]] = []
  private var dictionaries: [PickleMembers] = []

  mutating func add(_ object: PickleObject) -> PickleValue {
    objects.append(object)
    return .object(objects.count - 1)
  }

  mutating func addList() -> PickleValue {
    lists.append([])
    return add(.list(lists.count - 1))
  }

  mutating func addDictionary(_ members: PickleMembers = []) -> PickleValue {
    dictionaries.append(members)
    return add(.dictionary(dictionaries.count - 1))
  }

  mutating func append(_ items: [PickleValue], toList index: Int) {
    lists[index].append(contentsOf: items)
  }

  /// Adds members, keys and values in turn; an odd one is dropped.
  mutating func append(_ items: [PickleValue], toDictionary index: Int) {
    for i in stride(from: 1, to: items.count, by: 2) {
      dictionaries[index].append((items[i - 1], items[i]))
    }
  }

  func object(_ value: PickleValue) -> PickleObject? {
    if case .object(let index) = value { objects[index] } else { nil }
  }

  /// The items of a tuple or a list.
  func items(_ value: PickleValue) -> [PickleValue]? {
    switch object(value) {
    case .tuple(let items): items
    case .list(let index): lists[index]
    default: nil
    }
  }

  /// The members of a dictionary, in their order; of those with one key the last counts.
  func members(_ value: PickleValue) -> PickleMembers? {
    if case .dictionary(let index) = object(value) { dictionaries[index] } else { nil }
  }

  func name(_ value: PickleValue) -> PickleName? {
    if case .name(let name) = object(value) { name } else { nil }
  }
}
