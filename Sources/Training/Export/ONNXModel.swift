import Files
import Settings

/// A model as ONNX describes it: operators in the order in which they run, and their constants.
///
/// Written for format 8 and operator set 17, which runtimes since 2022 read. One input and one
/// output, whose first axis is the batch and may have any length.
/// Source: the ONNX specification (`onnx.proto`), github.com/onnx/onnx.
public struct ONNXModel: Sendable, Equatable {
  /// An operator with the names of the values that it reads and writes.
  public struct Node: Sendable, Equatable {
    public enum Attribute: Sendable, Equatable {
      case whole(Int)
      case list([Int])
    }

    public var operation: String
    public var inputs, outputs: [String]
    /// By name, in the order in which they are written.
    public var attributes: [Named<Attribute>]

    public static func == (a: Node, b: Node) -> Bool {
      (a.operation, a.inputs, a.outputs) == (b.operation, b.inputs, b.outputs)
        && a.attributes.map(\.name) == b.attributes.map(\.name)
        && a.attributes.map(\.value) == b.attributes.map(\.value)
    }
  }

  /// A constant.
  public struct Constant: Sendable, Equatable {
    public var name: String
    public var shape: [Int]
    public var values: [Float]

    /// Equal bit by bit, so that a constant that is no number equals itself.
    public static func == (a: Constant, b: Constant) -> Bool {
      a.name == b.name && a.shape == b.shape
        && a.values.elementsEqual(b.values) { $0.bitPattern == $1.bitPattern }
    }
  }

  /// The input or the output: its name and the lengths that follow the batch.
  public struct Value: Sendable, Equatable {
    public var name: String
    public var itemShape: [Int]
  }

  public var nodes: [Node] = []
  public var constants: [Constant] = []
  public var input, output: Value
  public var metadata: [String: String] = [:]

  public init(input: Value, output: Value) { (self.input, self.output) = (input, output) }
}

extension ONNXModel {
  static let (format, operatorSet) = (8, 17)
  static let float32 = 1
  /// Protocol Buffers read no longer message than this.
  private static let largestFile = 0x7FFF_FFFF

  /// The bytes of the file, read again and compared before they are returned.
  ///
  /// - Throws: if the model is too large for one file.
  public func bytes() throws(Failure) -> [UInt8] {
    let numbers = constants.reduce(0) { $0 + $1.values.count }
    guard numbers < ONNXModel.largestFile / 4 - (1 << 20) else {
      throw Failure(
        .badData, at: "onnx", "the model has \(numbers) parameters",
        expected: "less than 2 GiB of them, as Protocol Buffers demand",
        remedy: "export it with --format safetensors")
    }
    var writer = ProtobufWriter()
    writer.whole(1, ONNXModel.format)
    writer.text(2, "kindred")
    writer.text(3, kindredVersion)
    writer.message(7) { graph in
      for (i, node) in nodes.enumerated() {
        graph.message(1) { ONNXModel.write(node, named: "\(node.operation)\(i + 1)", to: &$0) }
      }
      graph.text(2, "encoder")
      for constant in constants { graph.message(5) { ONNXModel.write(constant, to: &$0) } }
      graph.message(11) { ONNXModel.write(input, to: &$0) }
      graph.message(12) { ONNXModel.write(output, to: &$0) }
    }
    writer.message(8) {
      $0.text(1, "")
      $0.whole(2, ONNXModel.operatorSet)
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      writer.message(14) {
        $0.text(1, key)
        $0.text(2, value)
      }
    }
    let again = try ONNXModel(writer.bytes, at: "onnx")
    precondition(again == self, "ONNXModel: what was written reads back as another model")
    return writer.bytes
  }

  private static func write(_ node: Node, named name: String, to writer: inout ProtobufWriter) {
    for input in node.inputs { writer.text(1, input) }
    for output in node.outputs { writer.text(2, output) }
    writer.text(3, name)
    writer.text(4, node.operation)
    for attribute in node.attributes {
      writer.message(5) {
        $0.text(1, attribute.name)
        // The last field says which of the others holds the value.
        switch attribute.value {
        case .whole(let value):
          $0.whole(3, value)
          $0.whole(20, 2)
        case .list(let values):
          for value in values { $0.whole(8, value) }
          $0.whole(20, 7)
        }
      }
    }
  }

  private static func write(_ constant: Constant, to writer: inout ProtobufWriter) {
    for length in constant.shape { writer.whole(1, length) }
    writer.whole(2, float32)
    writer.text(8, constant.name)
    constant.values.withUnsafeBytes { writer.bytes(9, $0) }
  }

  private static func write(_ value: Value, to writer: inout ProtobufWriter) {
    writer.text(1, value.name)
    writer.message(2) { type in
      type.message(1) { tensor in
        tensor.whole(1, float32)
        tensor.message(2) { shape in
          shape.message(1) { $0.text(2, "batch") }
          for length in value.itemShape { shape.message(1) { $0.whole(1, length) } }
        }
      }
    }
  }
}
