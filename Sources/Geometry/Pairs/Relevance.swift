import Settings

/// What makes items alike, where that is more than one class each.
///
/// Items are known by their label, which is a number from 0: items of the same label are alike. What
/// makes two labels alike is one of
///
///     label sets   that their sets share a label
///     hierarchy    on each level, that their paths agree down to it
///     scores       that their score is at least a threshold; labels without a score make no pair
///
/// A loss is then a weighted sum over levels, Σ w_k L_k, where L_k is the plain loss with the pairs
/// that are positive on level k: one level of weight 1 for label sets, the levels of a hierarchy with
/// weights of their own, and for scores 0 < s₁ < s₂ < ... the thresholds s_k with weights
/// s_k - s_(k-1), so that a pair is positive with a weight of its score in all.
/// - Reference: levels of a hierarchy: Zhang et al., *Use All the Labels: A Hierarchical Multi-Label
///   Contrastive Learning Framework* (CVPR 2022); sums over thresholds are our reconstruction for
///   graded relevance as in Ramzi et al., *Hierarchical Average Precision Training for Pertinent
///   Image Retrieval* (ECCV 2022).
public enum Relevance: Sendable, Equatable {
  /// The labels of each item; items without any are alike only with their own label.
  case labelSets([[Int]])
  /// The class of each item on each level, the coarsest first, and the weight of each level.
  case hierarchy([[Int]], weights: [Double])
  /// How alike two labels are, in either order; a score of 0 or less makes a negative pair.
  case scores([LabelPair: Double])

  /// The plain losses that a loss is the weighted sum of.
  public var levels: [RelevanceLevel] {
    switch self {
    case .labelSets(let sets):
      return [RelevanceLevel(weight: 1, likeness: .sets(sets.map { $0.sorted() }))]
    case .hierarchy(let paths, let weights):
      return weights.indices.map { level in
        var numbers: [ArraySlice<Int>: Int] = [:]
        let classes = paths.map { path in
          let number = numbers[path[...level]] ?? numbers.count
          numbers[path[...level]] = number
          return number
        }
        return RelevanceLevel(weight: weights[level], likeness: .classes(classes))
      }
    case .scores(let scores):
      var both = scores
      for (pair, score) in scores { both[LabelPair(pair.second, pair.first)] = score }
      let thresholds = Set(scores.values.filter { $0 > 0 }).sorted()
      return zip([0] + thresholds, thresholds).map { last, next in
        RelevanceLevel(weight: next - last, likeness: .scores(both, threshold: next))
      }
    }
  }

  /// Checks that there is something for every label, and that levels and weights fit.
  public func validate(labels: [Int], at place: String) throws(Failure) {
    switch self {
    case .labelSets(let sets): try check(labels, below: sets.count, at: place)
    case .hierarchy(let paths, let weights):
      try check(labels, below: paths.count, at: place)
      guard !weights.isEmpty, weights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
        throw Failure(
          .badData, at: place, "the weights of the levels are \(weights)",
          expected: "one of 0 or more for each level")
      }
      for (label, path) in paths.enumerated() where path.count != weights.count {
        throw Failure(
          .badData, at: place, "the path of label \(label) has \(path.count) levels",
          expected: "\(weights.count), as there are weights")
      }
    case .scores(let scores):
      guard scores.values.allSatisfy(\.isFinite) else {
        throw Failure(
          .badData, at: place, "a score is infinite or not a number", expected: "finite scores")
      }
      let different = Set(scores.values.filter { $0 > 0 }).count
      guard (1...Relevance.mostScores).contains(different) else {
        throw Failure(
          .badData, at: place, "there are \(different) different scores above 0",
          expected: "1 to \(Relevance.mostScores)",
          remedy: "each costs as much as the plain loss; round the scores")
      }
    }
  }

  private func check(_ labels: [Int], below count: Int, at place: String) throws(Failure) {
    for label in labels where !(0..<count).contains(label) {
      throw Failure(
        .badData, at: place, "nothing is said of the label \(label)",
        expected: "labels from 0 to \(count - 1)")
    }
  }

  package static let mostScores = 64
}

/// One of the plain losses that make up a loss of graded relevance.
public struct RelevanceLevel: Sendable {
  public let weight: Double
  public let likeness: Likeness
}

/// Whether two labels are alike.
public enum Likeness: Sendable {
  /// The class of each label.
  case classes([Int])
  /// The labels of each label, in ascending order.
  case sets([[Int]])
  case scores([LabelPair: Double], threshold: Double)

  /// Above 0 for a positive pair, below 0 for a negative one, 0 for none.
  public func kind(_ a: Int, _ b: Int) -> Int32 {
    switch self {
    case .classes(let classes): return classes[a] == classes[b] ? 1 : -1
    case .sets(let sets): return a == b || sharesElement(sets[a], sets[b]) ? 1 : -1
    case .scores(let scores, let threshold):
      if a == b { return 1 }
      return scores[LabelPair(a, b)].map { $0 >= threshold ? 1 : -1 } ?? 0
    }
  }

  /// The class of each label, where labels are alike within a class and unlike between two; nil if they
  /// do not fall into classes.
  ///
  /// - Complexity: O(labels²) at worst.
  package func classes(of labels: [Int]) -> [Int]? {
    if case .classes(let classes) = self { return labels.map { classes[$0] } }
    var found: [Int: Int] = [:]
    for label in labels where found[label] == nil {
      let others = found.map { (kind: kind(label, $0.key), class: $0.value) }
      let own = others.first { $0.kind > 0 }?.class ?? label
      guard others.allSatisfy({ $0.class == own ? $0.kind > 0 : $0.kind < 0 }) else { return nil }
      found[label] = own
    }
    return labels.map { found[$0, default: $0] }
  }
}

/// Whether two ascending lists have an element in common.
private func sharesElement(_ a: [Int], _ b: [Int]) -> Bool {
  var (i, j) = (0, 0)
  while i < a.count, j < b.count {
    if a[i] == b[j] { return true }
    if a[i] < b[j] { i += 1 } else { j += 1 }
  }
  return false
}

extension PairTable {
  /// Every pair, as alike as its labels are, without pairs of a row with itself.
  ///
  /// - Complexity: O(rows × columns) memory, 4 bytes a pair, unless what is alike falls into classes.
  public init(labels: [Int], reference: ReferenceSet?, likeness: Likeness?) {
    guard let likeness else {
      self.init(labels: labels, reference: reference)
      return
    }
    if let classes = likeness.classes(of: labels + (reference?.labels ?? [])) {
      var reference = reference
      reference?.labels = Array(classes[labels.count...])
      self.init(labels: Array(classes[..<labels.count]), reference: reference)
      return
    }
    let columns = reference?.labels ?? labels
    var kinds: [Int32] = []
    kinds.reserveCapacity(labels.count * columns.count)
    for label in labels {
      for other in columns { kinds.append(likeness.kind(label, other)) }
    }
    let places = reference?.places ?? labels.indices.map { $0 }
    for (row, place) in places.enumerated() {
      if let place { kinds[row * columns.count + place] = 0 }
    }
    self.init(kinds: kinds, rows: labels.count, columns: columns.count)
  }
}
