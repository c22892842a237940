import Autodiff
import Files
import Models
import Settings
import Testing

import Training

/// Runs the operators of a graph in the plainest way.
private struct ONNXInterpreter {
  let model: ONNXModel

  func embeddings(of input: Tensor) -> Tensor {
    var values = ["input": input]
    for constant in model.constants {
      values[constant.name] = Tensor(constant.values, shape: constant.shape)
    }
    for node in model.nodes {
      let inputs = node.inputs.compactMap { values[$0] }
      values[node.outputs[0]] = result(of: node, inputs)
    }
    return values["embedding"] ?? input
  }

  private func list(_ name: String, of node: ONNXModel.Node) -> [Int] {
    for attribute in node.attributes where attribute.name == name {
      if case .list(let values) = attribute.value { return values }
    }
    return []
  }

  private func result(of node: ONNXModel.Node, _ x: [Tensor]) -> Tensor {
    let a = x[0].elements(as: Float.self)
    let shape = x[0].shape
    switch node.operation {
    case "Identity": return x[0]
    case "Relu": return Tensor(a.map { max($0, 0) }, shape: shape)
    case "Flatten": return x[0].reshaped(to: [shape[0], shape.dropFirst().reduce(1, *)])
    case "Gemm":
      let y = x[0].timesTransposed(x[1])
      guard x.count == 3 else { return y }
      let (bias, width) = (x[2].elements(as: Float.self), y.shape[1])
      let sums = y.elements(as: Float.self).enumerated().map { $1 + bias[$0 % width] }
      return Tensor(sums, shape: y.shape)
    case "Add": return x[0] + x[1]
    case "ReduceL2":
      let lengths = (0..<shape[0]).map { row in
        a[row * shape[1]..<(row + 1) * shape[1]].reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
      return Tensor(lengths, shape: [shape[0], 1])
    case "Max": return Tensor(a.map { max($0, x[1].elements(as: Float.self)[0]) }, shape: shape)
    case "Div":
      let lengths = x[1].elements(as: Float.self)
      return Tensor(a.enumerated().map { $1 / lengths[$0 / shape[1]] }, shape: shape)
    case "Transpose":
      let order = list("perm", of: node)
      let turned = order.map { shape[$0] }
      let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
      var y: [Float] = []
      for i in 0..<a.count {
        var (rest, place) = (i, 0)
        for axis in order.indices.reversed() {
          place += rest % turned[axis] * strides[order[axis]]
          rest /= turned[axis]
        }
        y.append(a[place])
      }
      return Tensor(y, shape: turned)
    case "Conv": return convolved(x, pads: list("pads", of: node))
    case "MaxPool": return pooled(x[0])
    default:
      Issue.record("unknown operator \(node.operation)")
      return x[0]
    }
  }

  private func convolved(_ x: [Tensor], pads: [Int]) -> Tensor {
    let (s, k) = (x[0].shape, x[1].shape)
    let a = x[0].elements(as: Float.self)
    let (w, b) = (x[1].elements(as: Float.self), x[2].elements(as: Float.self))
    var y: [Float] = []
    for n in 0..<s[0] {
      for o in 0..<k[0] {
        for i in 0..<s[2] {
          for j in 0..<s[3] {
            var sum = b[o]
            for c in 0..<s[1] {
              for u in 0..<k[2] {
                for v in 0..<k[3] {
                  let (row, column) = (i + u - pads[0], j + v - pads[1])
                  guard (0..<s[2]).contains(row), (0..<s[3]).contains(column) else { continue }
                  let pixel = a[((n * s[1] + c) * s[2] + row) * s[3] + column]
                  sum += pixel * w[((o * k[1] + c) * k[2] + u) * k[3] + v]
                }
              }
            }
            y.append(sum)
          }
        }
      }
    }
    return Tensor(y, shape: [s[0], k[0], s[2], s[3]])
  }

  private func pooled(_ x: Tensor) -> Tensor {
    let (s, a) = (x.shape, x.elements(as: Float.self))
    var y: [Float] = []
    for plane in 0..<s[0] * s[1] {
      for i in 0..<s[2] / 2 {
        for j in 0..<s[3] / 2 {
          let first = (plane * s[2] + 2 * i) * s[3] + 2 * j
          y.append(max(max(a[first], a[first + 1]), max(a[first + s[3]], a[first + s[3] + 1])))
        }
      }
    }
    return Tensor(y, shape: [s[0], s[1], s[2] / 2, s[3] / 2])
  }
}

@Suite struct ONNXTests {
  /// An encoder whose parameters and statistics all differ from their defaults.
  static func encoder(_ architecture: any Architecture, _ shape: [Int]) throws -> Encoder {
    var encoder = try architecture.makeEncoder(
      inputShape: shape, random: Random(seed: 1), at: "test")
    var random = Random(seed: 2)
    func shake(_ name: String, _ tensor: inout Tensor) {
      let noise = Tensor(uniform: tensor.shape, bound: 0.3, dtype: .float32, random: &random)
      tensor = tensor.detached + noise
    }
    encoder.updateParameters(shake)
    encoder.updateStatistics(shake)
    return encoder
  }

  @Test(arguments: [
    ("linear", [12]), ("linear", [6, 6, 1]), ("adapter", [80]), ("mlp", [5, 7, 3]), ("mlp", [9]),
    ("conv4", [17, 16, 3]),
  ])
  func computesWhatTheEncoderComputes(name: String, shape: [Int]) throws {
    var architecture: any Architecture = try allArchitectures.named(name, kind: "", at: "")
    if var smaller = architecture as? Conv4 {
      (smaller.width, smaller.blocks) = (5, 3)
      architecture = smaller
    }
    let encoder = try ONNXTests.encoder(architecture, shape)
    let written = try encoder.onnxModel(metadata: ["metric": "cosine", "ünï": "\n"])
    let read = try ONNXModel(try written.bytes(), at: "test")
    #expect(read == written)
    for batch in [1, 3] {
      var random = Random(seed: 3)
      let items = Tensor(
        uniform: [batch] + shape, bound: 1, dtype: .float32, random: &random)
      let ours = encoder.embed(items).elements(as: Float.self)
      let theirs = ONNXInterpreter(model: read).embeddings(of: items)
      #expect(theirs.shape == [batch, encoder.embeddingSize])
      let largest = zip(ours, theirs.elements(as: Float.self)).map { abs($0 - $1) }.max() ?? 1
      #expect(largest < 1e-5, "\(largest)")
    }
  }

  /// An engine would give nothing but NaN.
  @Test func weightsThatAreNoNumbersAreRefused() throws {
    var encoder = try ONNXTests.encoder(MLP(), [4])
    encoder.updateParameters { _, parameter in
      parameter.updateElements(of: Float.self) { $0[0] = .nan }
    }
    #expect(throws: Failure.self) { try encoder.onnxModel().bytes() }
  }

  @Test func damagedFilesAreRefused() throws {
    let encoder = try ONNXTests.encoder(MLP(), [4])
    let bytes = try encoder.onnxModel().bytes()
    for count in stride(from: 0, to: min(bytes.count, 600), by: 7) {
      #expect(throws: Failure.self) { try ONNXModel(Array(bytes.prefix(count)), at: "cut") }
    }
    var random = Random(seed: 4)
    for _ in 0..<300 {
      var damaged = Array(bytes.prefix(700))
      damaged[random.below(700)] = UInt8(random.below(256))
      _ = try? ONNXModel(damaged, at: "damaged")
    }
  }

  @Test(arguments: [Float.nan, .infinity], [("linear", [4]), ("conv4", [16, 16, 1])])
  func weightsThatAreNoNumbersAreRefused(bad: Float, model: (name: String, shape: [Int])) throws {
    var encoder = try ONNXTests.encoder(
      try allArchitectures.named(model.name, kind: "", at: ""), model.shape)
    encoder.updateParameters { name, tensor in
      guard name.hasSuffix("weight") else { return }
      tensor.updateElements(of: Float.self) { $0[$0.count - 1] = bad }
    }
    let failure = #expect(throws: Failure.self) { try encoder.onnxModel() }
    #expect(failure?.kind == .badData && failure?.description.contains("weight") == true)
  }

  @Test func aResidualIsOneMatrix() throws {
    let encoder = try ONNXTests.encoder(Adapter(), [6])
    let residual = try #require(encoder.layers[1].value as? LowRankResidual)
    var random = Random(seed: 5)
    let x = Tensor(normal: [4, 6], deviation: 1, dtype: .float32, random: &random)
    var pass = Pass(isTraining: false)
    let expected = residual(x, in: &pass).elements(as: Float.self)
    let found = x.timesTransposed(residual.matrix).elements(as: Float.self)
    #expect(zip(expected, found).allSatisfy { abs($0 - $1) < 1e-5 })
  }
}
