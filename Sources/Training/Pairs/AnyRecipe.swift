import Files
import Settings

/// A recipe of either kind: of items in classes, or of queries and documents.
public enum AnyRecipe: Sendable {
  case items(Recipe)
  case pairs(PairRecipe)

  /// Reads a recipe file and applies overrides such as "training.steps=100".
  public init(path: String, overrides: [String] = []) throws(Failure) {
    var value = try JSONValue(json5: try FileSystem.readText(path), at: path)
    for override in overrides { try value.set(override) }
    self =
      PairRecipe.isNamed(in: value)
      ? .pairs(try PairRecipe(value, at: path)) : .items(try Recipe(value, at: path))
  }

  /// Whether the recipe of a run folder is one of pairs.
  public static func isOfPairs(run path: String) -> Bool {
    let recipe = RunFolder(path).recipe
    guard FileSystem.exists(recipe), let text = try? FileSystem.readText(recipe),
      let value = try? JSONValue(json5: text, at: recipe)
    else { return false }
    return PairRecipe.isNamed(in: value)
  }

  public var description: String {
    switch self {
    case .items(let recipe): recipe.description
    case .pairs(let recipe): recipe.description
    }
  }

  public var targets: [String: Double] {
    switch self {
    case .items(let recipe): recipe.targets
    case .pairs(let recipe): recipe.targets
    }
  }
}
