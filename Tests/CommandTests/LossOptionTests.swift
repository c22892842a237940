import Files
import Settings
import Testing

/// What `kindred loss` reads and writes beside embeddings and labels.
@Suite struct LossOptionTests {
  private let embeddings: [Double] = [1, 0, 0.8, 0.6, -0.6, 0.8, 0.1, -1, 0.3, 0.2]

  private func write(
    _ values: [Double], columns: Int, to path: String
  ) throws -> String {
    try NumPyArray(shape: [values.count / columns, columns], elements: .float64(values))
      .write(to: path)
    return path
  }

  private func write(_ labels: [Int64], to path: String) throws -> String {
    try NumPyArray(shape: [labels.count], elements: .int64(labels)).write(to: path)
    return path
  }

  private func value(_ words: [String]) throws -> Double {
    let outcome = try kindred(words + ["--json"])
    #expect(outcome.status == 0, "\(outcome.error)")
    guard case .number(let value)? = try JSONValue(json5: outcome.output, at: "")["value"] else {
      throw Failure(.badData, at: "kindred loss", "it printed no value")
    }
    return value
  }

  @Test func aRelevanceStandsInForLabels() throws {
    let scratch = try Scratch()
    let e = try write(embeddings, columns: 2, to: scratch.path + "/e.npy")
    let y = try write([0, 0, 1, 1, 2], to: scratch.path + "/y.npy")
    let r = scratch.path + "/r.json5"
    try FileSystem.write("{ labelSets: [[0], [0], [1], [1], [2]] }", to: r)
    let words = ["loss", "contrastive", "--embeddings", e]
    let plain = try value(words + ["--labels", y])
    #expect(try value(words + ["--relevance", r]) == plain)
    #expect(try value(words + ["--labels", y, "--relevance", r]) != plain)
    try FileSystem.write("{ labelSets: [[0], [0]] }", to: r)
    let outcome = try kindred(words + ["--relevance", r])
    #expect(outcome.status == 65)
    #expect(outcome.error.contains("label 2"))
  }

  @Test func rowsAreLookedAtInChunks() throws {
    let scratch = try Scratch()
    let e = try write(embeddings, columns: 2, to: scratch.path + "/e.npy")
    let y = try write([0, 0, 1, 1, 2], to: scratch.path + "/y.npy")
    let words = ["--embeddings", e, "--labels", y]
    let plain = try value(["loss", "circle"] + words)
    let chunked = try value(["loss", "circle", "--params", "{ chunk: 2 }"] + words)
    #expect(abs(plain - chunked) <= 1e-12 * plain)
    for (name, chunk) in [("circle", "0"), ("circle", "'x'"), ("angular", "2")] {
      let outcome = try kindred(["loss", name, "--params", "{ chunk: \(chunk) }"] + words)
      // As of every other setting that does not fit.
      #expect(outcome.status == 65)
      #expect(outcome.error.contains("chunk"))
    }
  }

  @Test func aGalleryStandsInForTheBatch() throws {
    let scratch = try Scratch()
    let e = try write(embeddings, columns: 2, to: scratch.path + "/e.npy")
    let y = try write([0, 0, 1, 1, 2], to: scratch.path + "/y.npy")
    let g = try write([0.5, 0.5, -1, 2], columns: 2, to: scratch.path + "/g.npy")
    let h = try write([1, 3], to: scratch.path + "/h.npy")
    for name in ["multi-similarity", "proxy-anchor", "angular"] {
      let words = ["loss", name, "--embeddings", e, "--labels", y]
      #expect(try value(words) != value(words + ["--gallery", g, "--gallery-labels", h]))
    }
  }

  @Test func boundariesAreReadAndTheirGradientIsWritten() throws {
    let scratch = try Scratch()
    let e = try write(embeddings, columns: 2, to: scratch.path + "/e.npy")
    let y = try write([0, 0, 1, 1, 2], to: scratch.path + "/y.npy")
    let v = scratch.path + "/v.npy"
    let words = [
      "loss", "margin", "--embeddings", e, "--labels", y, "--params",
      "{ learnBeta: true, betaPerClass: true, nu: 0.1 }", "--weight-gradient", v,
    ]
    var betas = [0.9, 1.1, 1.3]
    func loss() throws -> Double {
      try value(
        words + ["--weights", write(betas, columns: 1, to: scratch.path + "/w.npy")])
    }
    _ = try loss()
    guard case .float64(let gradient) = try NumPyArray.read(v).elements else {
      Issue.record("the gradient is no float64")
      return
    }
    for k in 0..<3 {
      betas[k] += 1e-6
      let above = try loss()
      betas[k] -= 2e-6
      let below = try loss()
      betas[k] += 1e-6
      #expect(abs(gradient[k] - (above - below) / 2e-6) < 1e-7)
    }
    let short = try write([1], columns: 1, to: scratch.path + "/w.npy")
    #expect(try kindred(words + ["--weights", short]).status == 65)
  }
}
