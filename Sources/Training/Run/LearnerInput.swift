import Classical
import Data
import Files
import Settings

extension LearningProblem {
  /// Rows as a learner takes them, with the constraints that options name.
  init(
    _ rows: Rows, _ scaling: Scaling, _ options: LearnerOptions, isDivided: Bool
  ) throws(Failure) {
    self.init(rows: scaling.rows(rows), labels: rows.labels, place: rows.name)
    // Fourth powers of numbers must be finite.
    guard self.rows.elements.allSatisfy({ abs($0) < 1e70 }) else {
      throw Failure(
        .badData, at: rows.name, "a number is beyond 1e70", expected: "smaller numbers",
        remedy: "scale the columns")
    }
    classNames = rows.classNames
    (targets, treated, covariates) = (rows.targets, rows.treated, rows.covariates)
    if options.components > 0 { components = options.components }
    if targets == nil, let labels, rows.classNames.allSatisfy({ Double($0) != nil }) {
      // Classes with numbers as names can be predicted as numbers.
      targets = labels.map { Double(rows.classNames[$0]) ?? 0 }
    }
    guard options.hasConstraints else { return }
    guard !isDivided else {
      throw Failure(
        .badUsage, at: rows.name, "constraints count the rows of the whole file",
        expected: "all of them to learn from", remedy: "leave the share of test rows out")
    }
    try addPairs(options)
    triplets = try tuples(options.triplets, 3, "triplets").map { rows in
      rows.map { RowTriplet($0[0], $0[1], $0[2]) }
    }
    quadruplets = try tuples(options.quadruplets, 4, "quadruplets").map { rows in
      rows.map { RowQuadruplet($0[0], $0[1], $0[2], $0[3]) }
    }
    if !options.chunks.isEmpty {
      let numbers = try readColumn(options.chunks)
      let found = numbers.compactMap { Int(exactly: $0) }
      guard found.count == count, numbers.count == count, found.allSatisfy({ $0 >= -1 }) else {
        throw Failure(
          .badData, at: options.chunks, "\(numbers.count) numbers",
          expected: "\(count) whole ones, a chunk for each row or -1 for none")
      }
      chunks = found
    }
  }

  private mutating func addPairs(_ options: LearnerOptions) throws(Failure) {
    guard let rows = try tuples(options.pairs, 2, "pairs") else { return }
    guard !options.pairLabels.isEmpty else {
      throw Failure(
        .badUsage, at: options.pairs, "it is not told which pairs are alike",
        expected: "--pair-labels S.npy: +1 for alike, -1 for unlike")
    }
    let signs = try readColumn(options.pairLabels)
    guard signs.count == rows.count else {
      throw Failure(
        .badData, at: options.pairLabels, "there are \(signs.count) labels",
        expected: "\(rows.count), one for each pair")
    }
    var found: [RowPair] = []
    for (row, sign) in zip(rows, signs) {
      guard sign == 1 || sign == -1 else {
        throw Failure(
          .badData, at: options.pairLabels, "a label is \(JSONValue.number(sign))",
          expected: "+1 for alike, -1 for unlike")
      }
      found.append(RowPair(row[0], row[1], isAlike: sign > 0))
    }
    pairs = found
  }

  /// The rows that a file of tuples names; nil without a file.
  private func tuples(
    _ path: String, _ width: Int, _ what: String
  ) throws(Failure) -> [[Int]]? {
    guard !path.isEmpty else { return nil }
    let array = try NumPyArray.read(path)
    guard array.shape.count == 2, array.shape[1] == width else {
      throw Failure(
        .badData, at: path, "an array of shape \(array.shape)",
        expected: "\(what) of \(width) rows, [n, \(width)]")
    }
    let found = try array.wholeRows(at: path)
    guard !found.isEmpty else { throw Failure(.badData, at: path, "there are no \(what)") }
    for (place, tuple) in found.enumerated() {
      guard let bad = tuple.first(where: { !(0..<count).contains($0) }) else { continue }
      throw Failure(
        .badData, at: path, "row \(bad) in number \(place) (counted from 0)",
        expected: "rows 0 to \(count - 1)")
    }
    return found
  }
}

extension LearnerChoice {
  /// Fails when what is given is not what the learner learns from.
  func check(_ problem: LearningProblem) throws(Failure) {
    let given: [(Supervision, Bool)] = [
      (.labels, problem.labels != nil), (.targets, problem.targets != nil),
      (.pairs, problem.pairs != nil), (.triplets, problem.triplets != nil),
      (.quadruplets, problem.quadruplets != nil), (.chunks, problem.chunks != nil),
      (.effects, problem.treated != nil && problem.targets != nil),
    ]
    let wanted = type(of: learner).supervision
    let constraints: Set<Supervision> = [.pairs, .triplets, .quadruplets, .chunks]
    if let useless = given.first(where: {
      $0.1 && constraints.contains($0.0) && !wanted.contains($0.0)
    }) {
      throw Failure(
        .badUsage, at: "learner: \(name)", "it does not learn from \(useless.0.rawValue)",
        expected: wanted.map(\.rawValue).joined(separator: " or "))
    }
    guard wanted.contains(.nothing) || given.contains(where: { $0.1 && wanted.contains($0.0) })
    else {
      throw Failure(
        .badUsage, at: "learner: \(name)", "there is nothing that it can learn from",
        expected: wanted.map(\.rawValue).joined(separator: " or "),
        remedy: "see kindred learn --help")
    }
  }
}
