import CorpusMining
import Data
import Files
import Index
import Settings
import Training

let tableReaders: [FuzzedReader] = [
  .file("csv", "csv", words: [",", "\"", "\"\"", "\n", "\r\n", ";", "\t", "\u{FEFF}", "label"]) {
    [
      Array("x,y,label\n1,2.5,a\n-3,4e-2,b\n\"5\",6,\"a, b\"\n".utf8),
      Array("0.5,1,cat\r\n1.5,2,dog\r\n".utf8),
    ]
  } read: { path in
    _ = try readCSV(path, labelColumn: "")
    _ = try? readCSV(path, labelColumn: "label")
  },
  .file("labels-npy", "npy", words: ["'<U3'", "'|S2'", "'<u8'", "'>i4'", "'|b1'", "(4, 1)"]) {
    [
      Seeds.array([4], .int64([0, -1, .max, 0])), Seeds.array([3], .uint64([0, .max, 5])),
    ]
  } read: {
    _ = try GivenLabels.read($0).numbered
  },
  .file("labels-text", "txt", words: ["\n", "\r\n", "\t", "\u{FEFF}"]) {
    [Array("cat\ndog\ncat\n".utf8), Array("1\n-2\n9223372036854775807\n".utf8)]
  } read: {
    _ = try GivenLabels.read($0).numbered
  },
  .file("names", "txt", words: ["\n", "\\n", "\\", "\r"]) {
    [NameList.bytes(["a", "b\nc", "d\\e", ""])]
  } read: {
    _ = try NameList.read($0)
  },
  .file("csv-vectors", "csv", words: [",", "\"", "\n"]) {
    [try Seeds.exported("csv"), Array("a,b\n1,2\n3,4\n".utf8)]
  } read: {
    _ = try readVectors($0)
  },
  .file("jsonl-vectors", "jsonl", words: ["{", "}", "[", "]", "\"vector\": ", "\n"]) {
    [try Seeds.exported("jsonl")]
  } read: {
    _ = try readVectors($0)
  },
  .file("teacher-scores", "jsonl", words: ["{", "[", "]", "\n"]) {
    [
      Array(
        "{\"query\": 0, \"scores\": [[12, 0.93], [40, 0.1]]}\n{\"query\": 2, \"scores\": []}\n"
          .utf8)
    ]
  } read: {
    _ = try TeacherScores($0, queries: 3, corpus: 50)
  },
  .file("shard-record", "json", words: ["{", "[", "]"]) {
    [
      Array(
        "{\"first\": 0, \"rows\": 4, \"total\": 8, \"items\": \"1a2b\", \"model\": \"3c\"}".utf8)
    ]
  } read: { path in
    let record = try ShardRecord(path: path)
    _ = try? ShardRecord.order([("a", record), ("b", record)])
  },
]
