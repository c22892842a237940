import Autodiff
import Settings

/// The page beside a bulk file: how to import it, and how to ask with the threshold.
struct Instructions {
  let dimension: Int
  let metric: ExactIndex.Metric
  let threshold: Double?

  private var isInner: Bool { metric == .innerProduct }

  /// The threshold as a number to compare with, or a place to put one.
  private func limit(_ value: (Double) -> Double) -> String {
    threshold.map { "\(value($0))" } ?? "THRESHOLD"
  }

  private var note: String {
    threshold == nil
      ? "There is no calibrated threshold: run `kindred calibrate` and export again.\n"
      : "The threshold is the calibrated one: \(isInner ? "a similarity" : "a distance") of "
        + "\(limit { isInner ? $0 : -$0 }).\n"
  }

  func pgvector(_ files: [String]) -> String {
    let (type, sign) = isInner ? ("vector_ip_ops", "<#>") : ("vector_l2_ops", "<->")
    // pgvector's <#> is the negated inner product.
    return """
      # Import into PostgreSQL with pgvector

          CREATE EXTENSION IF NOT EXISTS vector;
          CREATE TABLE items (id bigint PRIMARY KEY, class bigint, name text, embedding vector(\(dimension)));
      \(files.map { "    \\copy items FROM '\($0)' WITH (FORMAT binary)" }.joined(separator: "\n"))
          CREATE INDEX ON items USING hnsw (embedding \(type));

      \(note)
          SELECT id, name, embedding \(sign) '[…]' AS distance FROM items
          WHERE embedding \(sign) '[…]' <= \(limit { -$0 })
          ORDER BY embedding \(sign) '[…]' LIMIT 10;

      """
  }

  func qdrant(_ files: [String]) -> String {
    """
    # Import into Qdrant

        curl -X PUT localhost:6333/collections/items -H 'Content-Type: application/json' \\
          -d '{"vectors": {"size": \(dimension), "distance": "\(isInner ? "Dot" : "Euclid")"}}'
        cat \(files.joined(separator: " ")) | while read -r points; do
          printf '%s' "$points" | curl -X PUT 'localhost:6333/collections/items/points?wait=true' \\
            -H 'Content-Type: application/json' --data-binary @-
        done

    \(note)
        curl -X POST localhost:6333/collections/items/points/query -H 'Content-Type: application/json' \\
          -d '{"query": […], "limit": 10, "with_payload": true, "score_threshold": \(limit { isInner ? $0 : -$0 })}'

    """
  }

  func milvus(_ files: [String]) -> String {
    """
    # Import into Milvus

    Create the collection `items` with `id` (INT64, primary), `vector` (FLOAT_VECTOR, \(dimension)) and
    dynamic fields, put the file into Milvus's bucket, then in Python:

        from pymilvus.bulk_writer import bulk_import
        bulk_import(url="http://localhost:19530", collection_name="items", files=[\(files.map { "[\"\($0)\"]" }.joined(separator: ", "))])

    \(note)
        client.search("items", data=[[…]], limit=10, search_params={
            "metric_type": "\(isInner ? "IP" : "L2")",
            "params": {"radius": \(limit { isInner ? $0 : $0 * $0 })}})

    """
  }

  func elasticsearch(_ files: [String]) -> String {
    // Scores are (1 + inner product) / 2 for unit vectors, and 1 / (1 + distance²).
    let score = limit { isInner ? (1 + $0) / 2 : 1 / (1 + $0 * $0) }
    return """
      # Import into Elasticsearch or OpenSearch

          curl -X PUT localhost:9200/items -H 'Content-Type: application/json' -d '{"mappings": {"properties": {
            "vector": {"type": "dense_vector", "dims": \(dimension), "index": true,
                       "similarity": "\(isInner ? "dot_product" : "l2_norm")"},
            "class": {"type": "long"}, "name": {"type": "keyword"}}}}'
          for file in \(files.joined(separator: " ")); do
            curl -X POST 'localhost:9200/items/_bulk' -H 'Content-Type: application/x-ndjson' \\
              --data-binary @$file
          done

      OpenSearch names the type `knn_vector`, with `"dimension": \(dimension)`, and needs
      `"settings": {"index.knn": true}`.

      \(note)
          curl -X POST localhost:9200/items/_search -H 'Content-Type: application/json' -d '{
            "min_score": \(score), "knn": {"field": "vector", "query_vector": […], "k": 10, "num_candidates": 100}}'

      """
  }
}

extension ExportFormat {
  private static func bulk(
    _ summary: String, fileExtension: String,
    _ page: @escaping @Sendable (Instructions) -> ([String]) -> String,
    _ bytes: @escaping @Sendable (Tensor, ExportOptions) throws(Failure) -> [UInt8]
  ) -> ExportFormat {
    ExportFormat(summary + "; FILE.md tells how to import and ask", fileExtension: fileExtension) {
      (vectors, options, _) throws(Failure) in
      let single = vectors.converted(to: .float32)
      let instructions = Instructions(
        dimension: single.shape[1], metric: options.metric(for: single),
        threshold: options.threshold)
      let text = page(instructions)(options.allFileNames)
      return [
        ExportedFile(ending: ".md", isPage: true, Array(text.utf8)),
        ExportedFile(try bytes(single, options)),
      ]
    }
  }

  static let pgvector = bulk(
    "rows for PostgreSQL's COPY with pgvector", fileExtension: "pgcopy", Instructions.pgvector
  ) { (vectors, options) throws(Failure) in try BulkFiles.copy(vectors, options) }

  static let qdrant = bulk(
    "points for Qdrant, a request a line", fileExtension: "jsonl", Instructions.qdrant
  ) { (vectors, options) throws(Failure) in BulkFiles.qdrant(vectors, options) }

  static let milvus = bulk(
    "rows for Milvus's bulk import", fileExtension: "json", Instructions.milvus
  ) { (vectors, options) throws(Failure) in BulkFiles.milvus(vectors, options) }

  static let elasticsearch = bulk(
    "lines for _bulk of Elasticsearch and OpenSearch", fileExtension: "ndjson",
    Instructions.elasticsearch
  ) { (vectors, options) throws(Failure) in BulkFiles.elasticsearch(vectors, options) }
}
