import Evaluation
import Geometry
import Miners
import Settings
import Training

private let json = [
  "{", "}", "[", "]", ":", ",", "'", "\"", "//", "/*", "*/", "null", "true", "\\u",
]

let textReaders: [FuzzedReader] = [
  .text(
    "json5", words: json,
    [
      "{a: 1, 'b': [true, null, -1.5e3, 0x1F], \"c\": \"\\u00e9\\n\" /* so */, d: {e: Infinity},}",
      "[[1, 2], [3, [4, {x: 'y'}]], // end\n .5, +1]",
    ]
  ) { text in
    let value = try JSONValue(json5: text, at: "input")
    _ = try JSONValue(json5: value.description, at: "written")
    _ = value.indented
  },
  .text(
    "recipe", words: json + ["losses", "training", "steps", "mlp", "hidden", "margin"],
    [
      """
      {data: {name: "digits"}, model: {name: "mlp", hidden: [8, 8], embedding: 4},
       losses: [{name: "contrastive", weight: 1, miner: {name: "batch-hard"}, memory: {size: 64}}],
       sampler: {name: "m-per-class", classes: 4, perClass: 2}, optimizer: {name: "adamw"},
       schedule: {name: "step", drops: 2}, training: {steps: 10, seed: 1}, targets: {"recall@1": 0.5}}
      """,
      """
      {data: {name: "glyphs", classes: 10, perClass: 5}, model: {name: "conv4", embedding: 8},
       losses: [{name: "soft-triple", centersPerClass: 2}], augmentation: {name: "affine"},
       guard: {action: "warn"}}
      """,
    ]
  ) { text in
    let recipe = try Recipe(JSONValue(json5: text, at: "input"), at: "input")
    _ = try Recipe(recipe.json, at: "written")
  },
  .text(
    "relevance", words: json + ["labelSets", "hierarchy", "weights", "scores"],
    [
      "{labelSets: [[0, 3], [1], ['blue', 'round']]}",
      "{hierarchy: [[0, 0], [0, 1], [1, 2]], weights: [0.3, 0.7]}",
      "{scores: [[0, 1, 0.8], [0, 2, 0], [2147483648, 1, 0.5]]}",
    ]
  ) { text in
    let relevance = try Relevance(JSONValue(json5: text, at: "input"), at: "input")
    try relevance.validate(labels: [0, 1, 2, 0], at: "input")
    for level in relevance.levels {
      let table = PairTable(labels: [0, 1, 2, 0], reference: nil, likeness: level.likeness)
      _ = table.hasBothKinds
    }
  },
  .file("calibration", "json", words: json + ["isotonic", "platt", "distances", "perItem"]) {
    [
      Array(
        """
        {"check": {"classes": 2, "falseAcceptInterval": [0, 0.1], "falseAcceptRate": 0.01,
        "falseRejectInterval": null, "falseRejectRate": 0.2, "items": 8, "negativePairs": 20,
        "positivePairs": 8}, "data": "d",
        "definition": "\(Calibration.definition)",
        "distance": 0.5, "distanceInterval": [0.4, 0.6], "draws": 9,
        "model": "m", "seed": 0}
        """.utf8)
    ]
  } read: {
    _ = try RunCalibration(path: $0).json
  },
]
