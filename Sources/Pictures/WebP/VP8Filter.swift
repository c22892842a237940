/// Smooths the edges of blocks, macroblock after macroblock.
///
/// Source: RFC 6386, section 15.
struct VP8Filter {
  private let header: VP8Header
  private let planes: VP8Planes

  /// How an edge is smoothed.
  private struct Strength {
    /// The largest step over the edge that is taken for an artefact.
    var edge = 0
    /// The largest step beside it.
    var inner = 0
    /// Steps larger than this are detail, which is kept.
    var detail = 0
  }

  init(_ header: VP8Header, _ planes: VP8Planes) {
    (self.header, self.planes) = (header, planes)
  }

  func smooth(_ blocks: [VP8Frame.Macroblock]) {
    guard header.level > 0 else { return }
    for row in 0..<planes.down {
      for column in 0..<planes.across {
        let block = blocks[row * planes.across + column]
        let level = header.filterLevel(segment: block.segment, isSmall: block.isSmall)
        guard level > 0 else { continue }
        var inner = level
        if header.sharpness > 0 {
          inner >>= header.sharpness > 4 ? 2 : 1
          inner = min(inner, 9 - header.sharpness)
        }
        inner = max(inner, 1)
        let strength = Strength(
          edge: 2 * level + inner, inner: inner, detail: level >= 40 ? 2 : level >= 15 ? 1 : 0)
        smooth(block, strength, column: column, row: row)
      }
    }
  }

  private func smooth(
    _ block: VP8Frame.Macroblock, _ strength: Strength, column: Int, row: Int
  ) {
    var outer = strength
    outer.edge += 4
    let stride = planes.lumaStride
    let luma = planes.y + row * 16 * stride + column * 16
    let chroma = [planes.u, planes.v].map {
      $0 + row * 8 * planes.chromaStride + column * 8
    }
    // Edges that stand come before those that lie, and outer ones before those within.
    for (isStanding, isAtEdge) in [(true, column > 0), (false, row > 0)] {
      let (across, along) = isStanding ? (1, stride) : (stride, 1)
      let (chromaAcross, chromaAlong) =
        isStanding ? (1, planes.chromaStride) : (planes.chromaStride, 1)
      if isAtEdge {
        smooth(luma, across, along, count: 16, outer, isOuter: true)
        if !header.isSimpleFilter {
          for plane in chroma {
            smooth(plane, chromaAcross, chromaAlong, count: 8, outer, isOuter: true)
          }
        }
      }
      guard block.hasInnerEdges else { continue }
      for index in 1..<4 {
        smooth(luma + 4 * index * across, across, along, count: 16, strength, isOuter: false)
      }
      if !header.isSimpleFilter {
        for plane in chroma {
          smooth(
            plane + 4 * chromaAcross, chromaAcross, chromaAlong, count: 8, strength, isOuter: false)
        }
      }
    }
  }

  /// Smooths an edge of `count` pixels.
  ///
  /// - Parameters:
  ///   - start: the first pixel behind the edge.
  ///   - across: the step over the edge.
  ///   - along: the step to the next pixel of the edge.
  private func smooth(
    _ start: UnsafeMutablePointer<UInt8>, _ across: Int, _ along: Int, count: Int,
    _ strength: Strength, isOuter: Bool
  ) {
    let limit = 2 * strength.edge + 1
    for index in 0..<count {
      let p = start + index &* along
      @inline(__always)
      func at(_ place: Int) -> Int { Int(p[place &* across]) }
      let (p1, p0, q0, q1) = (at(-2), at(-1), at(0), at(1))
      guard 4 * abs(p0 - q0) + abs(p1 - q1) <= limit else { continue }
      if header.isSimpleFilter {
        VP8Filter.two(p, across, p1, p0, q0, q1)
        continue
      }
      let inner = strength.inner
      guard abs(at(-4) - at(-3)) <= inner, abs(at(-3) - p1) <= inner, abs(p1 - p0) <= inner,
        abs(at(3) - at(2)) <= inner, abs(at(2) - q1) <= inner, abs(q1 - q0) <= inner
      else { continue }
      if abs(p1 - p0) > strength.detail || abs(q1 - q0) > strength.detail {
        VP8Filter.two(p, across, p1, p0, q0, q1)
      } else if isOuter {
        VP8Filter.six(p, across, at(-3), p1, p0, q0, q1, at(2))
      } else {
        VP8Filter.four(p, across, p1, p0, q0, q1)
      }
    }
  }

  @inline(__always)
  private static func signed(_ value: Int) -> Int { max(-128, min(127, value)) }
  @inline(__always)
  private static func small(_ value: Int) -> Int { max(-16, min(15, value >> 3)) }
  @inline(__always)
  private static func cut(_ value: Int) -> UInt8 { UInt8(max(0, min(255, value))) }

  @inline(__always)
  private static func two(
    _ p: UnsafeMutablePointer<UInt8>, _ across: Int, _ p1: Int, _ p0: Int, _ q0: Int, _ q1: Int
  ) {
    let step = 3 * (q0 - p0) + signed(p1 - q1)
    p[-across] = cut(p0 + small(step + 3))
    p[0] = cut(q0 - small(step + 4))
  }

  @inline(__always)
  private static func four(
    _ p: UnsafeMutablePointer<UInt8>, _ across: Int, _ p1: Int, _ p0: Int, _ q0: Int, _ q1: Int
  ) {
    let step = 3 * (q0 - p0)
    let (near, far) = (small(step + 4), small(step + 3))
    let half = (near + 1) >> 1
    p[-2 * across] = cut(p1 + half)
    p[-across] = cut(p0 + far)
    p[0] = cut(q0 - near)
    p[across] = cut(q1 - half)
  }

  @inline(__always)
  private static func six(
    _ p: UnsafeMutablePointer<UInt8>, _ across: Int, _ p2: Int, _ p1: Int, _ p0: Int, _ q0: Int,
    _ q1: Int, _ q2: Int
  ) {
    let step = signed(3 * (q0 - p0) + signed(p1 - q1))
    let (a1, a2, a3) = ((27 * step + 63) >> 7, (18 * step + 63) >> 7, (9 * step + 63) >> 7)
    p[-3 * across] = cut(p2 + a3)
    p[-2 * across] = cut(p1 + a2)
    p[-across] = cut(p0 + a1)
    p[0] = cut(q0 - a1)
    p[across] = cut(q1 - a2)
    p[2 * across] = cut(q2 - a3)
  }
}
