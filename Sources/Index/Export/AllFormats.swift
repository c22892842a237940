import Autodiff
import Files
import Settings

/// Every format, by the name that the command line uses.
public let allFormats: [Named<ExportFormat>] = [
  Named("npy", .npy),
  Named("safetensors", .safetensors),
  Named("hnsw", .hnsw),
  Named("hnswlib", .hnswlib),
  Named("usearch", .usearch),
  Named("faiss-flat", .faissFlat),
  Named("faiss-idmap", .faissMapped),
  Named("faiss-idmap2", .faissMappedBothWays),
  Named("faiss-transform", .faissTransform),
  Named("faiss-hnsw", .faissHNSW),
  Named("faiss-ivf-flat", .faissInvertedFlat),
  Named("faiss-pq", .faissProduct),
  Named("faiss-opq", .faissRotatedProduct),
  Named("faiss-sq8", .faissScalar),
  Named("pgvector", .pgvector),
  Named("qdrant", .qdrant),
  Named("milvus", .milvus),
  Named("elasticsearch", .elasticsearch),
  Named("npz", .npz),
  Named("fvecs", .fvecs),
  Named("ivecs", .ivecs),
  Named("bvecs", .bvecs),
  Named("fbin", .fbin),
  Named("u8bin", .u8bin),
  Named("csv", .csv),
  Named("jsonl", .jsonl),
  Named("projector", .projector),
  Named("int8", .quantized(.int8, "a signed byte a number with the ranges of the columns")),
  Named("uint8", .quantized(.uint8, "a byte a number with the ranges of the columns")),
  Named("binary", .quantized(.binary, "a bit a number with the thresholds of the columns")),
]

extension ExportFormat {
  static let npy = ExportFormat(
    "a matrix in its own precision; opened by numpy.load", fileExtension: "npy"
  ) { (vectors, _, _) throws(Failure) in
    [ExportedFile(NumPyArray(vectors).bytes())]
  }

  static let safetensors = ExportFormat(
    "one tensor named 'embeddings'; opened by the safetensors libraries",
    fileExtension: "safetensors"
  ) { (vectors, options, _) throws(Failure) in
    let single = vectors.converted(to: .float32)
    let metadata = ["metric": options.metric(for: single).rawValue].merging(options.metadata) { $1 }
    let file = SafetensorsFile(
      metadata: metadata, tensors: [SafetensorsEntry("embeddings", vectors)])
    return [ExportedFile(try file.bytes())]
  }
}
