import Autodiff
import Settings

/// The rows of the gradient table for layers and architectures: the derivative in every parameter
/// and in the input.
public let layerGradientChecks: [GradientCheck] = {
  var random = Random(seed: 5)
  let layers: [(name: String, layer: any Layer, inputs: [[Int]])] = [
    ("dense", Dense(inputs: 3, outputs: 4, random: &random), [[2, 3], [1, 3]]),
    (
      "dense-relu", Dense(inputs: 5, outputs: 3, activation: .relu, random: &random),
      [[4, 5], [1, 5]]
    ),
    (
      "dense-without-bias", Dense(inputs: 2, outputs: 2, hasBias: false, random: &random),
      [[3, 2]]
    ),
    (
      "convolution-block", ConvolutionBlock(inputs: 2, outputs: 3, random: &random),
      [[2, 4, 4, 2], [3, 5, 7, 2]]
    ),
    ("batch-norm", BatchNorm(width: 3), [[5, 3], [2, 3, 2, 3]]),
    ("low-rank-residual", LowRankResidual(width: 4, rank: 2, random: &random), [[3, 4]]),
    ("flatten", Flatten(), [[2, 3, 2, 2]]),
    ("unit-length", UnitLength(), [[3, 4], [1, 2]]),
  ]
  var rows = layers.flatMap { name, layer, inputs in
    inputs.map { check("layer \(name) \($0)", layer, input: $0) }
  }
  rows += smallImageEncoders(random.split("images"))
  for (name, architecture, shape) in smallArchitectures {
    guard
      let encoder = try? architecture.makeEncoder(
        inputShape: shape, random: random.split("encoder"), at: name)
    else { continue }
    rows.append(check("model \(name)", encoder, input: [4] + shape))
  }
  return rows
}()

/// Every registered architecture, made small, with the shape of an input item.
private let smallArchitectures: [(name: String, value: any Architecture, shape: [Int])] =
  allArchitectures.map { named in
    switch named.value {
    case var conv as Conv4:
      (conv.width, conv.blocks, conv.embedding) = (3, 2, 4)
      return (named.name, conv, [6, 5, 2])
    case var mlp as MLP:
      (mlp.hidden, mlp.embedding) = ([5, 4], 3)
      return (named.name, mlp, [6])
    case var linear as Linear:
      linear.embedding = 3
      return (named.name, linear, [2, 2, 1])
    case var adapter as Adapter:
      adapter.rank = 2
      return (named.name, adapter, [5])
    case var network as ResNetArchitecture:
      (network.width, network.embedding) = (2, 3)
      return (named.name, network, [9, 8, 2])
    case var network as ResNet12Architecture:
      network.width = 2
      return (named.name, network, [16, 17, 1])
    case var transformer as VisionTransformerArchitecture:
      (transformer.patch, transformer.width, transformer.layers) = (3, 6, 2)
      transformer.embedding = 4
      return (named.name, transformer, [7, 8, 2])
    default: return (named.name, named.value, [8, 8, 1])
    }
  }

/// Encoders of images that no recipe names, with every option that files may have.
private func smallImageEncoders(_ random: Random) -> [GradientCheck] {
  var maker = PartMaker(random: random, at: "gradcheck")
  var mobile = InvertedResidualsShape(
    stem: 3,
    blocks: [
      .init(expanded: nil, kernel: 3, stride: 1, outputs: 3),
      .init(expanded: 6, kernel: 5, stride: 2, outputs: 4),
      .init(expanded: 8, kernel: 3, stride: 1, outputs: 4),
    ], head: 5)
  mobile.padsAsTensorFlow = true
  let deep = ResNetShape(
    isBottleneck: true, blocks: [1, 2], inner: [2, 3], outputs: [4, 6])
  let next = ConvNeXtShape(depths: [1, 1], widths: [3, 4])
  var clip = VisionTransformerShape(
    patch: 2, width: 6, depth: 1, heads: 2, inner: 8, positions: .init(side: 2))
  (clip.registers, clip.activation, clip.scalesLayers) = (2, .geluBySigmoid, true)
  (clip.isJoined, clip.attentionBias, clip.patchBias) = (false, false, false)
  (clip.normsFirst, clip.projection) = (true, 3)
  var rows: [GradientCheck] = []
  if let encoder = try? InvertedResiduals(mobile, &maker) {
    rows.append(check("encoder inverted-residuals", encoder, input: [3, 9, 8, 3]))
  }
  if var encoder = try? ResNet(deep, &maker) {
    rows.append(check("encoder bottlenecks", encoder, input: [3, 12, 11, 3]))
    encoder.freezeNorms()
    rows.append(check("encoder bottlenecks, frozen norms", encoder, input: [3, 12, 11, 3]))
  }
  if let encoder = try? ConvNeXt(next, &maker) {
    rows.append(check("encoder convnext", encoder, input: [2, 17, 16, 3]))
  }
  // A grid of another shape than the table's.
  if let encoder = try? VisionTransformer(clip, &maker) {
    rows.append(check("encoder transformer", encoder, input: [2, 6, 4, 3]))
  }
  return rows
}

private func check(_ name: String, _ layer: some Layer, input shape: [Int]) -> GradientCheck {
  var layer = layer
  var random = Random(seed: 9)
  // Away from the values that layers start with, where many derivatives are 0.
  layer.updateParameters { _, parameter in
    parameter = Tensor(normal: parameter.shape, deviation: 0.7, dtype: .float64, random: &random)
  }
  layer.updateStatistics { $1 = $1.converted(to: .float64) }
  let input = Tensor(normal: shape, deviation: 1, dtype: .float64, random: &random)
  let start = layer
  return GradientCheck(name, at: [input] + layer.parameters.map(\.value)) { point in
    var layer = start
    var values = point.dropFirst().makeIterator()
    layer.updateParameters { _, parameter in parameter = values.next() ?? parameter }
    var pass = Pass(isTraining: true)
    return layer(point[0], in: &pass)
  }
}
