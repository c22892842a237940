import Autodiff
import Files
import Settings

/// Opens an index file of any kind that is known, by how it begins.
///
/// - Parameter metric: what near means, for files that do not tell it (hnswlib).
public func openIndex(
  _ path: String, metric: ExactIndex.Metric? = nil
) throws(Failure) -> any VectorIndex {
  let header = try MappedFile(path)
  let mark = String(decoding: header.bytes.prefix(8), as: UTF8.self)
  if mark == HNSWIndex.mark { return try HNSWIndex.read(path) }
  if FaissFile.marks.contains(String(decoding: header.bytes.prefix(4), as: UTF8.self)) {
    return try FaissFile.read(path)
  }
  if HNSWLibrary.isLikely(header.bytes) {
    let (index, ids) = try HNSWLibrary.read(path, metric: metric)
    return IdentifiedIndex.around(index, ids: ids)
  }
  if USearchFile.isLikely(header.bytes) { return try USearchFile.read(path) }
  throw Failure(
    .badData, at: path, "this is no index that is known here",
    expected: "an index of Kindred, FAISS, hnswlib or USearch",
    remedy: "export one with kindred export E.npy --format hnsw --out FILE")
}
