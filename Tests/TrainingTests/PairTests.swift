import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Losses
import Models
import Settings
import Testing
import Training

/// Queries and documents, through whole small runs.
@Suite struct PairTests {
  static let adapter: JSONValue = ["name": "adapter", "rank": 4]

  static func recipe(_ overrides: [String] = []) throws -> PairRecipe {
    var value: JSONValue = [
      "data": [
        "name": "generated-pairs", "queries": 120, "topics": 60, "width": 16, "rank": 3,
        "negatives": 4,
      ],
      "model": ["query": adapter, "document": adapter],
      "losses": [["name": "multiple-negatives-ranking"]],
      "sampler": ["batch": 16, "negatives": 1],
      "optimizer": ["name": "adamw", "learningRate": 0.01],
      "training": ["steps": 12, "evaluateEvery": 4],
    ]
    for override in overrides { try value.set(override) }
    return try PairRecipe(value, at: "test")
  }

  @discardableResult
  static func train(
    _ overrides: [String] = [], into path: String, resuming: Bool = false,
    stopAfter stop: Int? = nil
  ) throws -> PairResult? {
    try Training.train(
      recipe(overrides), into: RunFolder(path), dataRoot: "data", resuming: resuming
    ) { event in
      if case .stepped(let report, _) = event, report.step == stop { return true }
      return false
    }
  }

  static func tensors(_ run: String) throws -> [String: [UInt8]] {
    let file = try SafetensorsFile.read(RunFolder(run).model)
    return Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.bytes) })
  }

  @Test func aRunIsComplete() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a"
    let result = try #require(
      try Self.train(["training.steps=60", "training.evaluateEvery=0"], into: path))
    #expect(result.beatsBaseline && result.trainedOn == 84 && result.judgedOn == 36)
    for file in ["recipe.json5", "environment.json", "metrics.jsonl", "model.safetensors"] {
      #expect(FileSystem.exists("\(path)/\(file)"))
    }
    let saved = try JSONValue(
      json5: try FileSystem.readText(path + "/evaluation.json"), at: "evaluation.json")
    #expect(saved == result.json)
    for key in allCorpusMetrics.map(\.name) {
      #expect(saved["baseline"]?[key]?.numberValue != nil, "\(key)")
      #expect(saved["trained"]?[key]?.numberValue != nil, "\(key)")
    }
    // The model read back gives the numbers of the run, through files of both sides too.
    let model = try PairModel(run: path)
    let data = try result.recipe.data.value.loadPairs(root: "data")
    #expect(try model.judge(data) == result.trained)
    let file = scratch.path + "/q.npy"
    try NumPyArray(#require(data.queries.vectors)).write(to: file)
    #expect(
      try model.embed(file, as: .query).embeddings.elements(as: Float.self)
        == model.embed(data, as: .query).embeddings.elements(as: Float.self))
    #expect(
      try model.embed(file, as: .document).embeddings.elements(as: Float.self)
        != model.embed(data, as: .query).embeddings.elements(as: Float.self))
    #expect(try model.recipe.json == PairRecipe(result.recipe.json, at: "again").json)
    // What takes runs of items says so in a line.
    let refused = #expect(throws: Failure.self) { try TrainedModel(run: path) }
    #expect(refused?.description.contains("queries and documents") == true)
  }

  /// A stopped run goes on to the same bits, for any number of threads.
  @Test func stoppedAndResumed() throws {
    let scratch = try Scratch()
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    var models: [[UInt8]] = []
    for (i, threads) in [1, 2, 3].enumerated() {
      Parallel.threadCount = threads
      try Self.train(into: scratch.path + "/\(i)")
      models.append(try FileSystem.read(scratch.path + "/\(i)/model.safetensors"))
    }
    for stop in [3, 4, 9] {
      let path = scratch.path + "/stopped-\(stop)"
      #expect(try Self.train(into: path, stopAfter: stop) == nil)
      try Self.train(into: path, resuming: true)
      models.append(try FileSystem.read(path + "/model.safetensors"))
      #expect(
        try FileSystem.read(path + "/metrics.jsonl")
          == FileSystem.read(scratch.path + "/0/metrics.jsonl"))
    }
    #expect(models.dropFirst().allSatisfy { $0 == models[0] })
    try Self.train(["training.seed=1"], into: scratch.path + "/other")
    #expect(try FileSystem.read(scratch.path + "/other/model.safetensors") != models[0])
    // Negatives that are mined anew on the way are those of the run that was not stopped.
    let mining = ["sampler.mineEvery=5", "sampler.mineFrom=3"]
    try Self.train(mining, into: scratch.path + "/mining")
    for stop in [4, 5, 7] {
      let path = scratch.path + "/mining-\(stop)"
      try Self.train(mining, into: path, stopAfter: stop)
      try Self.train(mining, into: path, resuming: true)
      #expect(
        try FileSystem.read(path + "/model.safetensors")
          == FileSystem.read(scratch.path + "/mining/model.safetensors"))
    }
    #expect(try FileSystem.read(scratch.path + "/mining/model.safetensors") != models[0])
    // Another recipe or other data do not go on with it.
    for other in ["sampler.batch=8", "data.seed=1"] {
      let path = scratch.path + "/stopped-\(other)"
      _ = try Self.train(into: path, stopAfter: 3)
      #expect(throws: Failure.self) { try Self.train([other], into: path, resuming: true) }
    }
  }

  /// No two documents of a batch answer one query of the training, but for negatives among each other.
  @Test(arguments: [0, 3]) func batchesHaveNoFalseNegatives(negatives: Int) throws {
    // Queries that share answers in many ways.
    var random = Random(seed: 3)
    let (queries, documents) = (60, 40)
    let positives = (0..<queries).map { _ in
      Array(random.permutation(documents).prefix(1 + random.below(3)))
    }
    let mined = (0..<queries).map { _ in
      MinedNegatives(Array(random.permutation(documents).prefix(6)))
    }
    func side(_ rows: Int) -> SideItems {
      SideItems(name: "side", vectors: Tensor(zeros: [rows, 2], dtype: .float32))
    }
    let data = PairedData(
      name: "drawn", queries: side(queries), documents: side(documents), positives: positives,
      negatives: mined, test: [0, 1, 2, 3])
    var sampler = PairSampler()
    (sampler.batch, sampler.negatives) = (12, negatives)
    let maker = PairBatchMaker(
      data, train: data.train, sampler: sampler, needsScores: false, random: Random(seed: 1))
    var seen: [Int: Int] = [:]
    for step in 0..<200 {
      let batch = maker.batch(step)
      #expect(batch == maker.batch(step) && batch.queries.count > 1)
      #expect(Set(batch.queries).count == batch.queries.count)
      #expect(batch.columns.allSatisfy { $0.count == batch.queries.count })
      for (row, query) in batch.queries.enumerated() {
        seen[query, default: 0] += 1
        #expect(data.positives[query].contains(batch.columns[0][row]))
        #expect(Set(batch.columns.map { $0[row] }).count == 1 + negatives)
      }
      for (row, answer) in batch.columns[0].enumerated() {
        for (place, other) in batch.documents.enumerated() where place != row {
          for query in data.train {
            let both =
              data.positives[query].contains(answer) && data.positives[query].contains(other)
            #expect(!both, "step \(step): \(answer) and \(other) answer \(query)")
          }
        }
      }
    }
    #expect(seen.keys.sorted() == data.train)
  }

  /// With documents that go together, each time through all queries takes each once.
  @Test func eachRoundTakesEachQueryOnce() throws {
    let rows = Tensor(zeros: [30, 2], dtype: .float32)
    let data = PairedData(
      name: "pairs", queries: SideItems(name: "q", vectors: rows),
      documents: SideItems(name: "d", vectors: rows), positives: (0..<30).map { [$0] }, test: [])
    var sampler = PairSampler()
    sampler.batch = 7
    let maker = PairBatchMaker(
      data, train: data.train, sampler: sampler, needsScores: false, random: Random(seed: 2))
    let drawn = (0..<30).flatMap { maker.batch($0).queries }
    #expect(drawn.count == 210)
    // A batch that begins with the end of a round may have to leave out what the next one begins with.
    let counts = Dictionary(grouping: drawn) { $0 }.mapValues(\.count)
    #expect(counts.count == 30 && counts.values.allSatisfy { (5...9).contains($0) })
  }

  /// One side, both sides by one encoder, and parts that are frozen.
  @Test func whichSideIsTrained() throws {
    let scratch = try Scratch()
    let (a, b, c) = (scratch.path + "/a", scratch.path + "/b", scratch.path + "/c")
    try Self.train(["model={query:{name:'adapter',rank:4}}"], into: a)
    #expect(try Set(Self.tensors(a).keys) == ["query.residual.down", "query.residual.up"])
    let data = try Self.recipe().data.value.loadPairs(root: "data")
    // Documents stay as they are given, so that an index of them stays.
    #expect(
      try PairModel(run: a).embed(data, as: .document).embeddings.elements(as: Float.self)
        == #require(data.documents.vectors).elements(as: Float.self))
    try Self.train(["model={name:'adapter',rank:4}"], into: b)
    #expect(try Set(Self.tensors(b).keys) == ["encoder.residual.down", "encoder.residual.up"])
    try Self.train(["optimizer={groups:[{match:'document.*',frozen:true}]}"], into: c)
    let model = try PairModel(run: c)
    #expect(
      try model.embed(data, as: .document).embeddings.elements(as: Float.self)
        != model.embed(data, as: .query).embeddings.elements(as: Float.self))
    #expect(
      try Tensor(Self.tensors(c)["document.residual.up"] ?? [], shape: [256]).isZero
        && !Tensor(Self.tensors(c)["query.residual.up"] ?? [], shape: [256]).isZero)
  }

  /// The gradient of a step is that of the column loss, by finite differences.
  @Test func gradientOfAStep() throws {
    let recipe = try Self.recipe(["sampler.batch=5", "model.query.rank=2", "model.document.rank=2"])
    let trainer = try PairTrainer(recipe, data: recipe.data.value.loadPairs(root: "data"))
    let batch = trainer.maker.batch(0)
    var objective = trainer.objective
    var random = Random(seed: 9)
    objective.updateParameters { _, x in
      x = Tensor((0..<x.count).map { _ in 0.3 * random.normal() }, shape: x.shape)
    }
    let (queries, documents) = (
      try #require(trainer.data.queries.vectors).rows(at: batch.queries).converted(to: .float64),
      try #require(trainer.data.documents.vectors).rows(at: batch.documents).converted(to: .float64)
    )
    let count = batch.queries.count
    func loss(_ objective: PairObjective) -> Tensor {
      var pass = Pass(isTraining: true)
      let anchors = objective.encoders[.query](.vectors(queries), in: &pass)
      let others = objective.encoders[.document](.vectors(documents), in: &pass)
      let columns = (0..<2).map { others.rows(at: Array($0 * count..<($0 + 1) * count)) }
      return objective.loss(ColumnInput([anchors] + columns)).sum
    }
    let (_, gradient) = valueWithGradient(at: objective) { loss($0) }
    for (place, parameter) in objective.parameters.enumerated() {
      let slope = gradient.parameters[place].value.elements(as: Double.self)
      for i in stride(from: 0, to: parameter.value.count, by: 7) {
        func moved(_ by: Double) -> Double {
          var other = objective
          var number = 0
          other.updateParameters { _, x in
            if number == place {
              var values = x.elements(as: Double.self)
              values[i] += by
              x = Tensor(values, shape: x.shape)
            }
            number += 1
          }
          return loss(other).item
        }
        let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5
        #expect(abs(slope[i] - expected) < 1e-8, "\(parameter.name)[\(i)]")
      }
    }
  }

  /// Losses of columns that queries, answers and negatives have all that they ask for.
  @Test(arguments: [
    "[{name:'multiple-negatives-ranking',directions:['query-to-doc','doc-to-query'],partition:'per-direction'}]",
    "[{name:'guided-ranking',temperature:0.05},{name:'triplet-columns',distance:'cosine',margin:0.1,weight:0.5}]",
    "[{name:'margin-mse'}]", "[{name:'distill-kl'}]",
    "[{name:'multiple-negatives-ranking',modifiers:['matryoshka',{name:'global-orthogonal'}]}]",
  ])
  func lossesOfColumns(losses: String) throws {
    let scratch = try Scratch()
    let result = try #require(
      try Self.train(["losses=\(losses)", "training.steps=3"], into: scratch.path + "/a"))
    #expect(result.steps == 3)
    #expect(try PairRecipe(result.recipe.json, at: "again").json == result.recipe.json)
  }

  @Test(arguments: [
    (["losses=[{name:'contrastive'}]"], "there is no loss over columns 'contrastive'"),
    (["losses=[{name:'cosent'}]"], "a number of each pair"),
    (["losses=[{name:'embedding-distillation'}]"], "there is no teacher"),
    (["losses=[{name:'mega-batch-margin'}]"], "there are 3 columns"),
    (["losses=[{name:'triplet-columns'}]", "sampler.negatives=2"], "there are 4 columns"),
    (["losses=[{name:'margin-mse'}]", "sampler.negatives=9"], "asks for scores"),
    (["losses=[{name:'margin-mse'}]", "data.negatives=0"], "asks for scores"),
    (["losses=[]"], "'losses' is missing"),
    (["model={}"], "there is nothing to train"),
    (["model.query={name:'linear',embedding:8}"], "have 8 numbers and those of documents 16"),
    (["model.qery={name:'linear'}"], "did you mean 'query'?"),
    (["model={folder:'somewhere'}"], "the data are vectors"),
    (["sampler.mineEvery=5", "sampler.negatives=0"], "no negatives are drawn"),
    (["training.monitor='map@r'"], "there is no metric 'map@r'"),
    (["training.chunk=8"], "whole"),
    (["targets={'ndcg':1}"], "there is no metric 'ndcg'"),
    (["similarity='l2'"], "expected \"cosine\" or \"dot\""),
    (["sampler.name='m-per-class'"], "there is no sampler of pairs"),
    (["guard={action:'stop'}"], "there is no key 'guard'"),
    (["optimizer={groups:[{match:'encoder.*',frozen:true}]}"], "fits no parameter"),
  ])
  func whatDoesNotFitIsRefused(overrides: [String], message: String) throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a"
    let refused = #expect(throws: Failure.self) { try Self.train(overrides, into: path) }
    #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    #expect(refused?.description.contains("\n") == false)
    #expect(!FileSystem.exists(path))
  }

  /// Vectors of different widths train with encoders that bring them to one, without a baseline.
  @Test func widthsThatDiffer() throws {
    let scratch = try Scratch()
    let data = try Self.recipe().data.value.loadPairs(root: "data")
    let wide = Tensor(
      try #require(data.queries.vectors).elements(as: Float.self).enumerated().flatMap { i, x in
        (i + 1) % 16 == 0 ? [x, 1, 2] : [x]
      }, shape: [120, 18])
    try NumPyArray(wide).write(to: scratch.path + "/q.npy")
    try NumPyArray(#require(data.documents.vectors)).write(to: scratch.path + "/d.npy")
    let lines = data.positives.enumerated().map { "{\"query\": \($0), \"positives\": \($1)}\n" }
    try FileSystem.write(lines.joined(), to: scratch.path + "/p.jsonl")
    let files =
      "data={name:'vector-pairs',queries:'\(scratch.path)/q.npy',documents:'\(scratch.path)/d.npy',"
      + "positives:'\(scratch.path)/p.jsonl'}"
    let refused = #expect(throws: Failure.self) {
      try Self.train([files], into: scratch.path + "/a")
    }
    #expect(refused?.description.contains("18 numbers and those of documents 16") == true)
    let linear = "{name:'linear',embedding:8}"
    let result = try #require(
      try Self.train(
        [files, "model={query:\(linear),document:\(linear)}"], into: scratch.path + "/b"))
    #expect(result.baseline == nil && result.json["baseline"] == .null)
    #expect(throws: Failure.self) {
      try PairModel(run: scratch.path + "/b").embed(scratch.path + "/q.npy", as: .document)
    }
  }

  /// Queries kept aside of the training are watched, and neither trained on nor judged.
  @Test func queriesKeptAside() throws {
    let recipe = try Self.recipe(["training.validation=0.25"])
    let trainer = try PairTrainer(recipe, data: recipe.data.value.loadPairs(root: "data"))
    #expect(trainer.watched.count == 21 && trainer.trainedOn.count == 63)
    #expect(Set(trainer.watched).isDisjoint(with: trainer.trainedOn))
    #expect(Set(trainer.watched).isDisjoint(with: trainer.data.test))
    #expect(trainer.watchedName == "validation queries")
  }
}

extension Tensor {
  /// From the bytes of float32 numbers.
  fileprivate init(_ bytes: [UInt8], shape: [Int]) {
    var values: [Float] = []
    for start in stride(from: 0, to: bytes.count, by: 4) {
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
      values.append(Float(bitPattern: bits))
    }
    self.init(values, shape: [values.count])
  }

  fileprivate var isZero: Bool { elements(as: Float.self).allSatisfy { $0 == 0 } }
}
