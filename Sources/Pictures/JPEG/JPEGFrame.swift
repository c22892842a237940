import Settings

/// The size of a JPEG picture and what its components are.
struct JPEGFrame {
  /// One of the planes that the picture is made of.
  struct Component {
    let identifier: UInt8
    /// Blocks across and down in a unit of an interleaved scan.
    let across, down: Int
    let quantizerIndex: Int
    /// Blocks that are stored, up to whole units.
    var blocksAcross = 0
    var blocksDown = 0
    /// Blocks that a scan of this component alone codes.
    var ownBlocksAcross = 0
    var ownBlocksDown = 0
    /// Samples along an edge of a decoded block: 8, or less for a reduced picture.
    var blockSize = 8
    /// The samples that count, of the plane of decoded blocks.
    var width = 0
    var height = 0
    /// What coefficients are multiplied by: the table that stood at the first scan.
    var quantizer: [UInt16]?
    /// The memory of the coefficients and samples; nil before the first scan.
    var plane: JPEGPlane?

    var stride: Int { blocksAcross * blockSize }
  }

  let isProgressive: Bool
  /// The picture's own size.
  let fullWidth, fullHeight: Int
  /// The size that it is decoded to.
  let width, height: Int
  /// Samples along an edge of a block of the component with the most samples.
  let blockSize: Int
  var components: [Component]
  /// The largest `across` and `down` of the components.
  let across, down: Int
  let unitsAcross, unitsDown: Int
  var hasScan: Bool { components[0].plane != nil }
  /// Whether one scan has brought all of a sequential picture, so that no other may follow.
  var isComplete = false

  init(
    _ data: UnsafeBufferPointer<UInt8>, marker: UInt8, reader: JPEGReader
  ) throws(Failure) {
    isProgressive = marker == 0xC2
    guard data.count >= 6, data.count == 6 + 3 * Int(data[5]) else {
      throw reader.failure("a damaged frame header")
    }
    guard data[0] == 8 else {
      throw reader.failure(
        "JPEG pictures of \(data[0]) bits are not read", expected: "8 bits a sample",
        remedy: "convert it to a PNG of 16 bits")
    }
    fullHeight = Int(data[1]) << 8 | Int(data[2])
    fullWidth = Int(data[3]) << 8 | Int(data[4])
    // Even the flattest progressive picture spends a bit on each block.
    try PictureSize.check(
      fullWidth, fullHeight, fileBytes: reader.bytes.count, packing: 2048, at: reader.place)
    guard fullWidth * fullHeight <= reader.mostPixels else {
      throw reader.failure(
        "\(fullWidth) x \(fullHeight) pixels", expected: "at most \(reader.mostPixels)")
    }
    guard [1, 3, 4].contains(data[5]) else {
      throw reader.failure("\(data[5]) components", expected: "1, 3 or 4")
    }
    components = (0..<Int(data[5])).map { index in
      Component(
        identifier: data[6 + 3 * index], across: Int(data[7 + 3 * index] >> 4),
        down: Int(data[7 + 3 * index] & 15), quantizerIndex: Int(data[8 + 3 * index]))
    }
    for component in components {
      guard (1...4).contains(component.across), (1...4).contains(component.down) else {
        throw reader.failure(
          "a sampling of \(component.across) x \(component.down)", expected: "1 to 4 both ways")
      }
    }
    across = components.map(\.across).max() ?? 1
    down = components.map(\.down).max() ?? 1
    unitsAcross = (fullWidth + 8 * across - 1) / (8 * across)
    unitsDown = (fullHeight + 8 * down - 1) / (8 * down)
    blockSize = 8 / reader.reduction
    width = (fullWidth * blockSize + 7) / 8
    height = (fullHeight * blockSize + 7) / 8
    for index in components.indices {
      components[index].measure(
        in: (fullWidth, fullHeight), most: (across, down), units: (unitsAcross, unitsDown),
        blockSize: blockSize)
      guard (across * blockSize) % (components[index].across * components[index].blockSize) == 0,
        (down * blockSize) % (components[index].down * components[index].blockSize) == 0
      else {
        throw reader.failure(
          "samplings with a ratio that is not whole", expected: "each a divisor of the largest",
          remedy: "convert it to PNG with another program")
      }
    }
  }
}

extension JPEGFrame.Component {
  fileprivate mutating func measure(
    in size: (width: Int, height: Int), most: (across: Int, down: Int),
    units: (across: Int, down: Int), blockSize least: Int
  ) {
    // Where a reduced picture leaves room, components of few samples are reduced less instead of
    // being widened again.
    blockSize = least
    while blockSize < 8, (most.across * least) % (across * blockSize * 2) == 0,
      (most.down * least) % (down * blockSize * 2) == 0
    {
      blockSize *= 2
    }
    blocksAcross = units.across * across
    blocksDown = units.down * down
    func share(_ extent: Int, _ own: Int, _ most: Int) -> Int {
      (extent * own + most - 1) / most
    }
    ownBlocksAcross = share(size.width, across, 8 * most.across)
    ownBlocksDown = share(size.height, down, 8 * most.down)
    width = share(size.width, across * blockSize, 8 * most.across)
    height = share(size.height, down * blockSize, 8 * most.down)
  }
}

/// The coefficients of a component, where they come in several scans, and its decoded samples.
///
/// A class because the innermost loops read and write its memory by pointer, and it ends with it.
final class JPEGPlane {
  /// All blocks, rows of them, each with its 64 coefficients in rows; nil where a scan brings all.
  let coefficients: UnsafeMutablePointer<Int16>?
  /// `blocksAcross` · `blockSize` samples in a row; at first all of them the middle gray.
  let samples: UnsafeMutablePointer<UInt8>
  /// 64 numbers in rows.
  let quantizer: UnsafeMutablePointer<UInt16>

  init(_ component: JPEGFrame.Component, keepsCoefficients: Bool) {
    let blocks = component.blocksAcross * component.blocksDown
    let count = blocks * component.blockSize * component.blockSize
    samples = .allocate(capacity: count)
    samples.initialize(repeating: 128, count: count)
    quantizer = .allocate(capacity: 64)
    quantizer.initialize(repeating: 1, count: 64)
    if keepsCoefficients {
      let memory = UnsafeMutablePointer<Int16>.allocate(capacity: blocks * 64)
      memory.initialize(repeating: 0, count: blocks * 64)
      coefficients = memory
    } else {
      coefficients = nil
    }
  }

  deinit {
    samples.deallocate()
    quantizer.deallocate()
    coefficients?.deallocate()
  }
}
