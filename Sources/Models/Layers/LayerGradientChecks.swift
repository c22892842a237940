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
    ("low-rank-residual", LowRankResidual(width: 4, rank: 2, random: &random), [[3, 4]]),
    ("flatten", Flatten(), [[2, 3, 2, 2]]),
    ("unit-length", UnitLength(), [[3, 4], [1, 2]]),
  ]
  var rows = layers.flatMap { name, layer, inputs in
    inputs.map { check("layer \(name) \($0)", layer, input: $0) }
  }
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
    default: return (named.name, named.value, [8, 8, 1])
    }
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
