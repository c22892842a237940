import Evaluation

extension RunReport {
  /// What every number of the page means.
  var definitionsSection: ReportSection {
    let entries = allMetrics.filter { trainingMetrics.contains($0.name) }.map {
      "<dt>\(escaped($0.name)) <code>\(escaped($0.value.id))</code></dt>"
        + "<dd>\(escaped($0.value.definition))</dd>"
    }
    let more: [(term: String, meaning: String)] = [
      ("matching pair", "two different items of one class"),
      ("false accept rate (FAR)", "share of pairs of different classes that a threshold accepts"),
      ("false reject rate (FRR)", "share of matching pairs that a threshold refuses"),
      (
        "verdict",
        "better or worse if 95 % of the changes, over draws of the classes with replacement (both "
          + "embeddings on the same ones), lie on one side of 0; unclear otherwise"
      ),
      (
        EmbeddingComparison.falseRejects,
        "share of matching pairs refused by the threshold that accepts 1 % of the other pairs"
      ),
      (
        "95 % interval",
        "the middle 95 % of what other draws of the classes, with replacement, would have given"
      ),
      (
        "loss, active",
        "the value of a step's loss, and the share of its terms that are above 0: "
          + "only these teach"
      ),
      (
        "utility",
        "harmonic mean of sensitivity (accepted matching pairs of a class) and "
          + "specificity (refused pairs with one end in it)"
      ),
      (
        "rank",
        "place of an item among all others, the nearest first; equally near ones in the order "
          + "of the data"
      ),
    ]
    return ReportSection(
      id: "definitions", title: "What the numbers mean",
      body: "<dl>\(entries.joined(separator: "\n"))</dl>\(definitionList(more))")
  }

  var recipeSection: ReportSection {
    ReportSection(
      id: "recipe", title: "Recipe", body: "<pre>\(escaped(result.recipe.json.indented))</pre>")
  }
}
