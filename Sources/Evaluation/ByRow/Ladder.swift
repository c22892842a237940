import Autodiff

/// Sorted numbers with a table over their range, to look up positions in about constant time.
package struct Ladder<S: Scalar> {
  private(set) var values: [S] = []
  /// For each of equal parts of the range: how many values lie in the parts before it.
  private var starts: [Int32] = []
  private var low: S = 0
  private var scale: S = 0

  package init() {}

  private var partsPerValue = 1

  /// - Parameters:
  ///   - values: finite numbers in ascending order.
  ///   - partsPerValue: with more, fewer values share a part of the table.
  package init(_ values: [S], partsPerValue: Int = 1) {
    (self.values, self.partsPerValue) = (values, partsPerValue)
    rebuildTable()
  }

  /// Takes new values, reusing memory; `body` writes them in ascending order.
  package mutating func replaceValues(_ body: (inout [S]) -> Void) {
    body(&values)
    rebuildTable()
  }

  private mutating func rebuildTable() {
    precondition(values.count < Int(Int32.max), "Ladder: \(values.count) values are too many")
    starts.removeAll(keepingCapacity: true)
    guard let first = values.first, let last = values.last else { return }
    let parts = Swift.max(4, values.count * partsPerValue)
    low = first
    let perUnit = S(parts) / (last - first)
    scale = last > first && perUnit.isFinite ? perUnit : 0
    for (i, value) in values.enumerated() {
      let part = self.part(value, of: parts)
      while starts.count <= part { starts.append(Int32(i)) }
    }
    while starts.count <= parts { starts.append(Int32(values.count)) }
  }

  @inline(__always)
  private func part(_ value: S, of parts: Int) -> Int {
    // Rounding keeps the order, so a value in an earlier part is a smaller value.
    Swift.min(parts - 1, Int((value - low) * scale))
  }

  /// Σ over the finite numbers of a line of 2 · (values below) + (values equal).
  package func twiceBelow(_ kernels: LineKernels<S>, _ x: UnsafePointer<S>, _ count: Int) -> Int {
    withTable { kernels.twiceBelow(x, count, $0) } ?? 0
  }

  /// Calls `body` with the table as kernels read it; not if there are no values.
  package func withTable<Result>(_ body: (LineKernels<S>.LadderTable) -> Result) -> Result? {
    values.withUnsafeBufferPointer { values in
      starts.withUnsafeBufferPointer { starts in
        guard !values.isEmpty else { return nil }
        return LineKernels.ladder(values: values, starts: starts, low: low, scale: scale).map(body)
      }
    }
  }

  /// How many values are less than `x`.
  @inline(__always)
  package func countBelow(_ x: S) -> Int {
    values.withUnsafeBufferPointer { values in
      guard let first = values.first, x > first else { return 0 }
      guard x <= values[values.count - 1] else { return values.count }
      return starts.withUnsafeBufferPointer { starts in
        let part = self.part(x, of: starts.count - 1)
        var (below, above) = (Int(starts[part]), Int(starts[part + 1]))
        while above - below > 8 {
          let middle = (below + above) / 2
          if values[middle] < x { below = middle + 1 } else { above = middle }
        }
        while below < above, values[below] < x { below += 1 }
        return below
      }
    }
  }
}
