import Autodiff
import Settings

/// How a family of model files calls the parameters of an architecture.
///
/// A rule pairs a pattern of our names with one of theirs; `*` stands for one part between dots, and
/// the parts that it stands for are carried over in order. The first rule that fits counts.
public struct TensorNames: Sendable {
  public struct Rule: Sendable {
    public let ours, theirs: String
    public init(_ ours: String, _ theirs: String) { (self.ours, self.theirs) = (ours, theirs) }
  }

  public let rules: [Rule]
  /// What may stand in front of their names, as in checkpoints with a head on top.
  public let prefixes: [String]
  /// Older endings of their names for newer ones.
  public let aliases: [Rule]

  public init(rules: [Rule], prefixes: [String] = [], aliases: [Rule] = []) {
    (self.rules, self.prefixes, self.aliases) = (rules, prefixes, aliases)
  }

  /// Their name for one of our parameters.
  public func name(of parameter: String) -> String {
    let parts = parameter.split(separator: ".")
    for rule in rules {
      let pattern = rule.ours.split(separator: ".")
      guard pattern.count == parts.count,
        zip(pattern, parts).allSatisfy({ $0 == "*" || $0 == $1 })
      else { continue }
      var captured = zip(pattern, parts).filter { $0.0 == "*" }.map(\.1)[...]
      return rule.theirs.split(separator: ".")
        .map { $0 == "*" ? captured.popFirst() ?? "*" : $0 }.joined(separator: ".")
    }
    return parameter
  }

  /// The name under which a file has a parameter: as it is, with a prefix, or with an older ending.
  public func find(_ parameter: String, in names: Set<String>) -> String? {
    let name = name(of: parameter)
    var spellings = [name]
    for alias in aliases where name.hasSuffix(alias.ours) {
      spellings.append(name.dropLast(alias.ours.count) + alias.theirs)
    }
    for spelling in spellings {
      for candidate in [spelling] + prefixes.map({ $0 + spelling }) where names.contains(candidate)
      {
        return candidate
      }
    }
    return nil
  }

  /// Fills a model with the weights of a file.
  ///
  /// - Returns: the names of the file's tensors that the model has no use for.
  /// - Throws: if a parameter is missing, or its shape is another.
  public func fill(
    _ model: inout some Parameterized, from weights: WeightFile
  ) throws(Failure) -> [String] {
    let names = Set(weights.names)
    var (used, problem) = (Set<String>(), Failure?.none)
    model.updateParameters { name, parameter in
      guard problem == nil else { return }
      do throws(Failure) {
        guard let found = find(name, in: names) else {
          throw Failure(
            .badData, at: weights.place, "there is no tensor '\(self.name(of: name))'",
            expected: "one of shape \(parameter.shape)",
            remedy: "the weights are incomplete or of another architecture")
        }
        let tensor = try weights.tensor(found, dtype: parameter.dtype)
        guard tensor.shape == parameter.shape else {
          throw Failure(
            .badData, at: weights.place, "the tensor '\(found)' has shape \(tensor.shape)",
            expected: "\(parameter.shape), as config.json asks for")
        }
        parameter = tensor
        used.insert(found)
      } catch {
        problem = error
      }
    }
    if let problem { throw problem }
    return weights.names.filter { !used.contains($0) }
  }
}
