import Settings

/// A block's tensors: what its three convolutions and normalisations are called.
private struct BlockNames {
  let expand: (convolution: String, norm: String)?
  let depthwise, project: (convolution: String, norm: String)

  func rules(_ block: Int) -> [TensorNames.Rule] {
    let parts = [("expand", expand), ("depthwise", depthwise), ("project", project)]
    return parts.flatMap { part, names in
      names.map {
        TensorNames.Rule.normalized("blocks.\(block).\(part)", $0.convolution, $0.norm)
      } ?? []
    }
  }

  func block(
    _ tensors: ImageTensors, stride: Int
  ) throws(Failure) -> InvertedResidualsShape.Block {
    InvertedResidualsShape.Block(
      expanded: try expand.map { names throws(Failure) in
        try tensors.length("\(names.convolution).weight", 0)
      },
      kernel: try tensors.length("\(depthwise.convolution).weight", 2), stride: stride,
      outputs: try tensors.length("\(project.convolution).weight", 0))
  }
}

/// Makes the plan of a network of blocks.
private func makePlan(
  _ tensors: ImageTensors, _ maker: inout PartMaker, stem: (String, String),
  blocks: [(names: BlockNames, stride: Int)], head: (String, String), title: String,
  others: String, preparation: String, adjust: (inout InvertedResidualsShape) -> Void
) throws(Failure) -> ImagePlan {
  var (shapes, rules) = (
    [InvertedResidualsShape.Block](), TensorNames.Rule.normalized("stem", stem.0, stem.1)
  )
  guard blocks.count <= 256 else {
    throw Failure(
      .badData, at: tensors.place, "it has \(blocks.count) blocks", expected: "256 at most")
  }
  for (i, block) in blocks.enumerated() {
    shapes.append(try block.names.block(tensors, stride: block.stride))
    rules += block.names.rules(i)
  }
  rules += TensorNames.Rule.normalized("head", head.0, head.1)
  var shape = InvertedResidualsShape(
    stem: try tensors.length("\(stem.0).weight", 0), blocks: shapes,
    head: try tensors.length("\(head.0).weight", 0))
  shape.channels = try tensors.length("\(stem.0).weight", 1)
  adjust(&shape)
  return ImagePlan(
    encoder: try InvertedResiduals(shape, &maker), names: TensorNames(rules: rules),
    title: title, tensors: tensors, others: [others], preparation: preparation)
}

private func chosenStrides(
  _ hints: ImageHints, count: Int, usual: [Int]?, of what: String
) throws(Failure) -> [Int] {
  let given = hints.options.strides
  guard given.isEmpty else {
    guard given.count == count else {
      throw Failure(
        .badData, at: hints.place, "\(given.count) strides are told for \(count) \(what)",
        expected: "one for each")
    }
    return given
  }
  guard let usual, usual.count == count else {
    throw Failure(
      .badData, at: hints.place, "nothing tells the strides of its \(count) \(what)",
      expected: "a network of the usual form", remedy: "give --model '{strides: [1, 2, ...]}'")
  }
  return usual
}

/// Strides of MobileNetV2's seven stages, and of its 17 blocks.
private let mobileStages = [1, 2, 2, 2, 1, 2, 1]
private let mobileBlocks = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
/// Kernels and strides of EfficientNet-Lite's seven stages.
private let liteKernels = [3, 3, 5, 3, 5, 5, 3]
private let liteStages = [1, 2, 2, 2, 1, 2, 1]

/// MobileNetV2 under torchvision's names, today's or those before.
struct TorchvisionMobileNetFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("features.0.0.weight") && tensors.has("features.0.1.running_mean")
      && (tensors.has("features.1.conv.0.0.weight") || tensors.has("features.1.conv.0.weight"))
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    // The blocks before counted their activations too.
    let isOlder = tensors.has("features.1.conv.0.weight")
    func start(_ i: Int) -> String { "features.\(i + 1).conv.0\(isOlder ? "" : ".0").weight" }
    let count = tensors.count(start)
    let strides = try chosenStrides(hints, count: count, usual: mobileBlocks, of: "blocks")
    var blocks: [(BlockNames, Int)] = []
    for (i, stride) in strides.enumerated() {
      let p = "features.\(i + 1).conv."
      func part(_ number: Int) -> (String, String) {
        isOlder
          ? ("\(p)\(3 * number)", "\(p)\(3 * number + 1)")
          : ("\(p)\(number).0", "\(p)\(number).1")
      }
      let expands = isOlder ? tensors.has("\(p)6.weight") : tensors.has("\(p)3.weight")
      let last = expands ? 2 : 1
      let project =
        isOlder
        ? ("\(p)\(3 * last)", "\(p)\(3 * last + 1)") : ("\(p)\(last)", "\(p)\(last + 1)")
      blocks.append(
        (
          BlockNames(
            expand: expands ? part(0) : nil, depthwise: part(expands ? 1 : 0), project: project),
          stride
        ))
    }
    let head = "features.\(count + 1)"
    return try makePlan(
      tensors, &maker, stem: ("features.0.0", "features.0.1"), blocks: blocks,
      head: ("\(head).0", "\(head).1"), title: "MobileNetV2", others: "classifier.",
      preparation: "imagenet"
    ) { shape in
      shape.epsilon = hints.epsilon(usual: 1e-5)
      shape.padsAsTensorFlow = hints.options.padding == "same"
    }
  }
}

/// MobileNetV2 and EfficientNet-Lite under timm's names, which are the same.
struct TimmMobileNetFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("conv_stem.weight") && tensors.has("blocks.0.0.conv_dw.weight")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let architecture = hints.architecture ?? ""
    let isKnown = ["mobilenetv2", "efficientnet_lite", "tf_efficientnet_lite"]
      .contains { architecture.hasPrefix($0) }
    guard architecture.isEmpty || isKnown else {
      throw Failure(
        .badData, at: hints.place, "timm's '\(architecture)' is not supported",
        expected: "mobilenetv2_*, tf_efficientnet_lite* or efficientnet_lite*")
    }
    var stages: [[BlockNames]] = []
    while tensors.has("blocks.\(stages.count).0.bn1.weight") {
      let stage = stages.count
      stages.append(
        (0..<tensors.count { "blocks.\(stage).\($0).bn1.weight" }).map { i in
          let p = "blocks.\(stage).\(i)."
          // The last of two or of three convolutions.
          guard tensors.has("\(p)conv_pwl.weight") else {
            return BlockNames(
              expand: nil, depthwise: ("\(p)conv_dw", "\(p)bn1"),
              project: ("\(p)conv_pw", "\(p)bn2"))
          }
          return BlockNames(
            expand: ("\(p)conv_pw", "\(p)bn1"), depthwise: ("\(p)conv_dw", "\(p)bn2"),
            project: ("\(p)conv_pwl", "\(p)bn3"))
        })
    }
    var shapes: [InvertedResidualsShape.Block] = []
    for stage in stages { shapes.append(try stage[0].block(tensors, stride: 1)) }
    let kernels = shapes.map(\.kernel)
    let isLite =
      isKnown ? !architecture.hasPrefix("mobilenetv2") : kernels.contains(5)
    // Other networks have these names too, with other strides or activations.
    let isUsual =
      (isLite ? kernels == liteKernels : kernels == [Int](repeating: 3, count: 7))
      && expandsSixfold(tensors, stages)
    let strides = try chosenStrides(
      hints, count: stages.count, usual: isUsual ? (isLite ? liteStages : mobileStages) : nil,
      of: "stages")
    let isTensorFlow = isLite && !architecture.hasPrefix("efficientnet_lite")
    return try makePlan(
      tensors, &maker, stem: ("conv_stem", "bn1"),
      blocks: zip(stages, strides).flatMap { stage, stride in
        stage.enumerated().map { ($1, $0 == 0 ? stride : 1) }
      }, head: ("conv_head", "bn2"), title: isLite ? "EfficientNet-Lite" : "MobileNetV2",
      others: "classifier.", preparation: isLite ? "efficientnet-lite" : "imagenet-bicubic"
    ) { shape in
      shape.epsilon = hints.epsilon(usual: isTensorFlow ? 1e-3 : 1e-5)
      shape.padsAsTensorFlow =
        hints.options.padding.isEmpty ? isTensorFlow : hints.options.padding == "same"
    }
  }

  /// Whether the blocks of all stages but the first have six times the channels that come in.
  private func expandsSixfold(_ tensors: ImageTensors, _ stages: [[BlockNames]]) -> Bool {
    stages.dropFirst().allSatisfy { stage in
      stage.allSatisfy { names in
        guard let shape = names.expand.flatMap({ tensors.shape("\($0.convolution).weight") }),
          shape.count == 4
        else { return false }
        return shape[0] == 6 * shape[1]
      }
    }
  }
}

/// EfficientNet-Lite under the names of `efficientnet_lite_pytorch`, whose blocks are counted through.
struct LiteFamily: ImageFamily {
  func recognizes(_ tensors: ImageTensors) -> Bool {
    tensors.has("_conv_stem.weight") && tensors.has("_blocks.0._depthwise_conv.weight")
  }

  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan {
    let count = tensors.count { "_blocks.\($0)._depthwise_conv.weight" }
    var (names, stages, before) = ([BlockNames](), [[BlockNames]](), (0, 0))
    var kernels: [Int] = []
    for i in 0..<count {
      let p = "_blocks.\(i)."
      let expands = tensors.has("\(p)_expand_conv.weight")
      let block = BlockNames(
        expand: expands ? ("\(p)_expand_conv", "\(p)_bn0") : nil,
        depthwise: ("\(p)_depthwise_conv", "\(p)_bn1"),
        project: ("\(p)_project_conv", "\(p)_bn2"))
      names.append(block)
      let shape = try block.block(tensors, stride: 1)
      // A stage has one width and one kernel.
      if (shape.kernel, shape.outputs) != before {
        stages.append([])
        kernels.append(shape.kernel)
        before = (shape.kernel, shape.outputs)
      }
      stages[stages.count - 1].append(block)
    }
    let strides = try chosenStrides(
      hints, count: stages.count, usual: kernels == liteKernels ? liteStages : nil, of: "stages")
    return try makePlan(
      tensors, &maker, stem: ("_conv_stem", "_bn0"),
      blocks: zip(stages, strides).flatMap { stage, stride in
        stage.enumerated().map { ($1, $0 == 0 ? stride : 1) }
      }, head: ("_conv_head", "_bn1"), title: "EfficientNet-Lite", others: "_fc.",
      preparation: "efficientnet-lite"
    ) { shape in
      shape.epsilon = hints.epsilon(usual: 1e-3)
      shape.padsAsTensorFlow = hints.options.padding != "zeros"
    }
  }
}
