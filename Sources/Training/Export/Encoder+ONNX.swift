import Autodiff
import Models
import Settings

extension Encoder {
  /// The encoder as ONNX operators: `input` of items as our own are, `embedding` of rows.
  ///
  /// Images stay [batch, height, width, channels] at the input; the graph turns them.
  /// - Throws: if a layer has no counterpart in ONNX.
  public func onnxModel(metadata: [String: String] = [:]) throws(Failure) -> ONNXModel {
    var graph = ONNXGraph(inputShape: inputShape, outputWidth: embeddingSize)
    for layer in layers {
      guard let known = layer.value as? any ONNXLayer else {
        throw Failure(
          .badData, at: "layer '\(layer.name)'", "it has no counterpart in ONNX",
          remedy: "export the run with --format safetensors")
      }
      known.append(to: &graph, named: layer.name)
    }
    var model = graph.finished()
    for constant in model.constants {
      guard let bad = constant.values.firstIndex(where: { !$0.isFinite }) else { continue }
      throw Failure(
        .badData, at: "onnx: \(constant.name)", "number \(bad) is \(constant.values[bad])",
        expected: "finite weights",
        remedy: "the training went wrong: train again with a lower learning rate")
    }
    model.metadata = metadata
    return model
  }
}

/// A layer that knows its operators in ONNX.
protocol ONNXLayer: Layer {
  /// Adds the operators that apply the layer to the graph's last value.
  func append(to graph: inout ONNXGraph, named name: String)
}

/// A graph that grows by a layer at a time.
struct ONNXGraph {
  /// Whether the last value has its channels after its pixels, as our images have, or before them.
  private(set) var hasChannelsFirst = false
  private var model: ONNXModel
  /// The name of the last value.
  private(set) var last = "input"
  private var inputRank: Int

  init(inputShape: [Int], outputWidth: Int) {
    model = ONNXModel(
      input: .init(name: "input", itemShape: inputShape),
      output: .init(name: "embedding", itemShape: [outputWidth]))
    inputRank = inputShape.count + 1
  }

  /// Adds an operator that reads the named values, or else the last; its output is the last now.
  mutating func apply(
    _ operation: String, _ inputs: [String]? = nil,
    _ attributes: KeyValuePairs<String, ONNXModel.Node.Attribute> = [:]
  ) {
    let output = "value\(model.nodes.count + 1)"
    model.nodes.append(
      .init(
        operation: operation, inputs: inputs ?? [last], outputs: [output],
        attributes: attributes.map { Named($0.key, $0.value) }))
    last = output
  }

  /// Adds a constant and returns its name.
  mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    model.constants.append(
      .init(name: name, shape: tensor.shape, values: tensor.elements(as: Float.self)))
    return name
  }

  mutating func turnChannelsFirst() {
    guard !hasChannelsFirst else { return }
    apply("Transpose", nil, ["perm": .list([0, 3, 1, 2])])
    hasChannelsFirst = true
  }

  mutating func flatten() {
    if hasChannelsFirst { apply("Transpose", nil, ["perm": .list([0, 2, 3, 1])]) }
    hasChannelsFirst = false
    guard inputRank > 2 else { return }
    apply("Flatten", nil, ["axis": .whole(1)])
    inputRank = 2
  }

  /// The model, whose last value is the output.
  func finished() -> ONNXModel {
    var model = model
    guard let place = model.nodes.indices.last else {
      model.nodes = [
        .init(operation: "Identity", inputs: ["input"], outputs: ["embedding"], attributes: [])
      ]
      return model
    }
    model.nodes[place].outputs = ["embedding"]
    return model
  }
}

extension Flatten: ONNXLayer {
  func append(to graph: inout ONNXGraph, named _: String) { graph.flatten() }
}

extension Dense: ONNXLayer {
  func append(to graph: inout ONNXGraph, named name: String) {
    var inputs = [graph.last, graph.constant("\(name).weight", weight)]
    if let bias { inputs.append(graph.constant("\(name).bias", bias)) }
    graph.apply("Gemm", inputs, ["transB": .whole(1)])
    switch activation {
    case .none: break
    case .relu: graph.apply("Relu")
    }
  }
}

extension LowRankResidual: ONNXLayer {
  func append(to graph: inout ONNXGraph, named name: String) {
    let input = graph.last
    graph.apply("Gemm", [input, graph.constant("\(name).down", down)], ["transB": .whole(1)])
    graph.apply("Gemm", [graph.last, graph.constant("\(name).up", up)], ["transB": .whole(1)])
    graph.apply("Add", [input, graph.last])
  }
}

extension UnitLength: ONNXLayer {
  func append(to graph: inout ONNXGraph, named name: String) {
    let input = graph.last
    graph.apply("ReduceL2", nil, ["axes": .list([1]), "keepdims": .whole(1)])
    let shortest = graph.constant("\(name).shortest", Tensor([Float(1e-12)], shape: [1]))
    graph.apply("Max", [graph.last, shortest])
    graph.apply("Div", [input, graph.last])
  }
}

extension ConvolutionBlock: ONNXLayer {
  /// The normalisation by running statistics becomes part of the convolution:
  /// w' = w · scale / √(variance + ε) and b = shift - mean · scale / √(variance + ε).
  func append(to graph: inout ONNXGraph, named name: String) {
    let (outputs, channels) = (weight.shape[0], weight.shape[3])
    let area = weight.shape[1] * weight.shape[2]
    let (w, scale) = (weight.elements(as: Double.self), scale.elements(as: Double.self))
    let variance = runningVariance.elements(as: Double.self)
    let mean = runningMean.elements(as: Double.self)
    let shift = shift.elements(as: Double.self)
    var folded = [Float](repeating: 0, count: w.count)
    var bias = [Float](repeating: 0, count: outputs)
    for o in 0..<outputs {
      let factor = scale[o] / (variance[o] + 1e-5).squareRoot()
      bias[o] = Float(shift[o] - mean[o] * factor)
      for pixel in 0..<area {
        for i in 0..<channels {
          folded[(o * channels + i) * area + pixel] = Float(
            w[(o * area + pixel) * channels + i] * factor)
        }
      }
    }
    let shape = [outputs, channels, weight.shape[1], weight.shape[2]]
    graph.turnChannelsFirst()
    let inputs = [
      graph.last, graph.constant("\(name).weight", Tensor(folded, shape: shape)),
      graph.constant("\(name).bias", Tensor(bias, shape: [outputs])),
    ]
    graph.apply(
      "Conv", inputs,
      [
        "kernel_shape": .list([weight.shape[1], weight.shape[2]]),
        "pads": .list([
          weight.shape[1] / 2, weight.shape[2] / 2, weight.shape[1] / 2, weight.shape[2] / 2,
        ]),
      ])
    graph.apply("Relu")
    graph.apply("MaxPool", nil, ["kernel_shape": .list([2, 2]), "strides": .list([2, 2])])
  }
}
