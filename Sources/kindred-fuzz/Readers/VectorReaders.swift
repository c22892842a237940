import Index
import Settings

/// Formats that `readVectors` tells by the ending of the name.
let vectorReaders: [FuzzedReader] =
  ["fvecs", "ivecs", "bvecs", "fbin", "u8bin"].map { ending in
    .file(ending, ending) {
      [try Seeds.exported(ending)]
    } read: {
      _ = try readVectors($0)
    }
  } + [
    .file("projector", "tsv", words: ["\t", "\n"]) {
      [try Seeds.exported("projector")]
    } read: {
      _ = try readVectors($0)
    },
    .file(
      "quantized", "safetensors", words: ["columns", "quantization", "int8", "binary", "\"8\""],
      refit: { Refitting.safetensors(&$0) }
    ) {
      try ["int8", "uint8", "binary"].map { try Seeds.exported($0) }
    } read: {
      _ = try readVectors($0)
    },
  ]
