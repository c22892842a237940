import Files
import Foundation
import Settings
import Testing

/// What a search tells of ids, classes, names, spaces and thresholds.
@Suite struct SearchCommands {
  private func object(_ outcome: Outcome) throws -> JSONValue {
    #expect(outcome.status == 0, "\(outcome)")
    return try JSONValue(json5: outcome.output, at: "output")
  }

  private func neighbors(_ outcome: Outcome) throws -> [[JSONValue]] {
    guard case .array(let rows)? = try object(outcome)["neighbors"] else { return [] }
    return rows.map { if case .array(let items) = $0 { items } else { [] } }
  }

  private func write(_ rows: [[Double]], to path: String) throws {
    try NumPyArray(
      shape: [rows.count, rows[0].count], elements: .float32(rows.flatMap { $0.map(Float.init) })
    ).write(to: path)
  }

  private func numbers(_ rows: Int, _ columns: Int, seed: UInt64 = 7) -> [[Double]] {
    var state = seed
    return (0..<rows).map { _ in
      (0..<columns).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 40) / Double(1 << 24) - 0.5
      }
    }
  }

  private func unit(_ rows: [[Double]]) -> [[Double]] {
    rows.map { row in
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / length }
    }
  }

  @Test func whereNothingIsNothingIsFound() throws {
    let scratch = try Scratch()
    let (queries, none) = (scratch.path + "/q.npy", scratch.path + "/none.npy")
    try write(numbers(3, 4), to: queries)
    try NumPyArray(shape: [0, 4], elements: .float32([])).write(to: none)
    var places = [none]
    for (format, ending) in [("faiss-flat", "faiss"), ("hnsw", "hnsw"), ("usearch", "usearch")] {
      let path = "\(scratch.path)/\(format).\(ending)"
      #expect(try kindred("export", none, "--format", format, "--out", path).status == 0)
      places.append(path)
    }
    let (graph, ids) = (scratch.path + "/all.hnsw", scratch.path + "/ids.npy")
    try NumPyArray(shape: [3], elements: .int64([0, 1, 2])).write(to: ids)
    #expect(try kindred("export", queries, "--format", "hnsw", "--out", graph).status == 0)
    #expect(try kindred("index", graph, "--delete", ids, "--out", graph).status == 0)
    places.append(graph)
    for place in places {
      let found = try neighbors(try kindred("search", place, "--query", queries, "--json"))
      #expect(found == [[], [], []], "\(place)")
      #expect(try kindred("search", place, "--query", queries).status == 0)
    }
  }

  @Test func idsAreWholeToTheLastDigit() throws {
    let scratch = try Scratch()
    let (rows, ids, index) = (
      scratch.path + "/e.npy", scratch.path + "/ids.npy", scratch.path + "/i.faiss"
    )
    try write(numbers(6, 4), to: rows)
    let given: [Int64] = [
      9_007_199_254_740_993, .max, .min, 1_000_000_000_000_001, 1 << 53, -9_007_199_254_740_993,
    ]
    try NumPyArray(shape: [6], elements: .int64(given)).write(to: ids)
    let words = ["--ids", ids, "--format", "faiss-idmap", "--metric", "l2", "--out", index]
    #expect(try kindred(["export", rows] + words).status == 0)
    let outcome = try kindred("search", index, "--query", rows, "--top", "1", "--json")
    for number in given { #expect(outcome.output.contains("\"id\": \(number),")) }
    #expect(try neighbors(outcome).map { $0[0]["id"]?.wholeValue } == given.map { Int($0) })
    let text = try kindred("search", index, "--query", rows, "--top", "1")
    #expect(text.output.contains("9007199254740993") && !text.output.contains("#9007"))
  }

  /// Distances from common offsets are those of float64, and ids those of brute force.
  @Test(arguments: [1e3, 1e4, 1e6]) func commonOffsetsDoNotMatter(offset: Double) throws {
    let scratch = try Scratch()
    let (base, asked) = (scratch.path + "/g.npy", scratch.path + "/q.npy")
    func rows(_ count: Int, _ seed: UInt64) -> [[Double]] {
      numbers(count, 8, seed: seed).map { $0.map { Double(Float(4 * $0 + offset)) } }
    }
    let (gallery, queries) = (rows(200, 1), rows(20, 2))
    try write(gallery, to: base)
    try write(queries, to: asked)
    let found = try neighbors(try kindred("search", base, "--query", asked, "--top", "5", "--json"))
    for (query, own) in zip(queries, found) {
      let distances = gallery.map { row in
        zip(row, query).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      }
      let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
      #expect(own.map { $0["id"]?.wholeValue } == order.prefix(5).map { $0 })
      for (one, row) in zip(own, order) {
        #expect(abs((one["distance"]?.numberValue ?? 0) - distances[row]) < 1e-12 * distances[row])
      }
    }
  }

  @Test func queriesAreScaledToTheSpaceOfUnitVectors() throws {
    let scratch = try Scratch()
    let (rows, queries) = (scratch.path + "/u.npy", scratch.path + "/q.npy")
    let (vectors, asked) = (unit(numbers(30, 8)), numbers(4, 8, seed: 3).map { $0.map { 20 * $0 } })
    try write(vectors, to: rows)
    try write(asked, to: queries)
    for (format, ending) in [("npy", "npy"), ("faiss-flat", "faiss"), ("hnsw", "hnsw")] {
      let path = "\(scratch.path)/\(format).\(ending)"
      #expect(try kindred("export", rows, "--format", format, "--out", path).status == 0)
      let outcome = try kindred(
        "search", path, "--query", queries, "--threshold", "0.97", "--top", "3", "--json")
      #expect(outcome.error.contains("unit length"), "\(outcome)")
      for (query, own) in zip(unit(asked), try neighbors(outcome)) {
        let cosines = vectors.map { zip($0, query).reduce(0) { $0 + $1.0 * $1.1 } }
        for (one, cosine) in zip(own, cosines.sorted(by: >)) {
          #expect(abs((one["similarity"]?.numberValue ?? 9) - cosine) < 1e-6)
          #expect(one["match"] == .bool(cosine >= 0.97))
        }
      }
    }
    // Who says the metric gets it, and is told.
    let plain = try kindred(
      "search", rows, "--query", queries, "--metric", "inner-product", "--json")
    #expect(try neighbors(plain)[0][0]["similarity"]?.numberValue ?? 0 > 1)
    #expect(plain.error.contains("no threshold holds"))
  }

  /// A threshold of vectors without a run, beside them, in an export of them and by its name.
  @Test func vectorsAreCalibratedWithoutARun() throws {
    let scratch = try Scratch()
    let (rows, labels) = (scratch.path + "/e.npy", scratch.path + "/y.npy")
    // Forty classes of six items around a direction each.
    let centers = numbers(40, 12)
    let items = zip(0..<240, numbers(240, 12, seed: 5)).map { i, noise -> [Double] in
      zip(centers[i / 6], noise).map { $0 + 0.3 * $1 }
    }
    try write(unit(items), to: rows)
    try NumPyArray(shape: [240], elements: .int64((0..<240).map { Int64($0 / 6) }))
      .write(to: labels)
    let words = ["--embeddings", rows, "--labels", labels, "--far", "0.01", "--json"]
    let made = try object(try kindred(["calibrate"] + words))
    let similarity = try #require(made["similarity"]?.numberValue)
    let path = scratch.path + "/e.calibration.json"
    #expect(try JSONValue(json5: FileSystem.readText(path), at: path) == made)
    #expect(!FileSystem.exists(scratch.path + "/calibration.json"))

    let index = scratch.path + "/e.faiss"
    for place in [rows, index] {
      if place == index {
        #expect(
          try kindred("export", rows, "--format", "faiss-flat", "--out", index).status == 0)
      }
      let found = try object(try kindred("search", place, "--query", rows, "--json"))
      #expect(found["threshold"]?.numberValue == similarity)
    }
    for format in ["pgvector", "qdrant", "milvus", "elasticsearch"] {
      let out = "\(scratch.path)/\(format).bulk"
      #expect(try kindred("export", rows, "--format", format, "--out", out).status == 0)
      let page = try FileSystem.readText("\(scratch.path)/\(format).md")
      #expect(page.contains("The threshold is the calibrated one"), "\(page)")
      #expect(!page.contains("THRESHOLD"))
    }

    let (named, bare) = (scratch.path + "/t.json", scratch.path + "/bare.npy")
    #expect(try kindred(["calibrate", "--out", named] + words).status == 0)
    try write(unit(items), to: bare)
    let found = try object(
      try kindred("search", bare, "--query", bare, "--calibration", named, "--json"))
    #expect(found["threshold"]?.numberValue == similarity)
    // It says nothing of vectors of any length.
    let long = scratch.path + "/long.npy"
    try write(items.map { $0.map { 3 * $0 } }, to: long)
    let refused = try kindred("search", long, "--query", long, "--calibration", named)
    #expect(refused.status == 65 && refused.error.contains("unit length"), "\(refused)")
    let page = scratch.path + "/long.pgv"
    let exported = ["export", long, "--format", "pgvector", "--out", page]
    let unlike = try kindred(exported + ["--calibration", named])
    #expect(unlike.status == 65 && unlike.error.contains("unit length"), "\(unlike)")
    try FileSystem.write(try FileSystem.read(named), to: scratch.path + "/long.calibration.json")
    let without = try kindred(exported)
    #expect(without.status == 0 && without.error.contains("does not go along"), "\(without)")
    #expect(try FileSystem.readText(scratch.path + "/long.md").contains("no calibrated threshold"))
    #expect(try kindred("calibrate", "--far", "0.1").status == 64)
    #expect(try kindred(["calibrate", "a-run"] + words).status == 64)
    let onto = try kindred(["calibrate", "--out", scratch.path + "/./e.npy"] + words)
    #expect(onto.status == 64 && onto.error.contains("which is read"), "\(onto)")

    // Without a pair that matches there is a threshold, and no probability.
    let lone = scratch.path + "/lone.npy"
    try NumPyArray(shape: [240], elements: .int64((0..<240).map { Int64($0) })).write(to: lone)
    let alone = try object(
      try kindred(
        "calibrate", "--embeddings", bare, "--labels", lone, "--far", "0.1", "--json"))
    #expect(alone["distance"]?.numberValue ?? 0 > 0 && alone["probability"] == .null)
    let plain = try kindred("search", bare, "--query", bare, "--top", "1")
    #expect(plain.status == 0 && !plain.output.contains("probability"), "\(plain)")
  }

  /// Thresholds are similarities, and distances negated are; probabilities are of distances.
  @Test func thresholdsBelongToTheirMetric() throws {
    let scratch = try Scratch()
    let (rows, labels, queries) = (
      scratch.path + "/e.npy", scratch.path + "/y.npy", scratch.path + "/u.npy"
    )
    let items = numbers(120, 6).enumerated().map { i, noise in
      noise.map { 4 * $0 + Double(i / 6 % 5) }
    }
    try write(items, to: rows)
    try write(unit(Array(items.prefix(3))), to: queries)
    try NumPyArray(shape: [120], elements: .int64((0..<120).map { Int64($0 / 6) }))
      .write(to: labels)
    let wrong = try kindred("search", rows, "--query", rows, "--threshold", "0.5")
    #expect(wrong.status == 64 && wrong.error.contains("give -0.5"), "\(wrong)")
    let near = try neighbors(
      try kindred("search", rows, "--query", rows, "--threshold", "-1.5", "--top", "9", "--json"))
    for one in near.joined() {
      #expect(one["match"] == .bool(one["distance"]?.numberValue ?? 9 <= 1.5))
    }
    #expect(
      try kindred("calibrate", "--embeddings", rows, "--labels", labels, "--far", "0.1").status == 0
    )
    let found = try kindred("search", rows, "--query", rows, "--json")
    #expect(try neighbors(found)[0][0]["probability"] != nil)
    let inner = try kindred("search", rows, "--query", rows, "--metric", "inner-product", "--json")
    #expect(try neighbors(inner)[0][0]["probability"] == nil)
    #expect(try neighbors(inner)[0][0]["match"] == .null)
    // Queries of unit length among vectors of any length are of another space, or may be.
    let other = try kindred("search", rows, "--query", queries, "--json")
    #expect(other.status == 0 && other.error.contains("another space"), "\(other)")
  }

  /// Bytes with their ranges beside them stand for numbers; alone they are the numbers.
  @Test(arguments: ["bvecs", "u8bin"]) func bytesAreTurnedBack(format: String) throws {
    let scratch = try Scratch()
    let (rows, path) = (scratch.path + "/e.npy", scratch.path + "/codes." + format)
    let items = numbers(30, 4).map { $0.map { 8 * $0 + 100 } }
    try write(items, to: rows)
    #expect(try kindred("export", rows, "--format", format, "--out", path).status == 0)
    let found = try neighbors(try kindred("search", path, "--query", rows, "--json"))
    #expect(found.enumerated().allSatisfy { $1[0]["id"]?.wholeValue == $0 })
    #expect(found.allSatisfy { $0[0]["distance"]?.numberValue ?? 9 < 0.05 })
    try FileManager.default.removeItem(atPath: scratch.path + "/codes.ranges.safetensors")
    let bare = try neighbors(try kindred("search", path, "--query", path, "--json"))
    let distances = bare.joined().compactMap { $0["distance"]?.numberValue }
    #expect(distances.max() ?? 0 > 50)
  }

  /// Labels go where the vectors go, and not to others.
  @Test func labelsBelongToTheirVectors() throws {
    let scratch = try Scratch()
    let (first, second, labels) = (
      scratch.path + "/e.npy", scratch.path + "/f.npy", scratch.path + "/y.npy"
    )
    try write(numbers(4, 4), to: first)
    try write(numbers(4, 4, seed: 2), to: second)
    try NumPyArray(shape: [4], elements: .text(["k", "k", "l", "l"])).write(to: labels)
    // An index that is called as its vectors are.
    let named = ["--labels", labels, "--format", "faiss-flat", "--out"]
    #expect(try kindred(["export", first] + named + [scratch.path + "/e.faiss"]).status == 0)
    let own = try neighbors(
      try kindred("search", scratch.path + "/e.faiss", "--query", first, "--json"))
    #expect(own[2][0]["class"] == "l")
    try NumPyArray(shape: [4], elements: .text(["m", "m", "m", "m"])).write(to: labels)
    let others = try kindred(["export", first] + named + [scratch.path + "/e.faiss"])
    #expect(others.status == 65 && others.error.contains("e.labels.npy"), "\(others)")

    // An index of other vectors takes the place of one with labels.
    let index = scratch.path + "/i.faiss"
    #expect(try kindred(["export", first] + named + [index]).status == 0)
    let replaced = try kindred("export", second, "--format", "faiss-flat", "--out", index)
    #expect(replaced.status == 0 && replaced.error.contains("i.labels.npy"), "\(replaced)")
    let bare = try neighbors(try kindred("search", index, "--query", second, "--json"))
    #expect(bare[0][0]["class"] == nil)
    #expect(FileSystem.exists(scratch.path + "/i.labels.npy"))
    try NumPyArray(shape: [4], elements: .text(["a", "b", "c", "d"]))
      .write(to: scratch.path + "/i.labels.npy")
    let given = try neighbors(try kindred("search", index, "--query", second, "--json"))
    #expect(given[1][0]["class"] == "b")
  }

  /// Embeddings of one run and queries of another, or of none, whatever their width.
  @Test func queriesOfAnotherModelAreRefused() throws {
    let scratch = try Scratch()
    let (rows, labels) = (scratch.path + "/x.npy", scratch.path + "/y.npy")
    let items = zip(0..<120, numbers(120, 6, seed: 5)).map { i, noise -> [Double] in
      noise.map { $0 + Double(i / 6 % 5) }
    }
    try write(items, to: rows)
    try NumPyArray(shape: [120], elements: .int64((0..<120).map { Int64($0 / 6) }))
      .write(to: labels)
    for (name, seed) in [("a", "1"), ("b", "2")] {
      let recipe = "\(scratch.path)/\(name).json5"
      try FileSystem.write(
        """
        { data: { name: "vectors", embeddings: "\(rows)", labels: "\(labels)" },
          model: { name: "linear", embedding: 6 }, losses: [{ name: "triplet-margin" }],
          sampler: { name: "m-per-class", classes: 4, perClass: 2 },
          training: { steps: 3, seed: \(seed) } }
        """, to: recipe)
      let run = "\(scratch.path)/\(name)"
      let trained = try kindred("train", recipe, "--out", run, "--json")
      #expect(trained.status == 0, "\(trained)")
      #expect(try kindred("calibrate", run, "--far", "0.2").status == 0)
      let out = "\(scratch.path)/\(name).npy"
      #expect(try kindred("embed", run, "--input", rows, "--out", out).status == 0)
      #expect(
        try kindred("export", out, "--format", "hnsw", "--out", "\(scratch.path)/\(name).hnsw")
          .status == 0)
    }
    let (index, own, other) = (
      scratch.path + "/a.hnsw", scratch.path + "/a.npy", scratch.path + "/b.npy"
    )
    // The threshold of the run came along: run → embed → export → search.
    let calibration = try JSONValue(
      json5: FileSystem.readText(scratch.path + "/a/calibration.json"), at: "calibration")
    let found = try object(try kindred("search", index, "--query", own, "--json"))
    #expect(found["threshold"] == calibration["similarity"] && found["notes"] == [])
    let refused = try kindred("search", index, "--query", other)
    #expect(refused.status == 65 && refused.error.contains("another model"), "\(refused)")
    let judged = ["evaluate", "--embeddings", own, "--labels", labels, "--gallery-labels", labels]
    let apart = try kindred(judged + ["--gallery", other, "--json"])
    #expect(apart.status == 65 && apart.error.contains("another model"), "\(apart)")
    let unknown = try kindred(judged + ["--gallery", rows, "--json"])
    #expect(unknown.status == 0 && unknown.error.contains("different spaces"), "\(unknown)")
    let twice = try kindred("search", scratch.path + "/a", "--query", own)
    #expect(twice.status == 65 && twice.error.contains("this model made"), "\(twice)")
    let stacked = scratch.path + "/stacked.npy"
    #expect(
      try kindred("embed", scratch.path + "/b", "--input", own, "--out", stacked).status == 0)
    let warned = try kindred("search", index, "--query", rows, "--json")
    #expect(warned.status == 0 && warned.error.contains("another space"), "\(warned)")
    let folders = try FileSystem.list(scratch.path)
    for name in folders where name.hasPrefix("a.") && !name.hasSuffix(".json5") {
      let bytes = try FileSystem.read("\(scratch.path)/\(name)")
      #expect(!String(decoding: bytes, as: UTF8.self).contains(scratch.path), "\(name)")
    }
  }

  @Test func textShowsIdsClassesAndNames() throws {
    let scratch = try Scratch()
    let rows = scratch.path + "/e.npy"
    try write(numbers(3, 4), to: rows)
    try FileSystem.write("left\nmiddle\nright\n", to: scratch.path + "/e.paths.txt")
    try NumPyArray(shape: [3], elements: .int64([7, -1, 42])).write(
      to: scratch.path + "/e.labels.npy")
    let text = try kindred("search", rows, "--query", rows, "--top", "1")
    let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines.contains { $0.prefix(3) == ["id", "class", "item"] }, "\(text)")
    #expect(lines.contains { $0.prefix(3) == ["2", "42", "right"] }, "\(text)")
    let found = try neighbors(try kindred("search", rows, "--query", rows, "--json"))
    #expect(found[1][0]["class"] == -1 && found[1][0]["item"] == "middle")
  }

  /// The page's commands touch no file but their own pieces.
  @Test func thePageOfElasticsearchLeavesOtherFilesAlone() throws {
    let scratch = try Scratch()
    let rows = scratch.path + "/e.npy"
    try write(numbers(3, 4), to: rows)
    let out = scratch.path + "/e.ndjson"
    #expect(try kindred("export", rows, "--format", "elasticsearch", "--out", out).status == 0)
    try FileSystem.write("mine", to: scratch.path + "/bulk.mine")
    let page = try FileSystem.readText(scratch.path + "/e.md")
    let start = try #require(page.range(of: "    pieces="))
    let end = try #require(page.range(of: "rmdir \"$pieces\"\n"))
    // A curl that does nothing.
    let script = "curl() { :; }\n" + page[start.lowerBound..<end.upperBound]
    let done = try run("/bin/sh", ["-c", "cd '\(scratch.path)' && set -e\n" + script])
    #expect(done.status == 0, "\(done)")
    #expect(try FileSystem.readText(scratch.path + "/bulk.mine") == "mine")
    #expect(try FileSystem.list(scratch.path).filter { $0.hasPrefix("bulk.") } == ["bulk.mine"])
  }

  /// Queries come through a pipe, while which the graph is cut short.
  @Test func aGraphThatIsCutShortIsAnError() throws {
    let scratch = try Scratch()
    let (rows, index, pipe) = (
      scratch.path + "/e.npy", scratch.path + "/e.hnsw", scratch.path + "/q.npy"
    )
    try write(numbers(4000, 16), to: rows)
    #expect(
      try kindred(
        "export", rows, "--format", "hnsw", "--params", "{efConstruction: 10}", "--out", index
      )
      .status == 0)
    let script = """
      mkfifo '\(pipe)'
      '\(kindredPath)' search '\(index)' --query '\(pipe)' --json > /dev/null &
      exec 3> '\(pipe)'
      sleep 1
      truncate -s 4096 '\(index)'
      cat '\(rows)' >&3
      exec 3>&-
      wait $!
      """
    let done = try run("/bin/sh", ["-c", script])
    #expect(done.status == 74 || done.status == 65 || done.status == 66, "\(done)")
    #expect(done.error.contains("kindred:"), "\(done)")
  }
}
