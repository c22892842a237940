import Settings

/// Residual networks under the names of torchvision and timm, which are the same.
struct ResNetFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("conv1.weight") && tensors.has("layer1.0.conv1.weight")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let isBottleneck = tensors.has("layer1.0.conv3.weight")
    var (blocks, inner, outputs) = ([Int](), [Int](), [Int]())
    for stage in 1...4 {
      blocks.append(tensors.count { "layer\(stage).\($0).conv1.weight" })
      inner.append(try tensors.length("layer\(stage).0.conv1.weight", 0))
      outputs.append(
        try tensors.length("layer\(stage).0.\(isBottleneck ? "conv3" : "conv2").weight", 0))
    }
    var shape = ResNetShape(
      isBottleneck: isBottleneck, blocks: blocks, inner: inner, outputs: outputs)
    shape.stem = try tensors.length("conv1.weight", 0)
    shape.channels = try tensors.length("conv1.weight", 1)
    shape.lastStride = hints.options.lastStride
    var rules = TensorNames.Rule.normalized("stem", "conv1", "bn1")
    for stage in 0..<4 {
      for (part, number) in [("first", 1), ("second", 2), ("third", 3)] {
        rules += TensorNames.Rule.normalized(
          "stages.\(stage).*.\(part)", "layer\(stage + 1).*.conv\(number)",
          "layer\(stage + 1).*.bn\(number)")
      }
      rules += TensorNames.Rule.normalized(
        "stages.\(stage).*.shortcut", "layer\(stage + 1).*.downsample.0",
        "layer\(stage + 1).*.downsample.1")
    }
    let layers = 2 + blocks.reduce(0, +) * (isBottleneck ? 3 : 2)
    return ImagePlan(
      encoder: try ResNet(shape, &maker), names: TensorNames(rules: rules),
      title: "ResNet-\(layers)", tensors: tensors, others: ["fc."], preparation: "imagenet")
  }
}
