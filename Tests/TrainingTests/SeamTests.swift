import Autodiff
import Files
import Foundation
import Index
import Models
import Settings
import Testing
import Training

/// Warm starts, parameter groups and teachers, through whole small runs.
@Suite struct SeamTests {
  private static func recipe(_ overrides: [String]) throws -> Recipe {
    var value: JSONValue = [
      "data": ["name": "digits"],
      "model": ["name": "mlp", "hidden": [16], "embedding": 8],
      "losses": [["name": "multi-similarity"]],
      "sampler": ["name": "m-per-class", "classes": 5, "perClass": 4],
      "training": ["steps": 6, "evaluateEvery": 0, "report": false],
    ]
    for override in overrides { try value.set(override) }
    return try Recipe(value, at: "test")
  }

  @discardableResult
  private static func train(
    _ overrides: [String] = [], into path: String, resuming: Bool = false,
    stopAfter stop: Int? = nil
  ) throws -> [String] {
    var notes: [String] = []
    _ = try Training.train(
      recipe(overrides), into: RunFolder(path), dataRoot: "data", resuming: resuming
    ) { event in
      if case .noted(let text) = event { notes.append(text) }
      if case .stepped(let report, _) = event, report.step == stop { return true }
      return false
    }
    return notes
  }

  private static func tensors(_ run: String) throws -> [String: [UInt8]] {
    let file = try SafetensorsFile.read(RunFolder(run).model)
    return Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.bytes) })
  }

  @Test func aRunStartsFromAnother() throws {
    let scratch = try Scratch()
    let (a, b, c) = (scratch.path + "/a", scratch.path + "/b", scratch.path + "/c")
    try Self.train(into: a)
    // The architecture is the run's; at a rate of 0 the weights stay what they were.
    let notes = try Self.train(
      ["model={from:'\(a)'}", "optimizer={name:'sgd',learningRate:0}"], into: b)
    #expect(notes.count == 1 && notes[0].contains("4 tensors taken; new: none; left over: none"))
    #expect(try Self.tensors(a) == Self.tensors(b))
    // The resolved recipe names the model, so that the run stands without the one that it is from.
    try FileManager.default.removeItem(atPath: a)
    #expect(try TrainedModel(run: b).encoder.embeddingSize == 8)
    // And goes on without it.
    let again = ["model={from:'\(b)'}"]
    try Self.train(again, into: c, stopAfter: 2)
    let stopped = try SafetensorsFile.read(RunFolder(b).model)
    #expect(!stopped.tensors.isEmpty)
    #expect(throws: Failure.self) { try Self.recipe(["model={from:'\(scratch.path)/none'}"]) }
  }

  @Test func weightsOfAFileByAMap() throws {
    let scratch = try Scratch()
    try Self.train(into: scratch.path + "/a")
    var file = try SafetensorsFile.read(RunFolder(scratch.path + "/a").model)
    file.metadata = [:]
    for i in file.tensors.indices {
      file.tensors[i].name = file.tensors[i].name
        .replacingOccurrences(of: "encoder.hidden", with: "fc")
    }
    let path = scratch.path + "/w.safetensors"
    try file.write(to: path)
    let map = "map:{'encoder.hidden*':'fc*'}"
    let notes = try Self.train(
      ["model={name:'mlp',hidden:[16],embedding:8,weights:'\(path)',\(map)}"],
      into: scratch.path + "/b")
    #expect(notes[0].contains("4 tensors taken"))
    // Another shape is told with both, and what fits nothing is refused.
    for model in [
      "{name:'mlp',hidden:[17],embedding:8,weights:'\(path)',\(map)}",
      "{name:'conv4',weights:'\(path)'}",
      "{name:'mlp',weights:'\(path)',from:'\(path)'}", "{name:'mlp',map:{a:'b'}}",
    ] {
      #expect(throws: Failure.self) {
        try Self.train(["model=\(model)"], into: scratch.path + "/c")
      }
    }
  }

  @Test(arguments: [0, 8]) func whatIsFrozenStays(chunk: Int) throws {
    let scratch = try Scratch()
    let (a, b) = (scratch.path + "/a", scratch.path + "/b")
    try Self.train(into: a)
    try Self.train(
      [
        "model={from:'\(a)'}", "training.chunk=\(chunk)",
        "optimizer={groups:[{match:'encoder.hidden*',frozen:true}],layerDecay:0.5}",
      ], into: b)
    let (before, after) = (try Self.tensors(a), try Self.tensors(b))
    for (name, bytes) in before {
      #expect((after[name] == bytes) == name.hasPrefix("encoder.hidden"), "\(name)")
    }
    #expect(throws: Failure.self) {
      try Self.train(
        ["optimizer={groups:[{match:'encoder.hiden*'}]}"], into: scratch.path + "/c")
    }
  }

  /// Vectors, a run, and the first axes of vectors teach; a stopped run goes on to the same bits.
  @Test func teachers() throws {
    let scratch = try Scratch()
    let wide = scratch.path + "/wide"
    try Self.train(["model.embedding=24", "training.steps=3"], into: wide)
    let losses = "losses=[{name:'relational-distillation'},{name:'embedding-distillation'}]"
    let teacher = "data.teacher={path:'\(wide)',components:8}"
    let (whole, parts) = (scratch.path + "/whole", scratch.path + "/parts")
    try Self.train([losses, teacher], into: whole)
    try Self.train([losses, teacher], into: parts, stopAfter: 2)
    try Self.train([losses, teacher], into: parts, resuming: true)
    #expect(try Self.tensors(whole) == Self.tensors(parts))
    // Without a teacher, or with one of another width, the reason is told before the first step.
    for overrides in [[losses], [losses, "data.teacher='\(wide)'"]] {
      #expect(throws: Failure.self) { try Self.train(overrides, into: scratch.path + "/no") }
    }
  }

  /// A teacher's vectors are split as the vectors are that they belong to.
  @Test func teachersOfVectorsFollowTheSplit() throws {
    let scratch = try Scratch()
    let labels = (0..<40).map { $0 % 5 }
    var random = Random(seed: 3)
    let x = Tensor(normal: [40, 6], deviation: 1, dtype: .float32, random: &random)
    try FileSystem.write(NumPyArray(x).bytes(), to: scratch.path + "/x.npy")
    let classes = NumPyArray(shape: [40], elements: .int64(labels.map(Int64.init)))
    try FileSystem.write(classes.bytes(), to: scratch.path + "/y.npy")
    let recipe = try Self.recipe([
      "data={name:'vectors',embeddings:'\(scratch.path)/x.npy',labels:'\(scratch.path)/y.npy',"
        + "teacher:'\(scratch.path)/x.npy'}",
      "losses=[{name:'embedding-distillation'}]", "model.embedding=6", "training.validation=0.3",
    ])
    let data = try TrainingData(recipe, root: "")
    #expect(data.validation != nil)
    #expect(data.teacher?.elements(as: Float.self) == data.train.values)
  }
}
