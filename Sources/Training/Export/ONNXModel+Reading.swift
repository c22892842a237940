import Files
import Settings

extension ONNXModel {
  public static func read(_ path: String) throws(Failure) -> ONNXModel {
    try ONNXModel(try FileSystem.read(path), at: path)
  }

  /// Reads a model of the kind that ``bytes()`` writes.
  ///
  /// - Parameter place: the file that the bytes came from, for messages.
  /// - Throws: unless every operator comes after what it reads and every length fits.
  public init(_ bytes: [UInt8], at place: String) throws(Failure) {
    let fields = try ProtobufField.all(in: bytes, at: place)
    guard let graph = fields.first(where: { $0.number == 7 }) else {
      throw Failure(
        .badData, at: place, "there is no graph of operators",
        remedy: "this is not an ONNX model, or it is cut short")
    }
    var (input, output): (Value?, Value?)
    var (nodes, constants): ([Node], [Constant]) = ([], [])
    for field in try graph.fields() {
      switch field.number {
      case 1: nodes.append(try Node(field))
      case 5: constants.append(try Constant(field, at: place))
      case 11: input = try Value(field, at: place)
      case 12: output = try Value(field, at: place)
      default: break
      }
    }
    guard let input, let output else {
      throw Failure(.badData, at: place, "the graph has no input or no output")
    }
    self.init(input: input, output: output)
    (self.nodes, self.constants) = (nodes, constants)
    for field in fields where field.number == 14 {
      var (key, value) = ("", "")
      for part in try field.fields() {
        if part.number == 1 { key = try part.text() }
        if part.number == 2 { value = try part.text() }
      }
      metadata[key] = value
    }
    try checkOrder(at: place)
  }

  private func checkOrder(at place: String) throws(Failure) {
    var known = Set(constants.map(\.name) + [input.name])
    for node in nodes {
      if let missing = node.inputs.first(where: { !known.contains($0) }) {
        throw Failure(
          .badData, at: place, "\(node.operation) reads '\(missing)', which nothing before it makes"
        )
      }
      known.formUnion(node.outputs)
    }
    guard known.contains(output.name) else {
      throw Failure(.badData, at: place, "nothing makes the output '\(output.name)'")
    }
  }
}

extension ONNXModel.Node {
  fileprivate init(_ field: ProtobufField) throws(Failure) {
    self.init(operation: "", inputs: [], outputs: [], attributes: [])
    for part in try field.fields() {
      switch part.number {
      case 1: inputs.append(try part.text())
      case 2: outputs.append(try part.text())
      case 4: operation = try part.text()
      case 5:
        var (name, type, whole, list) = ("", 0, 0, [Int]())
        for item in try part.fields() {
          switch item.number {
          case 1: name = try item.text()
          case 3: whole = try item.whole()
          case 8: list.append(try item.whole())
          case 20: type = try item.whole()
          default: break
          }
        }
        attributes.append(Named(name, type == 7 ? .list(list) : .whole(whole)))
      default: break
      }
    }
  }
}

extension ONNXModel.Constant {
  fileprivate init(_ field: ProtobufField, at place: String) throws(Failure) {
    self.init(name: "", shape: [], values: [])
    var (type, count) = (0, 1)
    var bytes: ArraySlice<UInt8> = []
    for part in try field.fields() {
      switch part.number {
      case 1:
        let length = try part.whole()
        let (product, overflow) = count.multipliedReportingOverflow(by: length)
        guard length >= 0, !overflow else {
          throw Failure(.badData, at: place, "a constant has an axis of length \(length)")
        }
        shape.append(length)
        count = product
      case 2: type = try part.whole()
      case 8: name = try part.text()
      case 9: bytes = try part.bytes()
      default: break
      }
    }
    guard type == ONNXModel.float32, bytes.count % 4 == 0, bytes.count / 4 == count else {
      throw Failure(
        .badData, at: "\(place): constant '\(name)'",
        "\(bytes.count) bytes of type \(type) are given", expected: "\(count) float32 numbers")
    }
    values = [Float](unsafeUninitializedCapacity: count) { values, filled in
      UnsafeMutableRawBufferPointer(values).copyBytes(from: bytes)
      filled = count
    }
  }
}

extension ONNXModel.Value {
  fileprivate init(_ field: ProtobufField, at place: String) throws(Failure) {
    self.init(name: "", itemShape: [])
    for part in try field.fields() {
      if part.number == 1 { name = try part.text() }
      guard part.number == 2 else { continue }
      for type in try part.fields() where type.number == 1 {
        for shape in try type.fields() where shape.number == 2 {
          for dimension in try shape.fields() where dimension.number == 1 {
            for length in try dimension.fields() where length.number == 1 {
              itemShape.append(try length.whole())
            }
          }
        }
      }
    }
  }
}
