import Autodiff
import Settings

/// Tensors of a file of weights, by their names without what a training program put in front.
struct ImageTensors: Sendable {
  let file: WeightFile
  /// What stands in front of each name in the file.
  let prefix: String
  /// The names in the file, by the names that are looked for.
  private let places: [String: String]

  /// What training programs put in front of an encoder's names.
  private static let prefixes = [
    "module.", "_orig_mod.", "backbone.", "encoder.", "model.", "visual.", "encoder_q.", "vit.",
    "dinov2.", "dinov2_with_registers.", "clip.",
  ]

  private init(_ file: WeightFile, prefix: String, places: [String: String]) {
    (self.file, self.prefix, self.places) = (file, prefix, places)
  }

  /// The tensors of a file, as they are and with what may stand in front taken away.
  static func views(of file: WeightFile) -> [ImageTensors] {
    var (prefixes, next) = ([""], [""])
    let names = file.names
    for _ in 0..<3 {
      next = next.flatMap { start in
        ImageTensors.prefixes.map { start + $0 }.filter { prefix in
          names.contains { $0.hasPrefix(prefix) }
        }
      }
      prefixes += next
    }
    return prefixes.map { prefix in
      var places: [String: String] = [:]
      for name in names where name.hasPrefix(prefix) {
        places[String(name.dropFirst(prefix.count))] = name
      }
      return ImageTensors(file, prefix: prefix, places: places)
    }
  }

  /// The same tensors under other names.
  func renamed(_ change: (String) -> String) -> ImageTensors {
    ImageTensors(
      file, prefix: prefix,
      places: Dictionary(places.map { (change($0.key), $0.value) }) { first, _ in first })
  }

  /// Where the tensors come from, for messages.
  var place: String { file.place }
  var names: Set<String> { Set(places.keys) }
  /// How many tensors of the file are none of these.
  var othersCount: Int { file.names.count - places.count }

  func has(_ name: String) -> Bool { places[name] != nil }
  func fileName(of name: String) -> String? { places[name] }

  func shape(_ name: String) -> [Int]? { places[name].flatMap(file.shape) }

  /// A tensor's length along an axis.
  func length(_ name: String, _ axis: Int) throws(Failure) -> Int {
    guard let shape = shape(name) else {
      throw Failure(
        .badData, at: place, "there is no tensor '\(prefix)\(name)'",
        remedy: "the weights are incomplete or of another architecture")
    }
    guard axis < shape.count, shape.allSatisfy({ (1...1 << 24).contains($0) }) else {
      throw Failure(.badData, at: place, "the tensor '\(prefix)\(name)' has shape \(shape)")
    }
    return shape[axis]
  }

  /// How many of the names for 0, 1, 2 … are there in a row.
  func count(_ name: (Int) -> String) -> Int {
    var count = 0
    while has(name(count)) { count += 1 }
    return count
  }
}

extension ImageTensors {
  /// Fills an encoder with these tensors.
  ///
  /// - Parameter isIgnored: whether a tensor may be left over: a classifier's, a counter.
  /// - Returns: the names that were used, ours with those of the file, and those that were left over.
  func fill<E: ImageEncoder>(
    _ encoder: inout E, _ rules: TensorNames, isIgnored: (String) -> Bool
  ) throws(Failure) -> (used: [String: String], left: [String]) {
    let names = self.names
    var (used, missing, problem) = ([String: String](), [String](), Failure?.none)
    var all = AllTensors(layer: encoder)
    all.updateParameters { name, parameter in
      guard problem == nil else { return }
      guard let found = rules.find(name, in: names), let place = places[found] else {
        missing.append(prefix + rules.name(of: name))
        return
      }
      do throws(Failure) {
        let tensor = try file.tensor(place, dtype: parameter.dtype)
        guard let own = WeightLayout.own(tensor, as: parameter.shape) else {
          throw Failure(
            .badData, at: self.place, "the tensor '\(place)' has shape \(tensor.shape)",
            expected: "\(WeightLayout.others(parameter.shape)), as the tensors before it ask for",
            remedy: "the weights are of another architecture")
        }
        parameter = own
        used[name] = found
      } catch {
        problem = error
      }
    }
    if let problem { throw problem }
    guard missing.isEmpty else {
      throw failure("\(ImageTensors.list(missing)) missing")
    }
    let taken = Set(used.values)
    let left = names.filter { !taken.contains($0) }.sorted()
    let strange = left.filter { !isIgnored($0) }
    guard strange.isEmpty else {
      throw failure("\(ImageTensors.list(strange.map { prefix + $0 })) left over")
    }
    encoder = all.layer
    return (used.mapValues { places[$0] ?? $0 }, left.map { places[$0] ?? $0 })
  }

  private func failure(_ found: String) -> Failure {
    Failure(
      .badData, at: place, found, expected: "the tensors of the architecture that the names tell",
      remedy: "the weights are incomplete or of another architecture")
  }

  /// "the tensor a is", or "the tensors a, b and 3 more are".
  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(4).map { "'\($0)'" }.joined(separator: ", ")
    if names.count == 1 { return "the tensor \(shown) is" }
    return "the tensors \(shown)\(names.count > 4 ? " and \(names.count - 4) more" : "") are"
  }
}
