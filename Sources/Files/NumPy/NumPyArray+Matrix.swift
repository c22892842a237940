import Settings

extension NumPyArray {
  /// The elements as a matrix of finite numbers, row after row.
  ///
  /// - Parameter place: the file, for messages.
  /// - Throws: `Failure` unless the array has two dimensions, numbers as elements, at least one
  ///   column, and neither NaN nor infinity once converted to `S`.
  /// - Complexity: O(rows · columns); nothing is copied when the elements already are of type `S`.
  public func matrix<S: BinaryFloatingPoint>(
    at place: String, as _: S.Type = S.self
  ) throws(Failure) -> (rows: Int, columns: Int, values: [S]) {
    guard shape.count == 2 else {
      throw Failure(
        .badData, at: place, "an array of shape \(describe(shape))",
        expected: "a matrix with a row for each item",
        remedy: "save array.reshape(len(array), -1)")
    }
    let (rows, columns) = (shape[0], shape[1])
    guard columns > 0 else {
      throw Failure(
        .badData, at: place, "a matrix of shape \(describe(shape))",
        expected: "at least one column")
    }
    // Without rows no byte of the file bounds the width.
    try MemoryBudget.check([columns], bytesEach: 64, for: "a row", at: place)
    let values: [S]
    switch elements {
    case .float32(let floats): values = converted(floats)
    case .float64(let doubles): values = converted(doubles)
    case .int32(let integers): values = integers.map { S($0) }
    case .int64(let integers): values = integers.map { S($0) }
    case .uint64(let integers): values = integers.map { S($0) }
    case .text:
      throw Failure(
        .badData, at: place, "texts as elements", expected: "numbers",
        remedy: "save array.astype(np.float32) if they are numbers")
    }
    if let index = firstNotFinite(values) {
      let found = values[index].isNaN ? "NaN" : "a number that is infinite as \(S.self)"
      throw Failure(
        .badData, at: place,
        "\(found) in row \(index / columns), column \(index % columns) (counted from 0)",
        expected: "finite numbers", remedy: "find such rows with ~np.isfinite(array).all(axis=1)")
    }
    return (rows, columns, values)
  }

  /// The elements as a matrix of whole numbers: integers, or floating point numbers that are whole.
  public func wholeRows(at place: String) throws(Failure) -> [[Int]] {
    guard shape.count == 2, shape[1] > 0 else {
      throw Failure(
        .badData, at: place, "an array of shape \(describe(shape))",
        expected: "a matrix with a row for each item",
        remedy: "save labels.reshape(len(labels), -1)")
    }
    let values = try wholeNumbers(at: place)
    return (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
  }

  /// The elements as numbers, one for each item: groups, clusters or ids. Classes are read by
  /// ``GivenLabels``, which takes texts too.
  ///
  /// - Throws: `Failure` unless the array has one dimension and integer elements.
  public func labels(at place: String) throws(Failure) -> [Int] {
    if case .float32 = elements { throw NumPyArray.notWhole(place) }
    if case .float64 = elements { throw NumPyArray.notWhole(place) }
    try checkIsList(at: place)
    return try wholeNumbers(at: place)
  }

  func checkIsList(at place: String) throws(Failure) {
    guard shape.count == 1 else {
      throw Failure(
        .badData, at: place, "an array of shape \(describe(shape))",
        expected: "one label for each item, of shape (items,)",
        remedy: shape.count { $0 != 1 } <= 1
          ? "save labels.reshape(-1)"
          : "save one column, as in labels[:, 0], or labels.reshape(-1) if each number is an item's"
      )
    }
  }

  static func notWhole(_ place: String) -> Failure {
    Failure(
      .badData, at: place, "floating point elements", expected: "integer labels",
      remedy: "save labels.astype(np.int64) if all are whole")
  }

  private func wholeNumbers(at place: String) throws(Failure) -> [Int] {
    func whole<T>(_ values: [T], _ number: (T) -> Int?) throws(Failure) -> [Int] {
      let numbers = values.compactMap(number)
      guard numbers.count == values.count else {
        let bad = values.first { number($0) == nil }
        throw Failure(
          .badData, at: place, "a label is \(bad.map { "\($0)" } ?? "")",
          expected: "whole numbers of 64 bits")
      }
      return numbers
    }
    switch elements {
    case .int32(let values): return values.map(Int.init)
    case .int64(let values): return values.map(Int.init)
    case .uint64(let values): return try whole(values) { Int(exactly: $0) }
    case .float32(let values): return try whole(values) { Int(exactly: $0) }
    case .float64(let values): return try whole(values) { Int(exactly: $0) }
    case .text(let values): return try whole(values) { Int($0) }
    }
  }
}

/// `values` as numbers of type `S`.
///
/// Arrays of the right type pass as they are, and the two usual types convert without going
/// through the generic protocol, which is many times slower.
private func converted<T: BinaryFloatingPoint, S: BinaryFloatingPoint>(_ values: [T]) -> [S] {
  if let same = values as Any as? [S] { return same }
  if let doubles = values as Any as? [Double],
    let floats = doubles.map({ Float($0) }) as Any as? [S]
  {
    return floats
  }
  if let floats = values as Any as? [Float],
    let doubles = floats.map({ Double($0) }) as Any as? [S]
  {
    return doubles
  }
  return values.map { S($0) }
}

private func firstNotFinite<S: BinaryFloatingPoint>(_ values: [S]) -> Int? {
  if let floats = values as Any as? [Float] { return floats.firstIndex { !$0.isFinite } }
  if let doubles = values as Any as? [Double] { return doubles.firstIndex { !$0.isFinite } }
  return values.firstIndex { !$0.isFinite }
}
