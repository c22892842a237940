import Autodiff

extension RankPass {
  /// The same from half of the products: each tile serves the rows on both of its sides.
  init(
    inTilesOf distances: DistanceRows<S>, measures: [@Sendable (Ranks) -> Double],
    countsPairs: Bool, nearestCount: Int
  ) {
    let tiles = DistanceTiles(distances)
    let matches = MatchDistances(distances)
    let needsRanks = !measures.isEmpty || nearestCount > 0
    let ranks = TileRanks(tiles, matches, nearestCount: nearestCount)
    let positives = countsPairs ? matches.sortedSquares : []
    let pairs =
      countsPairs
      ? PairCells(positives: positives, exactBins: tiles.binsOfQuantiles(positives)) : nil

    // Sums of roots by tile, because which thread gets a tile is left to chance.
    var roots = [Double](repeating: 0, count: tiles.blocks * (tiles.blocks + 1) / 2)
    roots.withUnsafeMutableBufferPointer { roots in
      let lanes = tiles.reduce({ (pairs: pairs?.makeLane(), ranks: TileRanks<S>.Lane()) }) {
        lane, tile in
        if needsRanks { ranks.add(tile, &lane.ranks) }
        if let pairs, var own = lane.pairs {
          roots[tile.number] = pairs.add(tile, &own)
          lane.pairs = own
        }
      }
      for lane in lanes {
        lane.ranks.deallocate()
        if let own = lane.pairs { pairs?.finish(own) }
      }
    }
    self.init(
      values: ranks.values(measures), positives: positives, cells: pairs?.negatives(),
      distances: roots.reduce(0, +), nearest: ranks.nearestRows)
  }

  private init(
    values: [[Double]], positives: [S], cells: NegativeCells<S>?, distances: Double,
    nearest: [Int32]
  ) {
    (self.values, self.positives, self.cells, self.nearest) = (values, positives, cells, nearest)
    negativeBins = cells?.bins ?? []
    negativeDistances = max(
      0, distances - positives.reduce(0.0) { $0 + Double($1).squareRoot() })
  }

  /// The negatives of some bins one by one: in `exact` ones with their own distances, in others at
  /// least in the same order among the positives.
  func negatives(of bins: Set<Int>, exact: Set<Int>, _ distances: DistanceRows<S>) -> NegativePass {
    if let cells, exact.isSubset(of: cells.exactBins) { return cells.pass(bins.union(exact)) }
    return NegativePass(
      distances, positives: Ladder(positives), bins: bins.union(exact).sorted())
  }
}

extension DistanceTiles {
  /// The bins in which the distances will surely lie that 1 % and 10 % of the pairs that do not match
  /// do not exceed, as far as a sample can tell: a few diagonals of tiles, in which every row occurs
  /// equally often.
  ///
  /// - Parameter positives: the squared distances of matching pairs.
  /// - Returns: none if there would be many.
  fileprivate func binsOfQuantiles(_ positives: [S]) -> [Int] {
    let diagonals = Set((0..<4).map { 1 + $0 * (blocks - 1) / 4 }.map { min($0, blocks - 1) })
    let kernels = LineKernels<S>()
    let lanes = reduce(
      diagonals: diagonals.sorted(), { [Int64](repeating: 0, count: DistanceBin.count) }
    ) { bins, tile in
      bins.withUnsafeMutableBufferPointer { bins in
        guard let bins = bins.baseAddress else { return }
        for row in 0..<tile.rows.count {
          let first = tile.isOnDiagonal ? row + 1 : 0
          kernels.countBins(bins, tile.line(row) + first, tile.columns.count - first)
        }
      }
    }
    var counts = [Int](repeating: 0, count: DistanceBin.count)
    for lane in lanes { for (bin, count) in lane.enumerated() { counts[bin] += Int(count) } }
    counts[DistanceBin.of(S.infinity)] = 0
    let total = Double(counts.reduce(0, +))
    let rows = Double(distances.query.count)
    let matching = Double(positives.count) / max(1, rows * (rows - 1) / 2)
    var wanted: Set<Int> = []
    for rate in [0.01, 0.1] {
      // Whether the sample holds its share of the matching pairs depends on the order of the rows.
      let margin = 0.02 * rate + 5 * (rate / max(1, total)).squareRoot() + matching
      let (low, high) = ((rate - margin) * total, (rate + margin) * total)
      var below = 0.0
      for bin in counts.indices where counts[bin] > 0 {
        let end = below + Double(counts[bin])
        if end >= low, below <= high { wanted.formUnion(max(0, bin - 1)...bin + 1) }
        below = end
      }
    }
    wanted.remove(DistanceBin.of(S.infinity))
    return wanted.count <= 64 ? wanted.sorted() : []
  }
}
