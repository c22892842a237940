import Autodiff
import Files
import Settings

/// Rows for servers that build their own index: ids, vectors, payload and the threshold.
package enum BulkFiles {
  /// PostgreSQL's binary COPY, most significant byte first: a signature, then for each row the
  /// number of fields and each field's size and bytes. pgvector's vector is its width (2 bytes),
  /// two zeros and the numbers.
  package static func copy(_ vectors: Tensor, _ options: ExportOptions) throws(Failure) -> [UInt8] {
    let (rows, d) = (vectors.shape[0], vectors.shape[1])
    guard d <= 16_000 else {
      throw Failure(
        .badData, at: "pgvector", "the vectors have \(d) columns", expected: "at most 16000",
        remedy: "train or export shorter embeddings")
    }
    let classes = options.givenClasses
    var writer = ByteWriter()
    writer.append("PGCOPY\n")
    writer.append([0xFF, 0x0D, 0x0A, 0])
    writer.bigEndian(Int32(0))
    writer.bigEndian(Int32(0))
    vectors.withElements(of: Float.self) { x in
      for row in 0..<rows {
        writer.bigEndian(Int16(4))
        writer.bigEndian(Int32(8))
        writer.bigEndian(Int64(options.id(row)))
        switch classes?.values {
        case nil: writer.bigEndian(Int32(-1))
        case .integers(let numbers)?:
          writer.bigEndian(Int32(8))
          writer.bigEndian(Int64(numbers[row]))
        case .unsigned?, .texts?:
          let name = Array((classes?.name(of: row) ?? "").utf8).filter { $0 != 0 }
          writer.bigEndian(Int32(name.count))
          writer.append(name)
        }
        if options.names.isEmpty {
          writer.bigEndian(Int32(-1))
        } else {
          // PostgreSQL's text cannot hold the character 0.
          let name = Array(options.names[row].utf8).filter { $0 != 0 }
          writer.bigEndian(Int32(name.count))
          writer.append(name)
        }
        writer.bigEndian(Int32(4 + 4 * d))
        writer.bigEndian(Int16(d))
        writer.bigEndian(Int16(0))
        for value in x[row * d..<(row + 1) * d] { writer.bigEndian(value.bitPattern) }
      }
    }
    writer.bigEndian(Int16(-1))
    return writer.bytes
  }

  /// Qdrant's points, 256 in each line, of which each is the body of one request.
  package static func qdrant(_ vectors: Tensor, _ options: ExportOptions) throws(Failure) -> [UInt8]
  {
    if let id = (0..<vectors.shape[0]).lazy.map(options.id).first(where: { $0 < 0 }) {
      throw Failure(
        .badData, at: "--ids", "there is the id \(id), and Qdrant takes no negative ones",
        expected: "whole numbers from 0")
    }
    let rows = TextVectors.lines(vectors, separator: ",", isForSingle: true) { row, numbers in
      "{\"id\":\(options.id(row)),\"vector\":[\(numbers)],"
        + "\"payload\":\(JSONValue.object(options.payload(row)))}"
    }
    var bytes: [UInt8] = []
    let points = rows.split(separator: UInt8(ascii: "\n"))
    for start in stride(from: 0, to: points.count, by: 256) {
      bytes += "{\"points\":[".utf8
      bytes += points[start..<min(points.count, start + 256)].joined(separator: ",".utf8)
      bytes += "]}\n".utf8
    }
    return bytes
  }

  /// Milvus's rows for a bulk import.
  package static func milvus(_ vectors: Tensor, _ options: ExportOptions) -> [UInt8] {
    let rows = TextVectors.lines(vectors, separator: ",", isForSingle: true) { row, numbers in
      let payload = options.payload(row).sorted { $0.key < $1.key }
        .map { ",\(JSONValue.string($0.key)):\($0.value)" }.joined()
      return "{\"id\":\(options.id(row)),\"vector\":[\(numbers)]\(payload)}"
    }
    let joined = rows.split(separator: UInt8(ascii: "\n")).joined(separator: ",\n".utf8)
    return Array("{\"rows\":[\n".utf8) + joined + "\n]}\n".utf8
  }

  /// Two lines a row, as `_bulk` of Elasticsearch and OpenSearch takes them.
  package static func elasticsearch(_ vectors: Tensor, _ options: ExportOptions) -> [UInt8] {
    TextVectors.lines(vectors, separator: ",", isForSingle: true) { row, numbers in
      let payload = options.payload(row).sorted { $0.key < $1.key }
        .map { ",\(JSONValue.string($0.key)):\($0.value)" }.joined()
      return
        "{\"index\":{\"_id\":\"\(options.id(row))\"}}\n{\"vector\":[\(numbers)]\(payload)}"
    }
  }
}
