import Autodiff
import Synchronization

/// The squared distances between the rows of one set, in tiles of which each serves the rows on both
/// of its sides: half of the products are enough, and a tile is used up while it is in the cache.
///
/// - Complexity: O(n² d / 2) time for all tiles; memory for two copies of the rows.
package struct DistanceTiles<S: Scalar> {
  package let distances: DistanceRows<S>
  /// Blocks of `width` rows.
  package let blocks: Int
  private let products: ProductTiles<S>

  package static var width: Int { ProductTiles<S>.width }

  package struct Tile {
    /// The numbers of the blocks, the first not above the second.
    package let first, second: Int
    package let rows, columns: Range<Int>
    /// A line of `width` squared distances for each row; infinite for rows that are not compared.
    package let squares: UnsafeMutablePointer<S>
    fileprivate let products: ProductTiles<S>

    package var isOnDiagonal: Bool { first == second }

    package func line(_ row: Int) -> UnsafeMutablePointer<S> { squares + row * DistanceTiles.width }

    /// The last part of a line: all of it, or on the diagonal the columns behind the row itself, so that
    /// each pair is there once.
    package func pairs(_ row: Int) -> (base: UnsafeMutablePointer<S>, count: Int) {
      let skipped = isOnDiagonal ? row + 1 : 0
      return (line(row) + skipped, columns.count - skipped)
    }

    /// Writes the distances of some columns to all rows, column by column.
    package func transpose(_ lines: UnsafeMutablePointer<S>, columns: Range<Int>) {
      products.transpose(
        lines, of: squares, from: columns.lowerBound, lines: columns.count, height: rows.count)
    }
  }

  /// - Parameter distances: those of a set to itself.
  package init(_ distances: DistanceRows<S>) {
    let rows = distances.query
    self.distances = distances
    blocks = (rows.count + DistanceTiles.width - 1) / DistanceTiles.width
    products = rows.rows.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else {
        preconditionFailure("DistanceTiles: there are no rows")
      }
      return ProductTiles(base, count: rows.count, dimension: rows.dimension)
    }
  }

  /// Calls `body` once for each tile from several threads, each with one block of rows after the other.
  ///
  /// - Parameters:
  ///   - diagonals: those whose tiles are wanted, by how far apart the blocks are, ascending; nil for
  ///     all.
  ///   - makeLane: what one thread works with; which tiles it gets is left to chance.
  package func reduce<Lane>(
    diagonals: [Int]? = nil, _ makeLane: () -> Lane, _ body: (inout Lane, Tile) -> Void
  ) -> [Lane] {
    let diagonals = diagonals ?? Array(0..<blocks)
    let count = min(Parallel.threadCount, blocks)
    var lanes = (0..<count).map { _ in makeLane() }
    let next = Atomic<Int>(0)
    lanes.withUnsafeMutableBufferPointer { lanes in
      Parallel.forEach(count) { lane in
        let width = DistanceTiles.width
        let squares = UnsafeMutablePointer<S>.allocate(capacity: width * width)
        let left = UnsafeMutablePointer<S>.allocate(capacity: products.leftCount)
        defer {
          squares.deallocate()
          left.deallocate()
        }
        while true {
          // The first blocks have the most tiles, so that no thread waits long for the last.
          let first = next.add(1, ordering: .relaxed).oldValue
          guard first < blocks else { return }
          distances.query.rows.withUnsafeBufferPointer { rows in
            if let rows = rows.baseAddress { products.packLeft(first, of: rows, into: left) }
          }
          for apart in diagonals where first + apart < blocks {
            body(&lanes[lane], make(first, left, first + apart, squares))
          }
        }
      }
    }
    return lanes
  }

  private func make(
    _ first: Int, _ left: UnsafePointer<S>, _ second: Int, _ squares: UnsafeMutablePointer<S>
  ) -> Tile {
    let tile = Tile(
      first: first, second: second, rows: range(first), columns: range(second),
      squares: squares, products: products)
    products.write(squares, first, left: left, second)
    let kernels = LineKernels<S>()
    distances.query.rows.withUnsafeBufferPointer { rows in
      for row in 0..<tile.rows.count {
        let line = UnsafeMutableBufferPointer(start: tile.line(row), count: tile.columns.count)
        distances.finish(
          line, row: tile.rows.lowerBound + row, from: tile.columns.lowerBound, kernels, rows, rows)
      }
    }
    return tile
  }

  private func range(_ block: Int) -> Range<Int> {
    let start = block * DistanceTiles.width
    return start..<min(distances.query.count, start + DistanceTiles.width)
  }
}
