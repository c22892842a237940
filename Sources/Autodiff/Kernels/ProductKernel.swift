import CKernels
import Synchronization

/// Memory from the tensors' pool for the length of one operation.
struct Scratch<S: Scalar>: Sendable {
  private let storage: Storage

  init(count: Int) { storage = Storage(byteCount: count * MemoryLayout<S>.stride) }

  var base: UnsafeMutablePointer<S> { storage.base.assumingMemoryBound(to: S.self) }

  /// Calls `body` with the memory, which lives until it returns.
  func withBase<Result>(_ body: (UnsafeMutablePointer<S>) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(base)
  }
}

extension Scalar {
  /// Calls `body` with memory for one piece of work.
  ///
  /// It is the calling thread's own from piece to piece, so that it stays in the cache of that thread's
  /// core, where a pool would hand it from one to another.
  package static func withPanels<Result>(
    count: Int, _ body: (UnsafeMutablePointer<Self>) throws -> Result
  ) rethrows -> Result {
    guard let own = ck_take_own_memory(max(1, count) * MemoryLayout<Self>.stride) else {
      // Within a piece of other work.
      return try Scratch<Self>(count: count).withBase(body)
    }
    defer { ck_give_own_memory() }
    return try body(own.assumingMemoryBound(to: Self.self))
  }
}

/// What the left side of a product is, as it lies in memory.
enum LeftSide<S: Scalar> {
  case plain, transposed
  /// The square matrix plus its transpose, whose rows' sums are added to `rowSums`.
  case plusTransposed(rowSums: UnsafeMutablePointer<S>)
  /// The symmetric matrix whose elements are multiplied with the sum of their two rows' numbers.
  case timesSums(of: UnsafePointer<S>)
}

extension Scalar {
  /// The kernels of the instruction set in use; ask once for an operation, because packed panels
  /// of one set do not fit another.
  static var kernels: ck_kernels { InstructionSet.kernels(elementSize: MemoryLayout<Self>.size) }

  public static func product(
    _ c: UnsafeMutablePointer<Self>, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>,
    m: Int, n: Int, k: Int, transposingA: Bool, transposingB: Bool, adding: Bool
  ) {
    product(
      c, a, b, m: m, n: n, k: k, transposingA ? .transposed : .plain, transposingB: transposingB,
      adding: adding, bias: nil, .none)
  }

  /// The product, followed by `bias` (a number for each column) and `activation`.
  static func product(
    _ c: UnsafeMutablePointer<Self>, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>,
    m: Int, n: Int, k: Int, _ left: LeftSide<Self>, transposingB: Bool, adding: Bool,
    bias: UnsafePointer<Self>?, _ activation: Activation
  ) {
    guard m > 0, n > 0 else { return }
    let kernels = kernels
    let blocks = ProductBlocks(m: m, n: n, k: k, kernels)
    let packedColumns = n.roundedUp(to: kernels.tile_columns)
    // Few rows use a panel too seldom for it to be worth packing, if whole tiles lie near each other.
    let isInPlace = !transposingB && n == packedColumns && n <= 512 && m <= 512
    Scratch<Self>(count: isInPlace ? 0 : packedColumns * k).withBase { right in
      let packing = PackedRight(right, b, blocks, transposing: transposingB, kernels)
      let packCount = isInPlace ? 0 : packing.pieceCount
      let claimed = Atomic<Int>(0)
      let packed = Atomic<Int>(0)
      // One round for packing and multiplying, since handing out work takes a microsecond: whoever
      // comes packs what nobody has begun, and then waits for the others.
      Parallel.forEach(blocks.pieceCount) { piece in
        while packed.load(ordering: .acquiring) < packCount {
          let next = claimed.add(1, ordering: .relaxed).oldValue
          guard next < packCount else {
            ck_pause()
            continue
          }
          packing.pack(next)
          packed.add(1, ordering: .releasing)
        }
        let (rows, columns) = blocks.piece(piece)
        withPanels(count: blocks.height * blocks.depth) { panels in
          // One round even if k is 0, for the bias and the activation.
          for first in stride(from: 0, to: max(1, k), by: blocks.depth) {
            let depth = min(blocks.depth, k - first)
            let isLast = first + depth == k
            switch left {
            case .plain:
              kernels.pack_rows(
                panels, a + rows.lowerBound * k + first, k, rows.count, depth, kernels.tile_rows)
            case .transposed:
              kernels.pack_columns(
                panels, a + first * m + rows.lowerBound, m, rows.count, depth, kernels.tile_rows)
            case .plusTransposed(let sums):
              kernels.pack_plus_transposed(
                panels, columns.lowerBound == 0 ? sums + rows.lowerBound : nil, a, m,
                rows.lowerBound, rows.count, first, depth)
            case .timesSums(let numbers):
              kernels.pack_times_sums(
                panels, numbers, a, m, rows.lowerBound, rows.count, first, depth)
            }
            let corner = c + rows.lowerBound * n + columns.lowerBound
            let (adds, relu): (Int32, Int32) = (
              adding || first > 0 ? 1 : 0, isLast && activation == .relu ? 1 : 0
            )
            let added = isLast ? bias.map { UnsafeRawPointer($0 + columns.lowerBound) } : nil
            if isInPlace {
              kernels.multiply_rows(
                corner, n, panels, b + first * n + columns.lowerBound, n, rows.count,
                columns.count, depth, adds, added, relu)
            } else {
              kernels.multiply(
                corner, n, panels,
                right + first * packedColumns + columns.lowerBound * depth, rows.count,
                columns.count, depth, adds, added, relu)
            }
          }
        }
      }
    }
  }

  static func affine(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ weight: UnsafePointer<Self>,
    bias: Tensor?, _ activation: Activation, rows: Int, outputs: Int, inputs: Int
  ) {
    func run(_ bias: UnsafePointer<Self>?) {
      product(
        y, x, weight, m: rows, n: outputs, k: inputs, .plain, transposingB: true,
        adding: false, bias: bias, activation)
    }
    bias.map { $0.withElements(of: Self.self) { run($0.baseAddress) } } ?? run(nil)
  }

  /// c[m, m] = a aᵀ for a of m rows, or aᵀ a of m columns: the blocks above the diagonal, and their
  /// mirror images.
  ///
  /// The same bits as ``product(_:_:_:m:n:k:transposingA:transposingB:adding:)``.
  /// - Parameter finish: what becomes of a block before it is mirrored; called once for each of them.
  static func ownProduct(
    _ c: UnsafeMutablePointer<Self>, _ a: UnsafePointer<Self>, m: Int, k: Int, ofColumns: Bool,
    finish: (UpperBlock<Self>) -> Void = { _ in }
  ) {
    guard m > 0 else { return }
    let kernels = kernels
    let blocks = ProductBlocks(m: m, n: m, k: k, kernels)
    let packedColumns = m.roundedUp(to: kernels.tile_columns)
    let isInPlace = ofColumns && m == packedColumns && m <= 512
    // Rows above a block's first column are left to the mirror.
    let height = min(blocks.height, 4 * kernels.tile_rows)
    let firstColumn = { (row: Int) in row / kernels.tile_columns * kernels.tile_columns }
    Scratch<Self>(count: isInPlace ? 0 : packedColumns * k).withBase { right in
      if !isInPlace { pack(right, a, blocks, transposing: !ofColumns, kernels) }
      let pieces = (m + height - 1) / height
      Parallel.forEach(pieces) { piece in
        let block = blockInTurn(piece, of: pieces)
        let rows = block * height..<min(m, (block + 1) * height)
        let start = firstColumn(rows.lowerBound)
        let corner = c + rows.lowerBound * m + start
        withPanels(count: height * blocks.depth) { left in
          for first in stride(from: 0, to: max(1, k), by: blocks.depth) {
            let depth = min(blocks.depth, k - first)
            if ofColumns {
              kernels.pack_columns(
                left, a + first * m + rows.lowerBound, m, rows.count, depth, kernels.tile_rows)
            } else {
              kernels.pack_rows(
                left, a + rows.lowerBound * k + first, k, rows.count, depth, kernels.tile_rows)
            }
            if isInPlace {
              kernels.multiply_rows(
                corner, m, left, a + first * m + start, m, rows.count, m - start, depth,
                first > 0 ? 1 : 0, nil, 0)
            } else {
              kernels.multiply(
                corner, m, left, right + first * packedColumns + start * depth, rows.count,
                m - start, depth, first > 0 ? 1 : 0, nil, 0)
            }
          }
        }
        finish(UpperBlock(rows: rows, columns: start..<m, corner: corner))
        // What the block is the mirror image of in later blocks.
        for other in stride(from: rows.upperBound, to: m, by: height) {
          let right = min(rows.upperBound, firstColumn(other))
          guard rows.lowerBound < right else { continue }
          kernels.mirror(c, m, other, min(m, other + height), rows.lowerBound, right)
        }
      }
    }
  }

  /// Which block of rows, of which the first are the longest, is done as the given piece.
  ///
  /// Threads come from both ends: from the front 0, 3, 4, 7..., from the back 1, 2, 5, 6..., so that
  /// they end together, and the shortest are where they meet.
  private static func blockInTurn(_ piece: Int, of pieces: Int) -> Int {
    let (front, back) = (2 * piece + piece % 2, pieces - 1 - piece)
    return front < pieces ? front : 2 * back + 1 - back % 2
  }

  /// Packs all of b: for each block of k, panels of columns.
  static func pack(
    _ packed: UnsafeMutablePointer<Self>, _ b: UnsafePointer<Self>, _ blocks: ProductBlocks,
    transposing: Bool, _ kernels: ck_kernels
  ) {
    let packing = PackedRight(packed, b, blocks, transposing: transposing, kernels)
    Parallel.forEach(packing.pieceCount, packing.pack)
  }
}

/// Rows of a product of a matrix with itself: what is right of the diagonal, and a little more.
package struct UpperBlock<S: Scalar> {
  package let rows: Range<Int>
  /// From the first row, or a little before it, to the end.
  package let columns: Range<Int>
  fileprivate let corner: UnsafeMutablePointer<S>

  /// The products of a row.
  package func products(of row: Int) -> UnsafeMutablePointer<S> {
    corner + (row - rows.lowerBound) * columns.upperBound
  }
}

/// The right side of a product in panels, packed piece by piece.
private struct PackedRight<S: Scalar> {
  let packed: UnsafeMutablePointer<S>
  let b: UnsafePointer<S>
  let blocks: ProductBlocks
  let transposing: Bool
  let kernels: ck_kernels
  /// How many columns a piece has, and how many such pieces there are for each block of k.
  let grain, groups: Int

  init(
    _ packed: UnsafeMutablePointer<S>, _ b: UnsafePointer<S>, _ blocks: ProductBlocks,
    transposing: Bool, _ kernels: ck_kernels
  ) {
    (self.packed, self.b, self.blocks) = (packed, b, blocks)
    (self.transposing, self.kernels) = (transposing, kernels)
    grain = max(1, 8192 / blocks.depth).roundedUp(to: kernels.tile_columns)
    groups = (blocks.n + grain - 1) / grain
  }

  var pieceCount: Int { groups * ((blocks.k + blocks.depth - 1) / blocks.depth) }

  func pack(_ piece: Int) {
    let (n, k) = (blocks.n, blocks.k)
    let first = piece / groups * blocks.depth
    let (column, depth) = (piece % groups * grain, min(blocks.depth, k - first))
    let count = min(grain, n - column)
    let target = packed + first * n.roundedUp(to: kernels.tile_columns) + column * depth
    if transposing {
      kernels.pack_rows(target, b + column * k + first, k, count, depth, kernels.tile_columns)
    } else {
      kernels.pack_columns(target, b + first * n + column, n, count, depth, kernels.tile_columns)
    }
  }
}

extension Int {
  /// This number rounded up to a multiple of `unit`.
  func roundedUp(to unit: Int) -> Int { (self + unit - 1) / unit * unit }
}

/// How a product is cut; it depends on its lengths only, and the blocks of k on k only.
struct ProductBlocks {
  let m, n, k: Int
  /// The length of a block of k.
  let depth: Int
  /// Where pieces of rows and of columns start, and where the last ones end.
  private let rowStarts, columnStarts: [Int]
  /// The most rows that a piece has, in whole tiles.
  let height: Int

  init(m: Int, n: Int, k: Int, _ kernels: ck_kernels) {
    (self.m, self.n, self.k) = (m, n, k)
    depth = ProductBlocks.even(max(1, k), atMost: 256, unit: 4)
    var rows = Tiles(m, of: kernels.tile_rows, piecesOf: 144)
    var columns = Tiles(n, of: kernels.tile_columns, piecesOf: 2048)
    // Enough pieces for several threads, none so small that it is not worth a thread.
    let work = m * n / 8 * k
    let wanted = min(16, max(1, min(8, work / 65_536), work / 262_144))
    while rows.pieces * columns.pieces < wanted {
      if rows.tiles > 4 * rows.pieces {
        rows.pieces *= 2
      } else if columns.tiles > 2 * columns.pieces {
        columns.pieces *= 2
      } else {
        break
      }
    }
    (rowStarts, columnStarts) = (rows.starts, columns.starts)
    height = zip(rowStarts.dropFirst(), rowStarts).reduce(0) { max($0, $1.0 - $1.1) }
  }

  var pieceCount: Int { (rowStarts.count - 1) * (columnStarts.count - 1) }

  func piece(_ piece: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = piece.quotientAndRemainder(dividingBy: columnStarts.count - 1)
    return (
      min(m, rowStarts[row])..<min(m, rowStarts[row + 1]),
      min(n, columnStarts[column])..<min(n, columnStarts[column + 1])
    )
  }

  /// The rows or columns of a product in pieces of whole tiles.
  ///
  /// Threads come from both ends; pieces are a little smaller where they meet, so that none waits
  /// long for the one with the last.
  private struct Tiles {
    let size, tiles: Int
    var pieces: Int

    init(_ count: Int, of size: Int, piecesOf limit: Int) {
      self.size = size
      tiles = (count + size - 1) / size
      pieces = (tiles * size + limit - 1) / limit
    }

    /// Where each piece starts, and where the last one ends.
    var starts: [Int] {
      (0...pieces).map { piece in
        let fromMiddle = 1 - 2 * Double(piece) / Double(pieces)
        let left = abs(fromMiddle)
        let share = left * left.squareRoot().squareRoot()
        let half = Double(tiles) / 2
        return Int((half - (fromMiddle < 0 ? -share : share) * half).rounded()) * size
      }
    }
  }

  /// The length of even blocks of `count`, a multiple of `unit` and at most about `limit`.
  static func even(_ count: Int, atMost limit: Int, unit: Int) -> Int {
    let blocks = max(1, (count + limit - 1) / limit)
    return ((count + blocks - 1) / blocks).roundedUp(to: unit)
  }
}
