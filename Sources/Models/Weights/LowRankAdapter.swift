import Autodiff
import Files
import Settings
import Texts

/// A low-rank adapter in peft's layout, which is added to the weights of its base.
///
/// W' = W + s B A with s = alpha / r, or alpha / √r.
/// - Reference: Hu et al., *LoRA* (2021).
struct LowRankAdapter: Sendable {
  private let weights: WeightFile
  private let config: JSONNode
  private let path: String
  /// The folder of the base model.
  let base: String

  static func isIn(_ folder: String) -> Bool {
    FileSystem.exists("\(folder)/adapter_config.json")
  }

  init(folder: String) throws(Failure) {
    let path = "\(folder)/adapter_config.json"
    let config = try JSONNode(try FileSystem.read(path), at: path)
    (self.path, self.config) = (path, config)
    let type = config["peft_type"]?.string ?? ""
    guard type == "LORA" else {
      throw Failure(
        .badData, at: "\(path): peft_type", "'\(type)' is not supported", expected: "LORA")
    }
    for key in ["use_dora", "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora"]
    where config[key]?.flag == true {
      throw Failure(.badData, at: "\(path): \(key)", "this is not supported", expected: "false")
    }
    for key in ["modules_to_save", "layer_replication", "trainable_token_indices"]
    where config[key] != nil {
      throw Failure(.badData, at: "\(path): \(key)", "this is not supported", expected: "null")
    }
    guard config["bias"]?.string ?? "none" == "none" else {
      throw Failure(.badData, at: "\(path): bias", "this is not supported", expected: "none")
    }
    guard let name = config["base_model_name_or_path"]?.string, !name.isEmpty else {
      throw Failure(
        .badData, at: "\(path): base_model_name_or_path", "there is none",
        expected: "the folder of the base model")
    }
    base = name.hasPrefix("/") ? name : "\(folder)/\(name)"
    guard FileSystem.isFolder(base) else {
      throw Failure(
        .noInput, at: "\(path): base_model_name_or_path", "there is no folder '\(base)'",
        remedy: "put the base model there, or name its folder relative to the adapter")
    }
    weights = try WeightFile("\(folder)/adapter_model.safetensors")
  }

  /// Adds the adapter to a model's weights.
  func apply(to model: inout some Parameterized, _ map: TensorNames) throws(Failure) {
    let (start, ending) = ("base_model.model.", ".lora_A.weight")
    var modules: [String: String] = [:]
    for name in weights.names where name.hasPrefix(start) && name.hasSuffix(ending) {
      let module = String(name.dropFirst(start.count).dropLast(ending.count))
      modules["\(module).weight"] = module
    }
    guard modules.count * 2 == weights.names.count, !modules.isEmpty else {
      throw Failure(
        .badData, at: weights.place, "\(weights.names.count) tensors are no pairs of LoRA",
        expected: "\(start)MODULE.lora_A.weight and .lora_B.weight")
    }
    let names = Set(modules.keys)
    var (problem, left) = (Failure?.none, names)
    model.updateParameters { name, parameter in
      guard problem == nil, let found = map.find(name, in: names), let module = modules[found]
      else { return }
      left.remove(found)
      do throws(Failure) {
        parameter = try merged(parameter, module)
      } catch {
        problem = error
      }
    }
    if let problem { throw problem }
    if let lost = left.min() {
      throw Failure(
        .badData, at: weights.place, "the base has no weight '\(lost)'",
        expected: "modules of the base model", remedy: "the adapter is of another model")
    }
  }

  private func merged(_ weight: Tensor, _ module: String) throws(Failure) -> Tensor {
    let a = try weights.tensor("base_model.model.\(module).lora_A.weight", dtype: weight.dtype)
    let b = try weights.tensor("base_model.model.\(module).lora_B.weight", dtype: weight.dtype)
    guard weight.shape.count == 2, a.shape.count == 2, b.shape.count == 2,
      a.shape[0] == b.shape[1], a.shape[1] == weight.shape[1], b.shape[0] == weight.shape[0],
      a.shape[0] > 0
    else {
      throw Failure(
        .badData, at: "\(weights.place): \(module)",
        "A \(a.shape) and B \(b.shape) do not fit the weight \(weight.shape)")
    }
    let alpha = try pattern("alpha_pattern", module) ?? config["lora_alpha"]?.number ?? 8
    let rank = Double(a.shape[0])
    let scale = alpha / (config["use_rslora"]?.flag == true ? rank.squareRoot() : rank)
    return weight + b.times(a).scaled(by: scale)
  }

  /// The number that a table of patterns has for a module.
  private func pattern(_ key: String, _ module: String) throws(Failure) -> Double? {
    for member in config[key]?.members ?? [] {
      let name = String(decoding: member.key, as: UTF8.self)
      guard name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }) else {
        throw Failure(
          .badData, at: "\(path): \(key)", "the pattern '\(name)' is not supported",
          expected: "names of modules")
      }
      if module == name || module.hasSuffix("." + name) { return member.value.number }
    }
    return nil
  }
}
