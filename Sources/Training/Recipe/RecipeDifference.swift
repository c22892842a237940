import Models
import Settings

extension Checkpoint {
  /// Fails unless a run of one recipe can go on by another, and says where they differ.
  ///
  /// Only `training.steps` may differ, where no step depends on how many there are in all. Recipes of
  /// earlier versions lack what has a default since.
  static func checkRecipe<R: StepRecipe>(
    _ text: String, of recipe: R, step: Int, at path: String
  ) throws(Failure) {
    let started = try R(try JSONValue(json5: text, at: "\(path): recipe"), at: path)
    let differences = recipe.json.differences(from: started.json)
    guard !differences.isEmpty else { return }
    let remedy =
      "give the recipe, --set and --seed that it was started with, or train into another folder"
    guard differences.allSatisfy({ $0.key == "training.steps" }) else {
      let shown = differences.prefix(5).map(\.description).joined(separator: ", ")
      let rest = differences.count > 5 ? ", and \(differences.count - 5) more" : ""
      throw Failure(
        .badData, at: path, "the run was started with another recipe: \(shown)\(rest)",
        remedy: remedy)
    }
    let (then, now) = (started.training.steps, recipe.training.steps)
    guard !recipe.schedule.value.dependsOnLength else {
      throw Failure(
        .badData, at: path,
        "the run was started with training.steps \(then) and would go on with \(now), but the "
          + "schedule \"\(recipe.schedule.name)\" sets every step's rate by how many there are",
        expected: "training.steps \(then)",
        remedy: "train anew with \(now) steps into another folder")
    }
    guard now >= step else {
      throw Failure(
        .badData, at: path, "the run has taken \(step) steps already",
        expected: "training.steps of \(step) or more, not \(now)", remedy: remedy)
    }
  }
}

/// A value that two JSON texts have differently.
struct JSONDifference: CustomStringConvertible {
  /// As `--set` takes it, such as "losses.0.margin".
  let key: String
  /// nil where one has none.
  let before, now: JSONValue?

  var description: String {
    func text(_ value: JSONValue?) -> String {
      guard let text = value?.description else { return "not there" }
      return text.count > 60 ? text.prefix(57) + "..." : text
    }
    return "\(key) was \(text(before)) and is \(text(now))"
  }
}

extension JSONValue {
  /// Where this differs from an earlier value, in the order of the keys.
  func differences(from before: JSONValue, at key: String = "") -> [JSONDifference] {
    func below(_ name: String) -> String { key.isEmpty ? name : "\(key).\(name)" }
    func compared(_ before: JSONValue?, _ now: JSONValue?, _ key: String) -> [JSONDifference] {
      guard let before, let now else { return [JSONDifference(key: key, before: before, now: now)] }
      return now.differences(from: before, at: key)
    }
    switch (before, self) {
    case (.object(let old), .object(let new)):
      // Settings of another thing say nothing beside its name.
      if let name = new["name"], let other = old["name"], name != other {
        return [JSONDifference(key: below("name"), before: other, now: name)]
      }
      return Set(old.keys).union(new.keys).sorted().flatMap {
        compared(old[$0], new[$0], below($0))
      }
    case (.array(let old), .array(let new)):
      return (0..<max(old.count, new.count)).flatMap { i in
        compared(
          i < old.count ? old[i] : nil, i < new.count ? new[i] : nil, below("\(i)"))
      }
    default:
      return self == before ? [] : [JSONDifference(key: key, before: before, now: self)]
    }
  }
}
