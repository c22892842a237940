import Autodiff
import Index
import Settings

/// Opens an index, searches it and grows it, as commands do.
@Sendable private func open(_ path: String) throws {
  let index = try openIndex(path, metric: .l2)
  guard index.dimension <= 1 << 12 else { return }
  var random = Random(seed: 2)
  let queries = Tensor(
    normal: [2, index.dimension], deviation: 1, dtype: .float32, random: &random)
  _ = try index.search(queries, count: 3)
  if index.count < 1 << 12 { _ = try index.storedVectors() }
  if let graph = index as? HNSWIndex { _ = try graph.adding(queries) }
}

private func index(
  _ name: String, _ formats: [String], refit: @escaping @Sendable (inout [UInt8]) -> Void = { _ in }
) -> FuzzedReader {
  .file(name, "index", refit: refit) {
    var options = ExportOptions()
    (options.parts, options.lists, options.graph.links) = (4, 3, 4)
    return try formats.map { try Seeds.exported($0, options) }
  } read: {
    try open($0)
  }
}

let indexReaders: [FuzzedReader] = [
  index("hnsw", ["hnsw"], refit: { Refitting.graph(&$0) }),
  index("hnswlib", ["hnswlib"]),
  index("usearch", ["usearch"]),
  index("faiss-flat", ["faiss-flat", "faiss-idmap", "faiss-idmap2"]),
  index("faiss-hnsw", ["faiss-hnsw"]),
  index("faiss-lists", ["faiss-ivf-flat", "faiss-sq8"]),
  index("faiss-pq", ["faiss-pq", "faiss-opq"]),
]
