import Autodiff
import Files
import Foundation
import Models
import Pictures
import Settings
import Texts

private let wordPiece = """
  {"added_tokens": [{"id": 2, "content": "[CLS]", "special": true, "lstrip": true},
   {"id": 3, "content": "[SEP]", "special": true}, {"id": 8, "content": "not a", "single_word": true,
    "normalized": true}],
   "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "BertNormalizer",
    "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
    {"type": "Replace", "pattern": {"Regex": "\\\\s+"}, "content": " "}]},
   "pre_tokenizer": {"type": "BertPreTokenizer"},
   "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}},
   "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 9, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4,
     "##b": 5, "c": 6, "ab": 7}}}
  """

private let bytePairs = """
  {"added_tokens": [{"id": 0, "content": "<s>", "special": true, "rstrip": true}],
   "normalizer": null,
   "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
    {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}]},
   "post_processor": {"type": "RobertaProcessing", "sep": ["<s>", 0], "cls": ["<s>", 0],
    "trim_offsets": true, "add_prefix_space": true},
   "model": {"type": "BPE", "unk_token": "<s>", "byte_fallback": false, "fuse_unk": true,
    "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3, "\u{120}": 4, "\u{120}ab": 5},
    "merges": ["a b", "\u{120} ab"]}}
  """

private let unigram = """
  {"added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
   "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"},
    {"type": "Prepend", "prepend": "\u{2581}"}]},
   "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always",
    "split": true},
   "post_processor": null,
   "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": true,
    "vocab": [["<unk>", 0], ["\u{2581}", -1.5], ["a", -2], ["ab", -2.5], ["<0x41>", -9]]}}
  """

/// A transformer of one layer, as its file has it.
private func weights() throws -> [UInt8] {
  var random = Random(seed: 3)
  var entries: [SafetensorsEntry] = []
  func add(_ name: String, _ shape: [Int]) {
    entries.append(
      SafetensorsEntry(name, Tensor(normal: shape, deviation: 1, dtype: .float32, random: &random)))
  }
  func linear(_ name: String, _ outputs: Int, _ inputs: Int) {
    add(name + ".weight", [outputs, inputs])
    add(name + ".bias", [outputs])
  }
  func norm(_ name: String) {
    add(name + ".weight", [4])
    add(name + ".bias", [4])
  }
  add("embeddings.word_embeddings.weight", [9, 4])
  add("embeddings.position_embeddings.weight", [16, 4])
  add("embeddings.token_type_embeddings.weight", [2, 4])
  norm("embeddings.LayerNorm")
  let layer = "encoder.layer.0."
  for name in ["query", "key", "value"] { linear(layer + "attention.self." + name, 4, 4) }
  linear(layer + "attention.output.dense", 4, 4)
  norm(layer + "attention.output.LayerNorm")
  linear(layer + "intermediate.dense", 6, 4)
  linear(layer + "output.dense", 4, 6)
  norm(layer + "output.LayerNorm")
  return try SafetensorsFile(metadata: ["format": "pt"], tensors: entries).bytes()
}

private let modules = """
  [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
   {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
   {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
  """

private let configuration = """
  {"model_type": "bert", "hidden_size": 4, "num_attention_heads": 2, "num_hidden_layers": 1,
   "intermediate_size": 6, "max_position_embeddings": 16, "type_vocab_size": 2, "vocab_size": 9,
   "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0, "attention_probs_dropout_prob": 0.1}
  """

/// The folder of a text model, of which one file is replaced by the input.
private func modelReader(
  _ name: String, _ file: String, _ seed: @escaping @Sendable () throws -> [UInt8]
)
  -> FuzzedReader
{
  FuzzedReader(
    name, words: ["\"type\"", "pooling_mode_cls_token", "65536", "[", "]", "true", "null", "F16"],
    refit: { if file.hasSuffix("safetensors") { Refitting.safetensors(&$0) } }
  ) {
    [try seed()]
  } read: { bytes in
    let folder = Scratch.path + "/text-model"
    let pooling = folder + "/1_Pooling"
    try FileManager.default.createDirectory(atPath: pooling, withIntermediateDirectories: true)
    for (path, text) in files { try Scratch.write(Array(text.utf8), to: "\(folder)/\(path)") }
    try Scratch.write(try weights(), to: folder + "/model.safetensors")
    try Scratch.write(bytes, to: "\(folder)/\(file)")
    let model = try TextModel(folder: folder)
    _ = try model.embed(["a cab", "", "ab"])
  }
}

private let files = [
  "config.json": configuration, "tokenizer.json": wordPiece,
  "modules.json": modules,
  "1_Pooling/config.json": """
  {"word_embedding_dimension": 4, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true,
   "pooling_mode_max_tokens": false, "include_prompt": true}
  """,
  "sentence_bert_config.json": "{\"max_seq_length\": 8, \"do_lower_case\": false}",
  "tokenizer_config.json": "{\"do_lower_case\": true, \"model_max_length\": 12}",
]

private let seen = [
  "A cab \u{e9}\u{301} 123, ab", "", "\u{1F600}\u{200D}x \u{4e2d}\t[CLS] not a",
]

let languageReaders: [FuzzedReader] =
  [
    .text(
      "tokenizer",
      words: [
        "\"type\"", "WordPiece", "BPE", "Unigram", "Split", "ByteLevel", "Metaspace", "Precompiled",
        "\"Regex\": ", "(?i:", "\\\\p{L}+", "[^", "null", "[", "]", "{", "}",
      ],
      [wordPiece, bytePairs, unigram]
    ) { text in
      let tokenizer = try Tokenizer(json: Array(text.utf8), at: "input")
      for text in seen { _ = try tokenizer.encode(text) }
    },
    FuzzedReader("tokenized-text", words: ["[CLS]", "\u{FEFF}", "\u{301}", "\u{1F468}\u{200D}"]) {
      seen.map { Array($0.utf8) }
    } read: { bytes in
      for json in [wordPiece, bytePairs, unigram] {
        let tokenizer = try Tokenizer(json: Array(json.utf8), at: "seed")
        _ = try tokenizer.encode(String(decoding: bytes, as: UTF8.self))
      }
    },
    .file("texts-jsonl", "jsonl", words: ["{\"text\": ", "\\u", "\n"]) {
      [Array("{\"text\": \"a\\u00e9\"}\n\n{\"id\": 1, \"text\": \"b\"}\n".utf8)]
    } read: {
      _ = try TextFile.read($0)
    },
    .file("texts-csv", "csv", words: ["\"", ",", "\n", "text"]) {
      [Array("id,text\n1,\"a, \"\"b\"\"\"\n2,c\n".utf8)]
    } read: {
      _ = try TextFile.read($0)
    },
    .text(
      "picture-preparation", words: ["\"size\"", "shortest_edge", "crop_size", "null", "[", "{"],
      [
        "{\"do_resize\": true, \"size\": {\"shortest_edge\": 8}, \"resample\": 3, \"do_center_crop\": true, "
          + "\"crop_size\": {\"height\": 7, \"width\": 7}, \"do_rescale\": true, \"rescale_factor\": 0.0039, "
          + "\"do_normalize\": true, \"image_mean\": [0.5, 0.4, 0.3], \"image_std\": [0.2, 0.2, 0.1]}"
      ]
    ) { text in
      let preparation = try PicturePreparation(
        processor: try JSONValue(json5: text, at: "input"), at: "input")
      guard preparation.size.allSatisfy({ $0 < 64 }), preparation.edge < 64 else { return }
      _ = preparation.numbers(
        Pixels(width: 5, height: 3, channels: 3, bytes: [UInt8](repeating: 9, count: 45)))
    },
    modelReader("text-model-config", "config.json") { Array(configuration.utf8) },
    modelReader("text-model-modules", "modules.json") { Array(modules.utf8) },
    modelReader("text-model-weights", "model.safetensors", weights),
  ]
