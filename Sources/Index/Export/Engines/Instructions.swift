import Autodiff
import Settings

/// The page beside a bulk file: how to import it, and how to ask with the threshold.
///
/// Its commands are made to be run as they are printed, in the folder of the files, and
/// benchmarks/interop_engines.py does so. A query's numbers stand for `…`.
package struct Instructions {
  let dimension: Int
  let metric: ExactIndex.Metric
  /// Whether all rows are of unit length, to what Elasticsearch allows.
  let isUnit: Bool
  let threshold: Double?
  /// Whether classes are texts, or numbers that 64 bits with a sign do not hold.
  var hasTextClasses = false

  package init(dimension: Int, metric: ExactIndex.Metric, isUnit: Bool, threshold: Double?) {
    (self.dimension, self.metric, self.isUnit) = (dimension, metric, isUnit)
    self.threshold = threshold
  }

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

  /// File names as words of a shell.
  private func words(_ files: [String]) -> String {
    files.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
  }

  package func pgvector(_ files: [String]) -> String {
    let (type, sign) = isInner ? ("vector_ip_ops", "<#>") : ("vector_l2_ops", "<->")
    let index =
      dimension <= 2000
      ? "    CREATE INDEX ON items USING hnsw (embedding \(type));\n"
      : "\npgvector builds indexes for at most 2000 numbers: queries scan all rows.\n"
    let copies = files.map {
      "    \\copy items FROM '\($0.replacing("'", with: "''"))' WITH (FORMAT binary)\n"
    }
    // pgvector's <#> is the negated inner product.
    return """
      # PostgreSQL with pgvector

      ## Import, with psql

          CREATE EXTENSION IF NOT EXISTS vector;
          CREATE TABLE items (id bigint PRIMARY KEY, class \(hasTextClasses ? "text" : "bigint"), name text, embedding vector(\(dimension)));
      \(copies.joined() + index)
      ## Ask

      \(note)
          SELECT id, name, embedding \(sign) '[…]' AS distance FROM items
          WHERE embedding \(sign) '[…]' <= \(limit { -$0 })
          ORDER BY embedding \(sign) '[…]' LIMIT 10;

      """
  }

  package func qdrant(_ files: [String]) -> String {
    """
    # Qdrant

    ## Import

        set -e
        curl -fsS -X PUT localhost:6333/collections/items -H 'Content-Type: application/json' \\
          -d '{"vectors": {"size": \(dimension), "distance": "\(isInner ? "Dot" : "Euclid")"}}'
        for file in \(words(files)); do
          while read -r points; do
            printf '%s' "$points" | curl -fsS -X PUT 'localhost:6333/collections/items/points?wait=true' \\
              -H 'Content-Type: application/json' --data-binary @-
          done < "$file"
        done

    ## Ask

    \(note)
        curl -fsS -X POST localhost:6333/collections/items/points/query -H 'Content-Type: application/json' \\
          -d '{"query": […], "limit": 10, "with_payload": true, "score_threshold": \(limit { isInner ? $0 : -$0 })}'

    """
  }

  package func milvus(_ files: [String]) -> String {
    let names = files.map { "\(JSONValue.string($0))" }
    return """
      # Milvus

      ## Create, in Python

          from pymilvus import DataType, MilvusClient
          client = MilvusClient("http://localhost:19530")
          schema = client.create_schema(enable_dynamic_field=True)
          schema.add_field("id", DataType.INT64, is_primary=True)
          schema.add_field("vector", DataType.FLOAT_VECTOR, dim=\(dimension))
          index = client.prepare_index_params()
          index.add_index("vector", index_type="AUTOINDEX", metric_type="\(isInner ? "IP" : "L2")")
          client.create_collection("items", schema=schema, index_params=index)

      ## Import in bulk

      Put the files into Milvus's bucket (they are read on many nodes at the same time), then:

          from pymilvus.bulk_writer import bulk_import
          bulk_import(url="http://localhost:19530", collection_name="items",
                      files=[\(names.map { "[\($0)]" }.joined(separator: ", "))])

      ## Import without a bucket

          import json
          for file in [\(names.joined(separator: ", "))]:
              with open(file) as opened:
                  rows = json.load(opened)["rows"]
              for start in range(0, len(rows), 1000):
                  client.insert("items", rows[start:start + 1000])

      ## Ask

      \(note)
          found = client.search("items", data=[[…]], limit=10, output_fields=["*"], search_params={
              "metric_type": "\(isInner ? "IP" : "L2")",
              "params": {"radius": \(limit { isInner ? $0 : $0 * $0 })}})

      """
  }

  package func elasticsearch(_ files: [String]) -> String {
    // Squashed to what is positive: ip + 1, and 1 / (1 - ip) below zero; distances 1 / (1 + d²).
    let score = limit { isInner ? ($0 >= 0 ? $0 + 1 : 1 / (1 - $0)) : 1 / (1 + $0 * $0) }
    let unitScore = limit { (1 + $0) / 2 }
    let similarity = isInner ? (isUnit ? "dot_product" : "max_inner_product") : "l2_norm"
    // The pieces lie in a folder of their own, so that nothing of the user's is among them.
    let bulk = """
          pieces=$(mktemp -d)
          for file in \(words(files)); do
            split -l 2000 "$file" "$pieces/bulk."
            for piece in "$pieces"/bulk.*; do
              curl -fsS -X POST 'localhost:9200/items/_bulk?filter_path=errors,items.*.error' \\
                -H 'Content-Type: application/x-ndjson' --data-binary "@$piece"
              rm "$piece"
            done
          done
          rmdir "$pieces"
      """
    return """
      # Elasticsearch and OpenSearch

      Both take the same files, but declare and ask differently. Each piece of 1000 rows must be answered
      by `{"errors":false}`.

      ## Import into Elasticsearch

          set -e
          curl -fsS -X PUT localhost:9200/items -H 'Content-Type: application/json' -d '{"mappings": {"properties": {
            "vector": {"type": "dense_vector", "dims": \(dimension), "index": true, "similarity": "\(similarity)",
                       "index_options": {"type": "hnsw"}},
            "class": {"type": "\(hasTextClasses ? "keyword" : "long")"}, "name": {"type": "keyword"}}}}'
      \(bulk)

      ## Ask Elasticsearch

      \(note)
          curl -fsS -X POST localhost:9200/items/_search -H 'Content-Type: application/json' -d '{
            "min_score": \(isInner && isUnit ? unitScore : score), "_source": ["name", "class"],
            "knn": {"field": "vector", "query_vector": […], "k": 10, "num_candidates": 100}}'

      ## Import into OpenSearch

          set -e
          curl -fsS -X PUT localhost:9200/items -H 'Content-Type: application/json' -d '{"settings": {"index.knn": true},
            "mappings": {"properties": {
            "vector": {"type": "knn_vector", "dimension": \(dimension),
                       "method": {"name": "hnsw", "engine": "faiss", "space_type": "\(isInner ? "innerproduct" : "l2")"}},
            "class": {"type": "\(hasTextClasses ? "keyword" : "long")"}, "name": {"type": "keyword"}}}}'
      \(bulk)

      ## Ask OpenSearch

      \(note)
          curl -fsS -X POST localhost:9200/items/_search -H 'Content-Type: application/json' -d '{
            "min_score": \(score), "size": 10, "_source": ["name", "class"],
            "query": {"knn": {"vector": {"vector": […], "k": 10}}}}'

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
      var instructions = Instructions(
        dimension: single.shape[1], metric: options.metric(for: single),
        isUnit: ExactIndex.Metric.isUnit(single, within: 5e-5), threshold: options.threshold)
      switch options.givenClasses?.values {
      case .unsigned?, .texts?: instructions.hasTextClasses = true
      case .integers?, nil: break
      }
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
  ) { (vectors, options) throws(Failure) in try BulkFiles.qdrant(vectors, options) }

  static let milvus = bulk(
    "rows for Milvus's bulk import", fileExtension: "json", Instructions.milvus
  ) { (vectors, options) throws(Failure) in BulkFiles.milvus(vectors, options) }

  static let elasticsearch = bulk(
    "lines for _bulk of Elasticsearch and OpenSearch", fileExtension: "ndjson",
    Instructions.elasticsearch
  ) { (vectors, options) throws(Failure) in BulkFiles.elasticsearch(vectors, options) }
}
