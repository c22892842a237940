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
        {
        "check": {
        "classes": 3,
        "far": 0.2222222222222222,
        "farInterval": [
        0,
        0.4722222222222222
        ],
        "frr": 0.4666666666666667,
        "frrInterval": [
        0.3111111111111111,
        0.6222222222222222
        ],
        "items": 18,
        "negativePairs": 108,
        "positivePairs": 45
        },
        "data": "/tmp/fx/x.npy (test): 36 items of 6 classes, c85cab188639a2e8",
        "definition": "threshold/all-pairs/far-at-most/midpoint/halves-of-classes/percentile-bootstrap-over-classes",
        "distance": 0.37639458845723983,
        "distanceInterval": [
        0.1648520962696995,
        0.42952776454040614
        ],
        "draws": 1000,
        "farAsked": 0.1,
        "fit": {
        "classes": 3,
        "far": 0.09259259259259259,
        "farInterval": [
        0.027777777777777776,
        0.16666666666666666
        ],
        "frr": 0.37777777777777777,
        "frrInterval": [
        0.2222222222222222,
        0.5333333333333333
        ],
        "items": 18,
        "negativePairs": 108,
        "positivePairs": 45
        },
        "model": "ab6124e7",
        "perItem": {
        "answered": 3,
        "definition": "vcache/least-similarity-without-check/nearest-50-of-half-the-items/checked-on-the-other-half",
        "errorRate": 0.1,
        "questions": 18,
        "thresholds": [
        0.9561533105352282,
        0.913301706479615,
        0.9388394538582361,
        null,
        null,
        0.8602238907033097,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        0.9972603412961689,
        null,
        null,
        null,
        null,
        0.982495893417763,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null
        ],
        "wrong": 1
        },
        "perQuery": {
        "definition": "cosine-adapter/power/ordered-pairs/far-at-most/mean-over-queries/halves-of-classes",
        "far": 0.4351851851851852,
        "farInterval": [
        0,
        0.7083333333333334
        ],
        "frr": 0.47777777777777775,
        "head.bias": [
        -0.25329577922821045,
        -0.4282556176185608,
        0.6007728576660156
        ],
        "head.weight": [
        0.3254489600658417,
        0.3414900004863739,
        -0.4728109836578369,
        0.2777624726295471,
        -0.08408434689044952,
        -0.1846887171268463,
        -0.47175636887550354,
        0.3385068476200104,
        0.42860835790634155,
        -0.20616285502910614,
        0.8843648433685303,
        0.5823675394058228
        ],
        "hidden.bias": [
        -0.4998827874660492,
        -0.38356438279151917,
        0.3761114478111267,
        0.05542071908712387
        ],
        "hidden.weight": [
        0.2114742398262024,
        0.3652089238166809,
        0.10352177917957306,
        0.3662618398666382,
        -0.14924249053001404,
        -0.02319001592695713,
        -0.07947733253240585,
        0.23540517687797546,
        0.41256773471832275,
        -0.1288612335920334,
        -0.9110002517700195,
        0.7565200328826904,
        -0.17492666840553284,
        0.0718088448047638,
        0.45215070247650146,
        -0.21852019429206848
        ],
        "threshold": -0.7685147444725795,
        "width": 4
        },
        "probability": {
        "brier": 0.18805930275870672,
        "calibrationError": 0.10069091899679394,
        "intercept": 2.404945962366687,
        "map": "platt",
        "slope": -6.62046000344422
        },
        "seed": 0,
        "similarity": 0.9291635568900525,
        "similarityInterval": [
        0.9077529497444607,
        0.9864118931777429
        ]
        }
        """.utf8)
    ]
  } read: {
    _ = try RunCalibration(path: $0).json
  },
]
