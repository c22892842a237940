import Files
import Index
import Settings

private let headerWords = [
  "'<f4'", "'<f8'", "'>f8'", "'<f2'", "'<i8'", "'|i1'", "'<u8'", "'|b1'", "'<U3'", "'|O'", "True",
  "False", "(3, 4)", "(0, 4)", "(4, 0)", "(4611686018427387904, 0)", "()", "(12,)", "'shape': ",
  "{", "}",
]

let arrayReaders = [
  FuzzedReader("npy", words: headerWords) {
    [
      Seeds.array([3, 4], .float32((0..<12).map { Float($0) })),
      Seeds.array([3, 2], .float64([1, 2, 3, 4, 5, 6])),
      Seeds.array([5, 1], .int64([0, 1, -1, 2, 2])),
    ]
  } read: { bytes in
    let array = try NumPyArray(bytes: bytes, at: "input")
    _ = try? array.labels(at: "input")
    _ = try? array.wholeRows(at: "input")
    _ = try array.matrix(at: "input", as: Float.self)
  },
  .file("npy-rows", "npy", words: headerWords) {
    [try Seeds.exported("npy"), Seeds.array([3, 2], .float64([1, 2, 3, 4, 5, 6]))]
  } read: { path in
    let rows = try NumPyRows(path)
    guard rows.rows > 0, rows.columns < 1 << 16 else { return }
    let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: rows.columns)
    defer { numbers.deallocate() }
    try rows.read(rows.rows - 1..<rows.rows, into: numbers)
    _ = try rows.fingerprint()
  },
  .file("npz", "npz", words: headerWords + ["vectors.npy"], refit: { Refitting.zip(&$0) }) {
    [try Seeds.exported("npz")]
  } read: {
    _ = try readVectors($0)
  },
  FuzzedReader(
    "safetensors",
    words: ["F32", "F64", "BF16", "I64", "BOOL", "\"shape\":", "[0,0]", "__metadata__", "\\ud800"],
    refit: { Refitting.safetensors(&$0) }
  ) {
    try ["safetensors", "int8", "uint8", "binary"].map { try Seeds.exported($0) }
  } read: { bytes in
    let file = try SafetensorsFile(bytes, at: "input")
    _ = try file.bytes()
    _ = try file.tensorsByName(at: "input")
  },
]
