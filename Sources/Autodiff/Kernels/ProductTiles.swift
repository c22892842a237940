import CKernels

/// The products of blocks of rows with blocks of the same rows, one at a time and each on the thread
/// that asks for it: small enough to be used up where they were made.
///
/// The same bits as ``Scalar/product(_:_:_:m:n:k:transposingA:transposingB:adding:)``.
package struct ProductTiles<S: Scalar>: Sendable {
  /// Rows of a block, and the length of a tile's line.
  package static var width: Int { Int(CK_TILE) }

  private let kernels: ck_kernels
  private let count, dimension, depth: Int
  /// The rows of each block as panels for the right side of a product.
  private let right: Scratch<S>

  /// - Parameter rows: shape [count, dimension].
  package init(_ rows: UnsafePointer<S>, count: Int, dimension: Int) {
    let (kernels, width) = (S.kernels, ProductTiles.width)
    precondition(
      width % kernels.tile_rows == 0 && width % kernels.tile_columns == 0,
      "ProductTiles: \(width) rows are no whole tiles")
    (self.kernels, self.count, self.dimension) = (kernels, count, dimension)
    depth = ProductBlocks(m: width, n: width, k: dimension, kernels).depth
    let blocks = (count + width - 1) / width
    right = Scratch(count: blocks * width * dimension)
    let tiles = self
    Parallel.forEach(blocks) { block in
      tiles.pack(
        block, of: rows, tiles.right.base + block * width * dimension, kernels.tile_columns)
    }
  }

  /// Elements of ``packLeft(_:of:into:)``.
  package var leftCount: Int { ProductTiles.width * dimension }

  /// Packs a block for the left side of its products.
  package func packLeft(
    _ block: Int, of rows: UnsafePointer<S>, into panels: UnsafeMutablePointer<S>
  ) {
    pack(block, of: rows, panels, kernels.tile_rows)
  }

  private func pack(
    _ block: Int, of rows: UnsafePointer<S>, _ panels: UnsafeMutablePointer<S>, _ width: Int
  ) {
    let start = block * ProductTiles.width
    for first in stride(from: 0, to: dimension, by: depth) {
      kernels.pack_rows(
        panels + ProductTiles.width * first, rows + start * dimension + first, dimension,
        height(of: block), min(depth, dimension - first), width)
    }
  }

  /// Writes the products of the rows of two blocks, a line of `width` for each row of the first, of
  /// which `left` are the panels.
  package func write(
    _ tile: UnsafeMutablePointer<S>, _ row: Int, left: UnsafePointer<S>, _ column: Int
  ) {
    let width = ProductTiles.width
    for first in stride(from: 0, to: dimension, by: depth) {
      kernels.multiply(
        tile, width, left + width * first,
        right.base + column * width * dimension + width * first, height(of: row),
        height(of: column), min(depth, dimension - first), first > 0 ? 1 : 0, nil, 0)
    }
  }

  /// Writes columns of a tile as rows: `lines` from `first` on, each of `height` numbers.
  package func transpose(
    _ lines: UnsafeMutablePointer<S>, of tile: UnsafePointer<S>, from first: Int, lines count: Int,
    height: Int
  ) {
    kernels.pack_rows(lines, tile + first, ProductTiles.width, height, count, height)
  }

  private func height(of block: Int) -> Int {
    min(ProductTiles.width, count - block * ProductTiles.width)
  }
}
