import Settings

/// ConvNeXt under timm's names.
struct TimmConvNeXtFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("stem.0.weight") && tensors.has("stages.0.blocks.0.conv_dw.weight")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let stages = tensors.count { "stages.\($0).blocks.0.conv_dw.weight" }
    var shape = ConvNeXtShape(
      depths: (0..<stages).map { s in
        tensors.count { "stages.\(s).blocks.\($0).conv_dw.weight" }
      }, widths: [])
    for s in 0..<stages {
      shape.widths.append(try tensors.length("stages.\(s).blocks.0.conv_dw.weight", 0))
    }
    let block = "stages.*.blocks.*."
    let rules: [TensorNames.Rule] = [
      .init("stem.*", "stem.0.*"), .init("stemNorm.*", "stem.1.*"),
      .init("stages.*.downsampling.norm.*", "stages.*.downsample.0.*"),
      .init("stages.*.downsampling.convolution.*", "stages.*.downsample.1.*"),
      .init("\(block)depthwise.*", "\(block)conv_dw.*"),
      .init("\(block)norm.*", "\(block)norm.*"),
      .init("\(block)expand.*", "\(block)mlp.fc1.*"),
      .init("\(block)contract.*", "\(block)mlp.fc2.*"), .init("norm.*", "head.norm.*"),
    ]
    return try makePlan(
      tensors, hints, &maker, shape, rules, stem: "stem.0.weight",
      depthwise: "stages.0.blocks.0.conv_dw.weight", others: "head.fc.")
  }
}

/// ConvNeXt under torchvision's names: convolutions and stages take turns.
struct TorchvisionConvNeXtFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("features.0.0.weight") && tensors.has("features.1.0.block.0.weight")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let stages = tensors.count { "features.\(2 * $0 + 1).0.block.0.weight" }
    var shape = ConvNeXtShape(
      depths: (0..<stages).map { s in
        tensors.count { "features.\(2 * s + 1).\($0).block.0.weight" }
      }, widths: [])
    var rules: [TensorNames.Rule] = [
      .init("stem.*", "features.0.0.*"), .init("stemNorm.*", "features.0.1.*"),
      .init("norm.*", "classifier.0.*"),
    ]
    for s in 0..<stages {
      let (ours, theirs) = ("stages.\(s).blocks.*.", "features.\(2 * s + 1).*.")
      shape.widths.append(try tensors.length("features.\(2 * s + 1).0.block.0.weight", 0))
      rules += [
        .init("stages.\(s).downsampling.norm.*", "features.\(2 * s).0.*"),
        .init("stages.\(s).downsampling.convolution.*", "features.\(2 * s).1.*"),
        .init("\(ours)depthwise.*", "\(theirs)block.0.*"),
        .init("\(ours)norm.*", "\(theirs)block.2.*"),
        .init("\(ours)expand.*", "\(theirs)block.3.*"),
        .init("\(ours)contract.*", "\(theirs)block.5.*"),
        .init("\(ours)gamma", "\(theirs)layer_scale"),
      ]
    }
    return try makePlan(
      tensors, hints, &maker, shape, rules, stem: "features.0.0.weight",
      depthwise: "features.1.0.block.0.weight", others: "classifier.2.")
  }
}

private func makePlan(
  _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker, _ shape: ConvNeXtShape,
  _ rules: [TensorNames.Rule], stem: String, depthwise: String, others: String
) throws(Failure) -> ImagePlan {
  var shape = shape
  shape.channels = try tensors.length(stem, 1)
  shape.patch = try tensors.length(stem, 2)
  shape.kernel = try tensors.length(depthwise, 2)
  shape.epsilon = hints.epsilon(usual: 1e-6)
  guard shape.patch % 2 == 0, shape.kernel % 2 == 1, shape.widths.count == 4 else {
    throw Failure(
      .badData, at: tensors.place,
      "\(shape.widths.count) stages, patches of \(shape.patch) and kernels of \(shape.kernel)",
      expected: "four stages, even patches and odd kernels",
      remedy: "the weights are of another architecture")
  }
  return ImagePlan(
    encoder: try ConvNeXt(shape, &maker), names: TensorNames(rules: rules), title: "ConvNeXt",
    tensors: tensors, others: [others], preparation: "imagenet-bicubic")
}
