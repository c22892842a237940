import Settings
import Testing
import Training

@Suite struct Recipes {
  static let minimal: JSONValue = [
    "data": ["name": "digits"], "model": ["name": "linear"], "losses": [["name": "contrastive"]],
  ]

  @Test func defaultsAreSpelledOut() throws {
    let recipe = try Recipe(Self.minimal, at: "test")
    #expect(recipe.json["optimizer"]?["name"] == "adamw")
    #expect(recipe.json["model"]?["embedding"] == 128)
    #expect(recipe.json["training"]?["steps"] == 1000)
    #expect(try Recipe(recipe.json, at: "again").json == recipe.json)
  }

  @Test(arguments: [
    ("lossess=[]", "there is no key 'lossess'; did you mean 'losses'?"),
    ("model.embeding=3", "there is no setting 'embeding'; did you mean 'embedding'?"),
    ("model.name=conv5", "there is no model 'conv5'; did you mean 'conv4'?"),
    ("losses.0.name=contrastve", "there is no loss 'contrastve'; did you mean 'contrastive'?"),
    ("losses.0.miner={name:'batch-hrd'}", "did you mean 'batch-hard'?"),
    ("losses=[]", "'losses' is missing"),
    ("losses.0.weight=-1", "expected a number from"),
    ("training.steps=0", "'steps' is 0"),
    ("training.monitor=recal", "did you mean 'recall"),
    ("targets.recal=1", "there is no metric 'recal'"),
    ("data=3", "this is a number"),
  ])
  func mistakesAreNamed(override: String, message: String) throws {
    var value = Self.minimal
    try value.set(override)
    let failure = #expect(throws: Failure.self) { try Recipe(value, at: "r.json5") }
    #expect(failure?.kind == .badData)
    #expect(failure?.description.contains(message) == true, "\(failure as Any)")
  }

  @Test func overridesReachEverything() throws {
    var value = Self.minimal
    for override in [
      "training.steps=7", "losses.0.negativeMargin=0.5", "losses.1={name: 'multi-similarity'}",
      "schedule.name=cosine", "model.normalize=false",
    ] { try value.set(override) }
    let recipe = try Recipe(value, at: "test")
    #expect(recipe.training.steps == 7)
    #expect(recipe.losses.count == 2)
    #expect(recipe.losses[0].loss.json["negativeMargin"] == 0.5)
    #expect(recipe.schedule.name == "cosine")
    #expect(recipe.model.json["normalize"] == false)
  }

  @Test(arguments: ["training", "=3", "losses.7=1", "losses.x=1", "data.name.x=1"])
  func overridesThatCannotBeAreRefused(override: String) {
    var value = Self.minimal
    let failure = #expect(throws: Failure.self) { try value.set(override) }
    #expect(failure?.kind == .badUsage)
  }
}
