import Settings

/// The elements of a `.npy` file, brought to the types that ``NumPyArray`` has.
struct NumPyElements {
  let elements: NumPyArray.Elements

  /// - Parameter data: as many bytes as the elements have.
  init(_ data: ArraySlice<UInt8>, _ header: NumPyHeader, at place: String) throws(Failure) {
    let isBig = header.isBigEndian
    switch header.type {
    case .float16:
      elements = .float32(
        numbers(data, isBig) { (bits: UInt16) in Float(Float16(bitPattern: bits)) })
    case .float32:
      elements = .float32(
        isBig ? numbers(data, isBig) { Float(bitPattern: $0) } : copied(data))
    case .float64:
      elements = .float64(
        isBig ? numbers(data, isBig) { Double(bitPattern: $0) } : copied(data))
    case .int8: elements = .int32(data.map { Int32(Int8(bitPattern: $0)) })
    case .int16: elements = .int32(numbers(data, isBig) { (bits: Int16) in Int32(bits) })
    case .int32: elements = .int32(isBig ? numbers(data, isBig) { $0 } : copied(data))
    case .int64: elements = .int64(isBig ? numbers(data, isBig) { $0 } : copied(data))
    case .uint8: elements = .int32(data.map { Int32($0) })
    case .uint16: elements = .int32(numbers(data, isBig) { (bits: UInt16) in Int32(bits) })
    case .uint32: elements = .int64(numbers(data, isBig) { (bits: UInt32) in Int64(bits) })
    case .uint64: elements = .uint64(isBig ? numbers(data, isBig) { $0 } : copied(data))
    case .bool: elements = .int32(data.map { $0 == 0 ? 0 : 1 })
    case .text(let length):
      var texts: [String] = []
      let points: [UInt32] = numbers(data, isBig) { $0 }
      for index in 0..<(MemoryBudget.product(header.shape) ?? 0) {
        var text = String.UnicodeScalarView()
        for point in points[index * length..<(index + 1) * length].withoutPadding {
          guard let scalar = Unicode.Scalar(point) else {
            throw Failure(
              .badData, at: place, "element \(index) is no text", remedy: "the file is damaged")
          }
          text.append(scalar)
        }
        texts.append(String(text))
      }
      elements = .text(texts)
    case .bytes(let length):
      var texts: [String] = []
      for index in 0..<(MemoryBudget.product(header.shape) ?? 0) {
        let start = data.startIndex + index * length
        guard
          let text = String(validating: data[start..<start + length].withoutPadding, as: UTF8.self)
        else {
          throw Failure(
            .badData, at: place, "element \(index) is not UTF-8", expected: "UTF-8 text",
            remedy: "save np.char.decode(array, 'latin1')")
        }
        texts.append(text)
      }
      elements = .text(texts)
    }
  }
}

extension Collection where Element: BinaryInteger, Self: BidirectionalCollection {
  /// Without the zeros that NumPy fills short texts with.
  fileprivate var withoutPadding: SubSequence {
    self[startIndex..<(lastIndex { $0 != 0 }.map { index(after: $0) } ?? startIndex)]
  }
}

extension NumPyArray.Elements {
  /// Elements whose first index runs fastest in the order in which the last does.
  func inCOrder(_ shape: [Int]) -> NumPyArray.Elements {
    guard shape.count > 1, count > 0 else { return self }
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    func reordered<T>(_ values: [T]) -> [T] {
      var (index, source) = ([Int](repeating: 0, count: shape.count), 0)
      return values.indices.map { _ in
        let value = values[source]
        var axis = shape.count - 1
        index[axis] += 1
        source += strides[axis]
        while axis > 0, index[axis] == shape[axis] {
          source -= strides[axis] * shape[axis]
          index[axis] = 0
          axis -= 1
          index[axis] += 1
          source += strides[axis]
        }
        return value
      }
    }
    switch self {
    case .float32(let values): return .float32(reordered(values))
    case .float64(let values): return .float64(reordered(values))
    case .int32(let values): return .int32(reordered(values))
    case .int64(let values): return .int64(reordered(values))
    case .uint64(let values): return .uint64(reordered(values))
    case .text(let values): return .text(reordered(values))
    }
  }
}

extension NumPyArray {
  /// All elements as float32; zeros for texts.
  var doubles: [Double] {
    switch elements {
    case .float32(let values): values.map { Double($0) }
    case .float64(let values): values
    case .int32(let values): values.map { Double($0) }
    case .int64(let values): values.map { Double($0) }
    case .uint64(let values): values.map { Double($0) }
    case .text(let values): [Double](repeating: 0, count: values.count)
    }
  }

  var floats: [Float] {
    switch elements {
    case .float32(let values): values
    case .float64(let values): values.map { Float($0) }
    case .int32(let values): values.map { Float($0) }
    case .int64(let values): values.map { Float($0) }
    case .uint64(let values): values.map { Float($0) }
    case .text(let values): [Float](repeating: 0, count: values.count)
    }
  }
}

/// The elements that lie in `data`, which need not be aligned for them.
private func copied<T: BitwiseCopyable>(_ data: ArraySlice<UInt8>) -> [T] {
  let count = data.count / MemoryLayout<T>.stride
  return [T](unsafeUninitializedCapacity: count) { buffer, written in
    data.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
    written = count
  }
}

/// The numbers that lie in `data` in either order of their bytes.
private func numbers<Bits: FixedWidthInteger & BitwiseCopyable, T>(
  _ data: ArraySlice<UInt8>, _ isBig: Bool, _ number: (Bits) -> T
) -> [T] {
  data.withUnsafeBytes { bytes in
    (0..<bytes.count / MemoryLayout<Bits>.size).map { index in
      let bits = bytes.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
      return number(isBig ? Bits(bigEndian: bits) : Bits(littleEndian: bits))
    }
  }
}
