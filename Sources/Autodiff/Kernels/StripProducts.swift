import CKernels

/// Products that are used up at once: those of a strip of rows are still in the cache when they are
/// read, and never all in memory.
extension Scalar {
  /// Rows that a strip holds; a multiple of the rows of every instruction set's tile.
  package static var stripRows: Int { 72 }

  /// Below so many rows it is quicker to read b as it lies than to pack it.
  private static var fewRows: Int { 4 }

  /// Calls `body` from several threads with a range of rows of a and their products with all rows
  /// of b, row by row.
  ///
  /// - Parameters:
  ///   - a: shape [m, k].
  ///   - b: shape [n, k]; about a thousand rows keep the products in the cache.
  /// - Complexity: O(m n k) time; memory for b and, in each thread, for `stripRows` n products.
  package static func productStrips(
    _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, m: Int, n: Int, k: Int,
    _ body: (Range<Int>, UnsafePointer<Self>) -> Void
  ) {
    guard m > 0, n > 0 else { return }
    let kernels = kernels
    guard m >= fewRows else {
      Scratch<Self>(count: m * n).withBase { products in
        Parallel.forEachRange(n, grain: 256) { columns in
          for row in 0..<m {
            for column in columns {
              products[row * n + column] = Self(
                kernels.inner_product(a + row * k, b + column * k, k))
            }
          }
        }
        body(0..<m, products)
      }
      return
    }
    let blocks = ProductBlocks(m: m, n: n, k: k, kernels)
    let packedColumns = n.roundedUp(to: kernels.tile_columns)
    Scratch<Self>(count: packedColumns * k).withBase { right in
      pack(right, b, blocks, transposing: true, kernels)
      Parallel.forEachRange(m, grain: stripRows) { rows in
        let height = rows.count.roundedUp(to: kernels.tile_rows)
        withPanels(count: height * blocks.depth + rows.count * n) { left in
          let products = left + height * blocks.depth
          for first in stride(from: 0, to: max(1, k), by: blocks.depth) {
            let depth = min(blocks.depth, k - first)
            kernels.pack_rows(
              left, a + rows.lowerBound * k + first, k, rows.count, depth, kernels.tile_rows)
            kernels.multiply(
              products, n, left, right + first * packedColumns, rows.count, n, depth,
              first > 0 ? 1 : 0, nil, 0)
          }
          body(rows, products)
        }
      }
    }
  }
}

/// Finds the places where an offset less a number is below a limit, by the instruction set in use
/// when this is made.
package struct PlacesBelow: Sendable {
  private let find:
    @convention(c) (
      UnsafeMutablePointer<Int32>, UnsafeRawPointer, UnsafeRawPointer?, Double, Int
    ) -> Int

  package init() { find = Float.kernels.places_below }

  /// Writes the places, in order, where offsets[i] - x[i] < limit, with zeros for no offsets.
  ///
  /// - Parameter places: room for `count`.
  /// - Returns: how many there are.
  @inline(__always)
  package func callAsFunction(
    _ places: UnsafeMutablePointer<Int32>, _ x: UnsafePointer<Float>,
    _ offsets: UnsafePointer<Float>?, limit: Float, count: Int
  ) -> Int {
    find(places, x, offsets, Double(limit), count)
  }
}
