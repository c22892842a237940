import Settings

/// Vision transformers under timm's names, which DINO and DINOv2 have too.
struct TimmTransformerFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("patch_embed.proj.weight") && tensors.has("blocks.0.norm1.weight")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let width = try tensors.length("patch_embed.proj.weight", 0)
    // timm's registers lie beside a table without a place for the class token, the original's not.
    let registers = ["reg_token", "register_tokens"].first(where: tensors.has)
    let side = try gridSide(tensors, "pos_embed", hasClass: registers != "reg_token")
    var shape = VisionTransformerShape(
      patch: try tensors.length("patch_embed.proj.weight", 2), width: width,
      depth: tensors.count { "blocks.\($0).norm1.weight" }, heads: try hints.heads(width: width),
      inner: try tensors.length("blocks.0.mlp.fc1.weight", 0), positions: .init(side: side))
    shape.channels = try tensors.length("patch_embed.proj.weight", 1)
    shape.positions.hasClass = registers != "reg_token"
    if let registers { shape.registers = try tensors.length(registers, 1) }
    shape.epsilon = hints.epsilon(usual: 1e-6)
    shape.activation = hints.activation(usual: .gelu)
    shape.scalesLayers = tensors.has("blocks.0.ls1.gamma")
    shape.attentionBias = tensors.has("blocks.0.attn.qkv.bias")
    shape.patchBias = tensors.has("patch_embed.proj.bias")
    let rules: [TensorNames.Rule] = [
      .init("patch.*", "patch_embed.proj.*"), .init("classToken", "cls_token"),
      .init("registers", registers ?? "reg_token"), .init("positions", "pos_embed"),
      .init("layers.*.attentionNorm.*", "blocks.*.norm1.*"),
      .init("layers.*.input.*", "blocks.*.attn.qkv.*"),
      .init("layers.*.output.*", "blocks.*.attn.proj.*"),
      .init("layers.*.attentionScale", "blocks.*.ls1.gamma"),
      .init("layers.*.feedForwardNorm.*", "blocks.*.norm2.*"),
      .init("layers.*.expand.*", "blocks.*.mlp.fc1.*"),
      .init("layers.*.contract.*", "blocks.*.mlp.fc2.*"),
      .init("layers.*.feedForwardScale", "blocks.*.ls2.gamma"), .init("norm.*", "norm.*"),
    ]
    return ImagePlan(
      encoder: try VisionTransformer(shape, &maker), names: TensorNames(rules: rules),
      title: shape.scalesLayers ? "DINOv2" : "ViT", tensors: tensors,
      others: ["head.", "mask_token"],
      preparation: shape.scalesLayers ? "imagenet-bicubic" : "half",
      side: shape.scalesLayers ? nil : side * shape.patch)
  }
}

/// Vision transformers under the names of Hugging Face's transformers: ViT and DINOv2.
struct HuggingFaceTransformerFamily: ImageFamily {
  private let patch = "embeddings.patch_embeddings.projection"

  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("\(patch).weight") && tensors.has("embeddings.cls_token")
  }

  func plan(
    _ given: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let isPlain =
      given.has("encoder.layer.0.layernorm_before.weight")
      || given.has("layers.0.layernorm_before.weight")
    let tensors = given.renamed { older($0, isPlain: isPlain) }
    let width = try tensors.length("\(patch).weight", 0)
    let side = try gridSide(tensors, "embeddings.position_embeddings", hasClass: true)
    let (norms, feed) =
      isPlain
      ? (["layernorm_before", "layernorm_after"], ["intermediate.dense", "output.dense"])
      : (["norm1", "norm2"], ["mlp.fc1", "mlp.fc2"])
    let layer = "encoder.layer"
    var shape = VisionTransformerShape(
      patch: try tensors.length("\(patch).weight", 2), width: width,
      depth: tensors.count { "\(layer).\($0).\(norms[0]).weight" },
      heads: try hints.heads(width: width),
      inner: try tensors.length("\(layer).0.\(feed[0]).weight", 0), positions: .init(side: side))
    shape.channels = try tensors.length("\(patch).weight", 1)
    let hasRegisters = tensors.has("embeddings.register_tokens")
    if hasRegisters { shape.registers = try tensors.length("embeddings.register_tokens", 1) }
    shape.positions.isAntialiased = hasRegisters
    shape.epsilon = hints.epsilon(usual: isPlain ? 1e-12 : 1e-6)
    shape.activation = hints.activation(usual: .gelu)
    shape.scalesLayers = tensors.has("\(layer).0.layer_scale1.lambda1")
    shape.isJoined = false
    shape.attentionBias = tensors.has("\(layer).0.attention.attention.query.bias")
    var rules: [TensorNames.Rule] = [
      .init("patch.*", "\(patch).*"), .init("classToken", "embeddings.cls_token"),
      .init("registers", "embeddings.register_tokens"),
      .init("positions", "embeddings.position_embeddings"),
      .init("layers.*.attentionNorm.*", "\(layer).*.\(norms[0]).*"),
      .init("layers.*.output.*", "\(layer).*.attention.output.dense.*"),
      .init("layers.*.attentionScale", "\(layer).*.layer_scale1.lambda1"),
      .init("layers.*.feedForwardNorm.*", "\(layer).*.\(norms[1]).*"),
      .init("layers.*.expand.*", "\(layer).*.\(feed[0]).*"),
      .init("layers.*.contract.*", "\(layer).*.\(feed[1]).*"),
      .init("layers.*.feedForwardScale", "\(layer).*.layer_scale2.lambda1"),
      .init("norm.*", "layernorm.*"),
    ]
    for part in ["query", "key", "value"] {
      rules.append(.init("layers.*.\(part).*", "\(layer).*.attention.attention.\(part).*"))
    }
    return ImagePlan(
      encoder: try VisionTransformer(shape, &maker), names: TensorNames(rules: rules),
      title: isPlain ? "ViT" : "DINOv2", tensors: tensors,
      others: ["pooler.", "classifier.", "embeddings.mask_token"],
      preparation: isPlain ? "half" : "imagenet-bicubic",
      side: isPlain ? side * shape.patch : nil)
  }

  /// The name that files have for one that transformers 5 has in memory.
  private func older(_ name: String, isPlain: Bool) -> String {
    var name = name
    if name.hasPrefix("layers.") { name = "encoder.layer." + name.dropFirst("layers.".count) }
    var renames = [
      (".attention.q_proj.", ".attention.attention.query."),
      (".attention.k_proj.", ".attention.attention.key."),
      (".attention.v_proj.", ".attention.attention.value."),
      (".attention.o_proj.", ".attention.output.dense."),
    ]
    if isPlain {
      renames += [(".mlp.fc1.", ".intermediate.dense."), (".mlp.fc2.", ".output.dense.")]
    }
    for (new, old) in renames {
      guard let range = name.firstRange(of: new) else { continue }
      name.replaceSubrange(range, with: old)
    }
    return name
  }
}

/// CLIP's vision tower under the names of Hugging Face's transformers.
struct CLIPFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("vision_model.embeddings.patch_embedding.weight")
      && tensors.has("vision_model.embeddings.class_embedding")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let (start, layer) = ("vision_model.embeddings", "vision_model.encoder.layers")
    let width = try tensors.length("\(start).patch_embedding.weight", 0)
    let side = try gridSide(tensors, "\(start).position_embedding.weight", hasClass: true)
    var shape = VisionTransformerShape(
      patch: try tensors.length("\(start).patch_embedding.weight", 2), width: width,
      depth: tensors.count { "\(layer).\($0).layer_norm1.weight" },
      heads: try hints.heads(width: width),
      inner: try tensors.length("\(layer).0.mlp.fc1.weight", 0), positions: .init(side: side))
    shape.channels = try tensors.length("\(start).patch_embedding.weight", 1)
    shape.positions.isAntialiased = false
    shape.epsilon = hints.epsilon(usual: 1e-5)
    shape.activation = hints.activation(usual: .geluBySigmoid)
    shape.isJoined = false
    shape.patchBias = tensors.has("\(start).patch_embedding.bias")
    shape.normsFirst = true
    if tensors.has("visual_projection.weight") {
      shape.projection = try tensors.length("visual_projection.weight", 0)
    }
    var rules: [TensorNames.Rule] = [
      .init("patch.*", "\(start).patch_embedding.*"),
      .init("classToken", "\(start).class_embedding"),
      .init("positions", "\(start).position_embedding.weight"),
      // Spelt so.
      .init("firstNorm.*", "vision_model.pre_layrnorm.*"),
      .init("layers.*.attentionNorm.*", "\(layer).*.layer_norm1.*"),
      .init("layers.*.output.*", "\(layer).*.self_attn.out_proj.*"),
      .init("layers.*.feedForwardNorm.*", "\(layer).*.layer_norm2.*"),
      .init("layers.*.expand.*", "\(layer).*.mlp.fc1.*"),
      .init("layers.*.contract.*", "\(layer).*.mlp.fc2.*"),
      .init("norm.*", "vision_model.post_layernorm.*"),
      .init("projection.*", "visual_projection.*"),
    ]
    for (part, letter) in [("query", "q"), ("key", "k"), ("value", "v")] {
      rules.append(.init("layers.*.\(part).*", "\(layer).*.self_attn.\(letter)_proj.*"))
    }
    return ImagePlan(
      encoder: try VisionTransformer(shape, &maker), names: TensorNames(rules: rules),
      title: "CLIP", tensors: tensors,
      others: ["text_model.", "text_projection.", "logit_scale", "classifier."],
      preparation: "clip", side: side * shape.patch)
  }
}

/// The side of the square grid that a table of positions is for.
private func gridSide(
  _ tensors: ImageTensors, _ name: String, hasClass: Bool
) throws(Failure) -> Int {
  let width = tensors.shape(name).map { $0.count - 2 } ?? 0
  let places = try tensors.length(name, max(0, width)) - (hasClass ? 1 : 0)
  let side = Int(Double(max(0, places)).squareRoot().rounded())
  guard side > 0, side * side == places else {
    throw Failure(
      .badData, at: tensors.place, "the table '\(tensors.prefix)\(name)' has \(places) places",
      expected: "a square grid\(hasClass ? " and one for the class token" : "")")
  }
  return side
}
