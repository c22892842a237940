import Settings

/// The class of each item as the user gave it: whole numbers with or without sign, or texts.
///
/// Read from `.npy` or `.npz` (any integers, `U` and `S` texts), from a column of a table (`.csv`, `.tsv`) or
/// from `.txt`, a line each:
///
/// ```swift
/// let labels = try GivenLabels.read(path, count: rows)
/// let classes = GivenLabels.numbered([queries, gallery])   // equal labels, equal numbers from 0
/// labels.name(of: 3)                                       // "7", "-1", "barolo"
/// ```
public struct GivenLabels: Sendable, Equatable {
  public enum Values: Sendable, Equatable {
    case integers([Int])
    /// Numbers of which some are beyond the largest with a sign.
    case unsigned([UInt64])
    case texts([String])
  }

  public let values: Values

  public init(_ values: Values) { self.values = values }

  /// Labels by the names of their classes: numbers if all classes are called by numbers.
  ///
  /// - Parameters:
  ///   - classes: the class of each item, as an index into `names`.
  ///   - kin: names of other classes that must be of the same kind, such as those of another part.
  public init(classes: [Int], names: [String], kin: [String] = []) {
    let all = names + kin
    if all.allSatisfy({ GivenLabels.isPlain($0, Int.self) }) {
      let numbers = names.map { Int($0) ?? 0 }
      values = .integers(classes.map { numbers[$0] })
    } else if all.allSatisfy({ GivenLabels.isPlain($0, UInt64.self) }) {
      let numbers = names.map { UInt64($0) ?? 0 }
      values = .unsigned(classes.map { numbers[$0] })
    } else {
      values = .texts(classes.map { names[$0] })
    }
  }

  public var count: Int {
    switch values {
    case .integers(let values): values.count
    case .unsigned(let values): values.count
    case .texts(let values): values.count
    }
  }

  /// What the class of an item is called.
  public func name(of item: Int) -> String {
    switch values {
    case .integers(let values): "\(values[item])"
    case .unsigned(let values): "\(values[item])"
    case .texts(let values): values[item]
    }
  }

  /// The labels of some items.
  public subscript(range: Range<Int>) -> GivenLabels {
    switch values {
    case .integers(let values): GivenLabels(.integers(Array(values[range])))
    case .unsigned(let values): GivenLabels(.unsigned(Array(values[range])))
    case .texts(let values): GivenLabels(.texts(Array(values[range])))
    }
  }

  // MARK: Numbers from 0

  /// The class of each item as a number from 0, and the names of the classes, in the order of the
  /// numbers or of the texts' bytes; equal labels have equal numbers in all lists.
  public static func numbered(_ lists: [GivenLabels]) -> (classes: [[Int]], names: [String]) {
    if let integers = GivenLabels.all(lists, { if case .integers(let v) = $0 { v } else { nil } }) {
      return numbered(integers) { "\($0)" }
    }
    if let unsigned = GivenLabels.all(lists, { if case .unsigned(let v) = $0 { v } else { nil } }) {
      return numbered(unsigned) { "\($0)" }
    }
    // Of different kinds: by what they are called. Text is told apart by its scalars, not by what
    // looks alike.
    let names = lists.map { list in (0..<list.count).map { Key(text: list.name(of: $0)) } }
    return numbered(names) { $0.text }
  }

  /// This list alone.
  public var numbered: (classes: [Int], names: [String]) {
    let (classes, names) = GivenLabels.numbered([self])
    return (classes[0], names)
  }

  private static func all<T>(_ lists: [GivenLabels], _ kind: (Values) -> [T]?) -> [[T]]? {
    let found = lists.compactMap { kind($0.values) }
    return found.count == lists.count ? found : nil
  }

  private static func numbered<T: Hashable & Comparable>(
    _ lists: [[T]], _ name: (T) -> String
  ) -> (classes: [[Int]], names: [String]) {
    let known = Set(lists.joined()).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    return (lists.map { $0.map { numbers[$0] ?? 0 } }, known.map(name))
  }

  /// A text by its bytes.
  private struct Key: Hashable, Comparable {
    let text: String

    static func == (a: Key, b: Key) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }
    static func < (a: Key, b: Key) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
    func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
  }

  /// Whether a text is how such a number is written, so that the number gives back the text.
  private static func isPlain<T: FixedWidthInteger>(_ text: String, _: T.Type) -> Bool {
    T(text).map { "\($0)" == text } ?? false
  }

  // MARK: Files

  /// - Parameter count: how many items there are, if it is known: a table with one line more has a
  ///   header.
  public static func read(_ path: String, count: Int? = nil) throws(Failure) -> GivenLabels {
    let (path, member) = GivenLabels.named(path)
    let name = path.lowercased()
    if name.hasSuffix(".csv") || name.hasSuffix(".tsv") {
      return try GivenLabels(table: path, count: count)
    }
    if name.hasSuffix(".txt") {
      return GivenLabels(texts: try lines(of: path))
    }
    guard name.hasSuffix(".npz") else {
      return try GivenLabels(try NumPyArray.read(path), at: path)
    }
    let archive = try ZipDirectory.read(path)
    let wanted = member.map { [$0 + ".npy"] } ?? ["labels.npy", "y.npy"]
    let isOnly = member == nil && archive.members.count == 1
    guard
      let found = archive.members.first(where: { wanted.contains($0.name) })
        ?? (isOnly ? archive.members[0] : nil)
    else {
      throw Failure(
        .badData, at: path, "there is no array \(member.map { "'\($0)'" } ?? "of labels")",
        expected: "one named labels or y, or \(path)#NAME; there are: "
          + archive.members.map { $0.name.replacing(".npy", with: "") }.joined(separator: ", "))
    }
    return try GivenLabels(NumPyArray(bytes: archive.bytes(of: found), at: path), at: path)
  }

  /// The file and the array of `FILE.npz#NAME`.
  private static func named(_ path: String) -> (file: String, member: String?) {
    guard !FileSystem.exists(path), let mark = path.lastIndex(of: "#"),
      path[..<mark].lowercased().hasSuffix(".npz")
    else { return (path, nil) }
    return (String(path[..<mark]), String(path[path.index(after: mark)...]))
  }

  /// A label in each line of a text, which may begin with a byte order mark.
  private static func lines(of path: String) throws(Failure) -> [String] {
    var text = try FileSystem.readText(path)[...]
    if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if lines.last == "" { lines.removeLast() }
    if let empty = lines.firstIndex(where: { $0.allSatisfy(\.isWhitespace) }) {
      throw Failure(
        .badData, at: "\(path): line \(empty + 1)", "the line is empty", expected: "a label",
        remedy: "take empty lines away, or give the items a class")
    }
    return lines.map(String.init)
  }

  public init(_ array: NumPyArray, at place: String) throws(Failure) {
    switch array.elements {
    case .float32, .float64: throw NumPyArray.notWhole(place)
    default: try array.checkIsList(at: place)
    }
    switch array.elements {
    case .int32(let numbers): values = .integers(numbers.map { Int($0) })
    case .int64(let numbers): values = .integers(numbers.map { Int($0) })
    case .uint64(let numbers):
      let signed = numbers.compactMap { Int(exactly: $0) }
      values = signed.count == numbers.count ? .integers(signed) : .unsigned(numbers)
    case .text(let texts): values = .texts(texts)
    case .float32, .float64: throw NumPyArray.notWhole(place)
    }
  }

  private init(table path: String, count: Int?) throws(Failure) {
    let separators: [CSVSeparator] = [.comma, .semicolon, .tab, .bar]
    var table = try CSVTable.read(path, header: .no, separators: separators)
    let words = ["label", "labels", "class", "classes", "target", "y", "category", "name"]
    let first = table[0, table.columnCount - 1]
    let isKnown = table.columns.contains { words.contains(table[0, $0].excerpt.lowercased()) }
    let isNumbered =
      table.rowCount > 1 && first.wholeNumber == nil
      && (1..<table.rowCount).allSatisfy {
        table[$0, table.columnCount - 1].wholeNumber != nil
      }
    if count.map({ table.rowCount == $0 + 1 }) ?? (isKnown || isNumbered) {
      table = try CSVTable.read(path, header: .yes, separators: separators)
    }
    var column = 0
    if table.columnCount > 1 {
      let named = table.columns.filter { words.contains(table.header?[$0].lowercased() ?? "") }
      guard named.count == 1 else {
        throw Failure(
          .badData, at: path, "\(table.columnCount) columns", expected: "one column of labels",
          remedy: "leave only the labels, or call one column 'label'")
      }
      column = named[0]
    }
    self.init(texts: try table.texts(in: column))
  }

  /// Labels that were read as text: numbers if all are.
  public init(texts: [String]) {
    let (classes, names) = GivenLabels(.texts(texts)).numbered
    self.init(classes: classes, names: names)
  }

  /// The labels as an array, with the type that they were given in.
  public var array: NumPyArray {
    switch values {
    case .integers(let values):
      NumPyArray(shape: [values.count], elements: .int64(values.map { Int64($0) }))
    case .unsigned(let values): NumPyArray(shape: [values.count], elements: .uint64(values))
    case .texts(let values): NumPyArray(shape: [values.count], elements: .text(values))
    }
  }

  /// The label of an item as JSON: a number, or a text.
  public func json(of item: Int) -> JSONValue {
    switch values {
    case .integers(let values): JSONValue(values[item])
    case .unsigned(let values): JSONValue(values[item])
    case .texts(let values): .string(values[item])
    }
  }
}
