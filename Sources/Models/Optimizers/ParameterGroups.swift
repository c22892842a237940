import Settings

/// Parameters that are trained in another way than the rest, told by the pattern of their names.
public struct ParameterGroup: Configurable, Equatable {
  /// `*` stands for any letters and `?` for one, as in "encoder.hidden*".
  public var match = "*"
  public var frozen = false
  public var learningRate: Double?
  public var weightDecay: Double?

  public init() {}

  public init(
    _ match: String, frozen: Bool = false, learningRate: Double? = nil, weightDecay: Double? = nil
  ) {
    (self.match, self.frozen) = (match, frozen)
    (self.learningRate, self.weightDecay) = (learningRate, weightDecay)
  }

  public static let settings = [
    Setting("match", \Self.match, "a pattern of parameters' names; * stands for any letters"),
    Setting(
      "frozen", \Self.frozen,
      "whether the parameters stay as they are, so that no gradient is found for them"),
    Setting(
      "learningRate", \Self.learningRate, "the learning rate; null: the optimiser's",
      in: 0...1e6),
    Setting(
      "weightDecay", \Self.weightDecay, "the weight decay; null: the optimiser's", in: 0...1e6),
  ]
}

/// How each parameter of a model is trained: by the first group whose pattern fits its name, else by
/// the update rule's own settings.
public struct ParameterGroups: Sendable, Equatable {
  public var groups: [ParameterGroup]
  /// What the learning rate is multiplied by from a layer of the encoder to the one below it.
  ///
  /// The rate of layer l of n is learningRate × layerDecayⁿ⁻¹⁻ˡ; that of the last layer, and of the
  /// loss's own parameters, is not changed. A layer's parameters share the beginning of their names:
  /// two parts, and all up to the first number if there is one, as in "encoder.blocks.3".
  /// - Reference: Bao et al., *BEiT* (2022), after Clark et al., *ELECTRA* (2020).
  public var layerDecay: Double

  public init(_ groups: [ParameterGroup] = [], layerDecay: Double = 1) {
    (self.groups, self.layerDecay) = (groups, layerDecay)
  }

  /// Whether the parameter, or the running statistic, of a name stays as it is.
  public func isFrozen(_ name: String) -> Bool { group(of: name)?.frozen ?? false }

  /// The rates of parameters, in their order.
  public func rates(
    of names: [String], rule: any UpdateRule, belongsToLoss: (String) -> Bool
  ) -> [ParameterRates] {
    var layers: [String] = []
    for name in names where !belongsToLoss(name) && layers.last != layer(of: name) {
      layers.append(layer(of: name))
    }
    return names.map { name in
      let (isLoss, group) = (belongsToLoss(name), group(of: name))
      let depth = isLoss ? 0 : layers.lastIndex(of: layer(of: name)).map { layers.count - 1 - $0 }
      var factor = 1.0
      for _ in 0..<(layerDecay == 1 ? 0 : depth ?? 0) { factor *= layerDecay }
      let own = (isLoss ? rule.lossLearningRate : nil) ?? rule.learningRate
      return ParameterRates(
        isFrozen: group?.frozen ?? false,
        learningRate: factor * (group?.learningRate ?? own),
        weightDecay: group?.weightDecay ?? (isLoss ? rule.lossWeightDecay : nil)
          ?? rule.weightDecay)
    }
  }

  /// Checks that every pattern fits a parameter, and that something is left to train.
  ///
  /// - Parameter place: where the groups were written, for messages.
  public func validate(_ names: [String], at place: String) throws(Failure) {
    for (i, group) in groups.enumerated() where !names.contains(where: { fits(group.match, $0) }) {
      throw Failure(
        .badData, at: "\(place): groups[\(i)].match", "'\(group.match)' fits no parameter",
        remedy: suggestion(for: group.match, among: names))
    }
    guard names.isEmpty || names.contains(where: { !isFrozen($0) }) else {
      throw Failure(
        .badData, at: "\(place): groups", "every parameter is frozen",
        expected: "one at least to train")
    }
  }

  private func group(of name: String) -> ParameterGroup? {
    groups.first { fits($0.match, name) }
  }

  private func layer(of name: String) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let number = parts.firstIndex { Int($0) != nil }.map { $0 + 1 }
    return parts.prefix(number ?? min(2, parts.count)).joined(separator: ".")
  }
}

/// How one parameter moves.
public struct ParameterRates: Sendable, Equatable {
  public var isFrozen: Bool
  public var learningRate, weightDecay: Double
}

/// Whether a name fits a pattern in which `*` stands for any letters and `?` for one.
///
/// - Complexity: O(pattern × name).
package func fits(_ pattern: String, _ name: String) -> Bool {
  let (pattern, name) = (Array(pattern.utf8), Array(name.utf8))
  // ends[j]: whether the pattern so far fits the first j letters.
  var ends = [Bool](repeating: false, count: name.count + 1)
  ends[0] = true
  for letter in pattern {
    var next = [Bool](repeating: false, count: name.count + 1)
    if letter == UInt8(ascii: "*") {
      var isReached = false
      for j in 0...name.count {
        isReached = isReached || ends[j]
        next[j] = isReached
      }
    } else {
      for j in name.indices where ends[j] {
        next[j + 1] = letter == name[j] || letter == UInt8(ascii: "?")
      }
    }
    ends = next
  }
  return ends[name.count]
}
