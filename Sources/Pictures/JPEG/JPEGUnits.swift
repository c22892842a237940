import Settings

/// A component as the innermost loop of a scan sees it.
private struct UnitPart {
  let direct, alternating: JPEGWords?
  /// Blocks across and down in a unit of this scan.
  let across, down: Int
  let blocksAcross: Int
  let coefficients: UnsafeMutablePointer<Int16>?
  let samples: UnsafeMutablePointer<UInt8>
  let blockSize, stride: Int
  let transform: JPEGTransform
  /// The last direct coefficient, which the next is told relative to.
  var prediction: Int32 = 0

  init(_ part: JPEGScanPart, _ component: JPEGFrame.Component, _ plane: JPEGPlane, isAlone: Bool) {
    (direct, alternating) = (part.direct?.words, part.alternating?.words)
    (across, down) = isAlone ? (1, 1) : (component.across, component.down)
    blocksAcross = component.blocksAcross
    (coefficients, samples) = (plane.coefficients, plane.samples)
    (blockSize, stride) = (component.blockSize, component.stride)
    transform = JPEGTransform(component, plane)
  }
}

extension JPEGReader {
  /// Reads the bits of a scan, unit by unit, with restarts between them.
  mutating func readUnits(_ scan: inout JPEGScan, _ frame: JPEGFrame) throws(Failure) {
    let isAlone = scan.parts.count == 1
    // By pointer, as it is read for every block; the codes whose tables it names lie in `scan`.
    let parts = UnsafeMutableBufferPointer<UnitPart>.allocate(capacity: scan.parts.count)
    defer { parts.deallocate() }
    for (index, part) in scan.parts.enumerated() {
      let component = frame.components[part.component]
      guard let plane = component.plane else { return }
      parts.initializeElement(
        at: index, to: UnitPart(part, component, plane, isAlone: isAlone))
    }
    // A component alone codes its own blocks only, without those that fill up units.
    let alone = isAlone ? frame.components[scan.parts[0].component] : nil
    let unitsAcross = alone?.ownBlocksAcross ?? frame.unitsAcross
    let unitsDown = alone?.ownBlocksDown ?? frame.unitsDown

    var bits = JPEGBits(bytes, at: position)
    var restarts = JPEGRestarts(interval: restartInterval)
    defer { position = bits.position }
    let block = UnsafeMutablePointer<Int16>.allocate(capacity: 64)
    defer { block.deallocate() }
    for row in 0..<unitsDown {
      for column in 0..<unitsAcross {
        if restarts.isDue {
          restarts.restart(&bits, bytes)
          scan.blocksToSkip = 0
          for index in parts.indices { parts[index].prediction = 0 }
        }
        restarts.countUnit()
        if bits.isShort {
          guard bits.marker != JPEGBits.endOfFile else {
            throw failure(
              "the file ends near row \(row * frame.fullHeight / unitsDown) of \(frame.fullHeight)",
              remedy: "the picture is cut short")
          }
          // Another marker came too soon: what is missing stays as it is, up to the next restart.
          if restartInterval == 0 { return }
          continue
        }
        for index in parts.indices {
          read(
            &parts[index], row: row, column: column, scan: &scan, bits: &bits, scratch: block)
        }
      }
    }
    guard !bits.isShort || bits.marker != JPEGBits.endOfFile else { throw truncated }
  }

  /// Reads the blocks of one component in a unit.
  @inline(__always)
  private func read(
    _ part: inout UnitPart, row: Int, column: Int, scan: inout JPEGScan, bits: inout JPEGBits,
    scratch: UnsafeMutablePointer<Int16>
  ) {
    for down in 0..<part.down {
      for across in 0..<part.across {
        let (y, x) = (row &* part.down &+ down, column &* part.across &+ across)
        guard let coefficients = part.coefficients else {
          scratch.update(repeating: 0, count: 64)
          let last = bits.readBlock(
            part.direct.unsafelyUnwrapped, part.alternating.unsafelyUnwrapped, &part.prediction,
            into: scratch)
          part.transform(
            scratch, last: last,
            into: part.samples + (y &* part.stride &+ x) &* part.blockSize, stride: part.stride)
          continue
        }
        let block = coefficients + (y &* part.blocksAcross &+ x) &* 64
        switch scan.kind {
        case .sequential:
          _ = bits.readBlock(
            part.direct.unsafelyUnwrapped, part.alternating.unsafelyUnwrapped, &part.prediction,
            into: block)
        case .firstDirect:
          bits.readDirect(part.direct.unsafelyUnwrapped, &part.prediction)
          block[0] = Int16(truncatingIfNeeded: part.prediction &<< scan.shift)
        case .refinedDirect:
          if bits.bit() { block[0] |= Int16(truncatingIfNeeded: 1 &<< scan.shift) }
        case .first: bits.readBand(part.alternating.unsafelyUnwrapped, &scan, into: block)
        case .refined: bits.refineBand(part.alternating.unsafelyUnwrapped, &scan, into: block)
        }
      }
    }
  }
}
