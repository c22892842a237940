import Testing

import Autodiff

/// The kernels of tiles of distances on every instruction set, against loops that say what they do.
@Suite struct TileKernelTests {
  @Test(arguments: InstructionSet.available, [1, 3, 7, 16, 17, 33, 100])
  func fitTheirDefinitions(set: InstructionSet, count: Int) {
    InstructionSet.$chosen.withValue(set) {
      check(count, Float.self)
      check(count, Double.self)
    }
  }

  /// Numbers with many ties, and one that is infinite.
  private func check<S: Scalar>(_ count: Int, _: S.Type) {
    var random = Random(seed: UInt64(count) + 3)
    let kernels = LineKernels<S>()
    var x = (0..<count).map { _ in S(random.below(9)) / 2 }
    if count > 2 { x[1] = .infinity }

    var minima = (0..<count).map { _ in S(random.below(9)) / 2 }
    let lesser = zip(minima, x).map { min($0, $1) }
    var least: S = -1
    kernels.minima(&minima, least: &least, x, count)
    #expect(minima == lesser && least == x.min())

    // Matches before, within and behind the line.
    let (values, first): ([S], Int) = ([0, 0.5, 1, 1, 2, 4, 4], 5)
    let matches = [2, 5, 6, 5 + count / 2, 4 + count, 5 + count, 500].map { Int32($0) }
    var counts = [Int32](repeating: 1, count: values.count)
    kernels.countNearer(&counts, values, matches, values.count, x, first: first, count)
    for (k, value) in values.enumerated() {
      let before = x.indices.count {
        x[$0] < value || x[$0] == value && first + $0 < Int(matches[k])
      }
      #expect(Int(counts[k]) == 1 + before, "match \(k)")
    }

    let cellCount = 1 << (31 - LineKernels<S>.cellShift)
    func cell(_ value: S) -> Int {
      Int(Float(value).bitPattern >> UInt32(LineKernels<S>.cellShift))
    }
    var cells = [UInt32](repeating: 0, count: cellCount)
    var marks = [UInt8](repeating: 0, count: cell(2) + 1)
    for value: S in [0, 1, 2] { marks[cell(value)] = 1 }
    var places = [Int32](repeating: 0, count: count)
    var roots = 2.0
    var near = places
    let (found, within) = kernels.countCells(
      &cells, &places, near: &near, roots: &roots, x, marks, marked: marks.count,
      nearCells: cell(0.5) + 1, countsAll: true, count)
    #expect(near.prefix(within).map(Int.init) == x.indices.filter { x[$0] <= 0.5 })
    let marked = x.indices.filter { [0, 1, 2].contains(x[$0]) }
    #expect(places.prefix(found).map(Int.init) == marked)
    #expect(Set(x).allSatisfy { value in Int(cells[cell(value)]) == x.count { $0 == value } })
    #expect(cells.reduce(0) { $0 + Int($1) } == count)
    let sum = x.filter(\.isFinite).reduce(2) { $0 + Double($1).squareRoot() }
    #expect(abs(roots - sum) <= 1e-12 * sum)
    // Only the cells of marks.
    var fewer = [UInt32](repeating: 0, count: cellCount)
    _ = kernels.countCells(
      &fewer, &places, near: &near, roots: &roots, x, marks, marked: marks.count,
      nearCells: cell(0.5) + 1, countsAll: false, count)
    #expect(fewer[...cell(2)] == cells[...cell(2)])
    #expect(fewer.reduce(0) { $0 + Int($1) } == x.count { $0 <= 2 })

    // Two of three cells hold values, the last of them two equal ones; one bin is counted exactly.
    let ascending: [S] = [1, 2, 2]
    let padding = [S](repeating: .infinity, count: LineKernels<S>.gapPadding)
    var numbers = [Int32](repeating: -1, count: cellCount)
    (numbers[cell(1)], numbers[cell(2)]) = (0, 1)
    var bins = [Int32](repeating: -1, count: 1 << 17)
    bins[Int(Float(0).bitPattern >> 14)] = 0
    var gaps = [UInt32](repeating: 0, count: 2 * ascending.count + 2)
    var exact = [UInt32](repeating: 0, count: 1 << 14)
    let firsts: [Int32] = [0, 1, 3]
    (ascending + padding).withUnsafeBufferPointer { values in
      numbers.withUnsafeBufferPointer { numbers in
        firsts.withUnsafeBufferPointer { firsts in
          bins.withUnsafeBufferPointer { bins in
            guard let values = values.baseAddress, let numbers = numbers.baseAddress,
              let firsts = firsts.baseAddress, let bins = bins.baseAddress
            else { return }
            let table = LineKernels<S>.gaps(
              values: values, cells: numbers, firsts: firsts, bins: bins)
            kernels.countGaps(&gaps, exact: &exact, x, places, found, table)
          }
        }
      }
    }
    // Equal to the first of three: 0 below, 1 not above; to the others: 1 below, 3 not above.
    #expect(Int(gaps[1]) == x.count { $0 == 1 } && Int(gaps[4 + 1]) == x.count { $0 == 2 })
    #expect(gaps.reduce(0, +) == gaps[1] + gaps[5])
    #expect(Int(exact[0]) == x.count { $0 == 0 } && exact.reduce(0, +) == exact[0])

    // Limits in pairs: at most 1, unsure to 2, at most 2.5, unsure to 3.
    let limits: [S] = [1, 2, 2.5, 3]
    let starts: [Int32] = [0, 4]
    var own = [UInt16](repeating: 0, count: 2)
    var columns = [UInt16](repeating: 0, count: 2 * count)
    for i in 0..<count { places[i] = Int32(i) }
    let unsure = limits.withUnsafeBufferPointer { limits in
      starts.withUnsafeBufferPointer { starts in
        LineKernels.ladder(values: limits, starts: starts, low: 1, scale: 0.1).map {
          kernels.countLimits(&own, &columns, &places, count, x, $0)
        }
      }
    }
    let open = x.indices.filter { x[$0] > 1 && x[$0] <= 2 || x[$0] > 2.5 && x[$0] <= 3 }
    #expect(
      places.prefix(unsure ?? 0).map(Int.init) == open.map { $0 + (x[$0] > 2 ? 1 << 16 : 0) })
    var taken = columns.map { _ in Int32(3) }
    var left = columns
    kernels.takeCounts(&taken, &left, columns.count)
    #expect(taken.map(Int.init) == columns.map { 3 + Int($0) } && left.allSatisfy { $0 == 0 })
    #expect(own.map(Int.init) == [x.count { $0 <= 1 }, x.count { $0 > 2 && $0 <= 2.5 }])
    for i in 0..<count {
      #expect(columns[2 * i] == (x[i] <= 1 ? 1 : 0))
      #expect(columns[2 * i + 1] == (x[i] > 2 && x[i] <= 2.5 ? 1 : 0))
    }
  }
}
