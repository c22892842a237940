/// What the header of a lossy frame tells beside its size.
struct VP8Header {
  /// The quantizers of one segment: direct coefficients and others.
  struct Quantizers {
    var luma = (0, 0)
    /// Of the block of direct coefficients of luma.
    var second = (0, 0)
    var chroma = (0, 0)
  }

  private(set) var usesSegments = false
  private(set) var updatesMap = false
  private(set) var segmentProbabilities: [UInt8] = [255, 255, 255]
  private var areAbsolute = true
  private var segmentQuantizers = [0, 0, 0, 0]
  private var segmentLevels = [0, 0, 0, 0]

  private(set) var isSimpleFilter = false
  private(set) var level = 0
  private(set) var sharpness = 0
  private var usesDeltas = false
  private var referenceDelta = 0
  private var modeDelta = 0

  let partCount: Int
  private(set) var quantizers: [Quantizers] = []
  /// For each of 4 kinds of block, 8 bands and 3 contexts, 11 probabilities.
  private(set) var probabilities = VP8Tables.coefficients
  /// The probability of blocks without coefficients, if they are told.
  let skip: UInt8?

  init(_ bits: inout VP8Bits) {
    // The colour space and how samples are cut change nothing.
    _ = bits.take(2)
    usesSegments = bits.flag()
    if usesSegments {
      updatesMap = bits.flag()
      if bits.flag() {
        areAbsolute = bits.flag()
        for index in 0..<4 { segmentQuantizers[index] = bits.optional(7) }
        for index in 0..<4 { segmentLevels[index] = bits.optional(6) }
      }
      if updatesMap {
        for index in 0..<3 { segmentProbabilities[index] = bits.flag() ? UInt8(bits.take(8)) : 255 }
      }
    }
    isSimpleFilter = bits.flag()
    level = bits.take(6)
    sharpness = bits.take(3)
    usesDeltas = bits.flag()
    if usesDeltas, bits.flag() {
      // Of the references and modes, a key frame knows only the first.
      for index in 0..<8 where bits.flag() {
        let delta = bits.signed(6)
        if index == 0 { referenceDelta = delta }
        if index == 4 { modeDelta = delta }
      }
    }
    partCount = 1 << bits.take(2)
    let base = bits.take(7)
    let deltas = (0..<5).map { _ in bits.optional(4) }
    // Whether the probabilities are kept for later frames.
    _ = bits.flag()
    for index in probabilities.indices where bits.bit(VP8Tables.updates[index]) {
      probabilities[index] = UInt8(bits.take(8))
    }
    skip = bits.flag() ? UInt8(bits.take(8)) : nil
    quantizers = (0..<4).map { segment in
      quantizers(segment, base: base, deltas: deltas)
    }
  }

  private func quantizers(_ segment: Int, base: Int, deltas: [Int]) -> Quantizers {
    var index = base
    if usesSegments { index = segmentQuantizers[segment] + (areAbsolute ? 0 : base) }
    func direct(_ delta: Int, most: Int = 127) -> Int {
      Int(VP8Tables.direct[max(0, min(most, index + delta))])
    }
    func other(_ delta: Int) -> Int {
      Int(VP8Tables.alternating[max(0, min(127, index + delta))])
    }
    return Quantizers(
      luma: (direct(deltas[0]), other(0)),
      second: (2 * direct(deltas[1]), max(8, (other(deltas[2]) * 101_581) >> 16)),
      chroma: (direct(deltas[3], most: 117), other(deltas[4])))
  }

  /// How strongly the edges of macroblocks are smoothed; 0 for not at all.
  func filterLevel(segment: Int, isSmall: Bool) -> Int {
    guard level > 0 else { return 0 }
    var value = level
    if usesSegments { value = segmentLevels[segment] + (areAbsolute ? 0 : level) }
    if usesDeltas {
      value += referenceDelta
      if isSmall { value += modeDelta }
    }
    return max(0, min(63, value))
  }
}
