import Settings

/// The part of one component in a scan.
struct JPEGScanPart {
  let component: Int
  let direct: JPEGCode?
  let alternating: JPEGCode?
  /// The last direct coefficient, which the next is told relative to.
  var prediction: Int32 = 0
}

/// What a scan brings: which coefficients, and which of their bits.
struct JPEGScan {
  enum Kind { case sequential, firstDirect, refinedDirect, first, refined }

  let kind: Kind
  var parts: [JPEGScanPart]
  /// The first and the last coefficient, in the order of the zigzag.
  let band: ClosedRange<Int>
  /// The lowest bit that comes.
  let shift: Int32
  /// How many blocks after this one have nothing more in this scan.
  var blocksToSkip = 0

  /// Reads the header of a scan and prepares its codes.
  init(_ data: UnsafeBufferPointer<UInt8>, _ reader: inout JPEGReader) throws(Failure) {
    guard let frame = reader.frame else { throw reader.failure("a scan before the frame") }
    guard data.count >= 1, (1...4).contains(data[0]), data.count == 4 + 2 * Int(data[0]) else {
      throw reader.failure("a damaged scan header")
    }
    guard !frame.isComplete else { throw reader.failure("a scan after the last") }
    let count = Int(data[0])
    let (first, last) = (Int(data[1 + 2 * count]), Int(data[2 + 2 * count]))
    let (high, low) = (Int(data[3 + 2 * count] >> 4), Int(data[3 + 2 * count] & 15))
    if frame.isProgressive {
      let isLawful = first == 0 ? last == 0 : first <= last && last <= 63 && count == 1
      guard isLawful, low <= 13, high == 0 || low == high - 1 else {
        throw reader.failure("a scan of coefficients \(first) to \(last), bits \(high) to \(low)")
      }
      kind =
        first == 0
        ? (high == 0 ? .firstDirect : .refinedDirect) : high == 0 ? .first : .refined
      (band, shift) = (first...last, Int32(low))
    } else {
      (kind, band, shift) = (.sequential, 0...63, 0)
    }
    parts = []
    for index in 0..<count {
      let (identifier, tables) = (data[1 + 2 * index], data[2 + 2 * index])
      let used = parts.map(\.component)
      guard
        let component = frame.components.indices.first(where: {
          frame.components[$0].identifier == identifier && !used.contains($0)
        })
      else { throw reader.failure("a scan of component \(identifier), which the frame lacks") }
      let needsDirect = kind == .sequential || kind == .firstDirect
      let needsOthers = kind == .sequential || kind == .first || kind == .refined
      parts.append(
        JPEGScanPart(
          component: component,
          direct: needsDirect
            ? try reader.code(isDirect: true, Int(tables >> 4), mayBeUsual: kind == .sequential)
            : nil,
          alternating: needsOthers
            ? try reader.code(isDirect: false, Int(tables & 15), mayBeUsual: kind == .sequential)
            : nil))
      try reader.latchQuantizer(component)
    }
  }
}

extension JPEGReader {
  fileprivate func code(
    isDirect: Bool, _ index: Int, mayBeUsual: Bool
  ) throws(Failure) -> JPEGCode {
    guard index < 4 else { throw failure("Huffman table \(index)", expected: "0 to 3") }
    let known = isDirect ? codes.direct[index] : codes.alternating[index]
    let usual = mayBeUsual ? JPEGCodes.usual(isDirect: isDirect, index: index) : nil
    guard let definition = known ?? usual else {
      throw failure("Huffman table \(index) is used and not there")
    }
    guard let code = JPEGCode(definition, isDirect: isDirect) else {
      throw failure("an impossible Huffman code")
    }
    return code
  }

  fileprivate mutating func latchQuantizer(_ index: Int) throws(Failure) {
    guard let component = frame?.components[index], component.quantizer == nil else { return }
    let table = component.quantizerIndex
    guard table < 4, let quantizer = quantizers[table] else {
      throw failure("quantizers \(table) are used and not there")
    }
    frame?.components[index].quantizer = quantizer
  }

  /// Reads a scan: its header, whose content is `data`, and the bits behind it.
  mutating func readScan(_ data: UnsafeBufferPointer<UInt8>) throws(Failure) {
    var scan = try JPEGScan(data, &self)
    guard var frame else { return }
    if !frame.hasScan {
      // A picture that comes in one scan needs no room for its coefficients.
      let isWhole = !frame.isProgressive && scan.parts.count == frame.components.count
      frame.isComplete = isWhole
      for index in frame.components.indices {
        frame.components[index].plane = JPEGPlane(
          frame.components[index], keepsCoefficients: !isWhole)
      }
      self.frame = frame
    }
    try readUnits(&scan, frame)
  }
}
