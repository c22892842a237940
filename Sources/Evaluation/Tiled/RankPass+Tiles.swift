import Autodiff

extension RankPass {
  /// The same from half of the products: each tile serves the rows on both of its sides.
  init(
    inTilesOf distances: DistanceRows<S>, measures: [@Sendable (Ranks) -> Double],
    countsPairs: Bool, nearestCount: Int, curves: Bool, countsAllBins: Bool
  ) {
    let tiles = DistanceTiles(distances)
    let matches = MatchDistances(distances)
    let needsRanks = !measures.isEmpty || nearestCount > 0
    let ranks = TileRanks(tiles, matches, nearestCount: nearestCount)
    let positives = countsPairs ? matches.sortedSquares : []
    let estimate = curves ? QuantileEstimate(tiles, matches) : nil
    let zones = estimate.flatMap {
      ZoneCounts(distances, matches, $0, count: OperatingCurves.thresholdCount)
    }
    let pairs =
      countsPairs
      ? PairCells(
        positives: positives, exactBins: estimate?.bins ?? [], near: zones?.last,
        negativeCount: countsAllBins || zones == nil ? nil : RankPass.negativeCount(distances.query)
      )
      : nil
    func makeLane() -> Lane {
      Lane(ranks: TileRanks.Lane(), pairs: pairs?.makeLane(), zones: zones?.makeLane())
    }
    // Sums of roots by block, because which thread gets one is left to chance.
    var roots = [Double](repeating: 0, count: tiles.blocks)
    roots.withUnsafeMutableBufferPointer { roots in
      let lanes = tiles.reduce(makeLane) { lane, tile in
        if needsRanks { ranks.add(tile, &lane.ranks) }
        // Taken out meanwhile: a second owner of what a lane has gathered would copy it.
        guard let pairs, var own = lane.pairs.take() else { return }
        if let zones, var near = lane.zones.take() {
          zones.withTable { table in
            roots[tile.first] += pairs.add(tile, &own) { row, places, count in
              zones.add(row, of: tile, table, places, count, &near)
            }
          }
          zones.finish(tile, &near)
          lane.zones = near
        } else {
          roots[tile.first] += pairs.add(tile, &own) { _, _, _ in }
        }
        lane.pairs = own
      }
      for lane in lanes {
        lane.ranks.deallocate()
        if let own = lane.pairs { pairs?.finish(own) }
      }
      zones?.finish(lanes.compactMap(\.zones))
    }
    let cells = pairs?.negatives()
    if let cells, !countsAllBins, !cells.holdsTenth {
      self.init(
        inTilesOf: distances, measures: measures, countsPairs: countsPairs,
        nearestCount: nearestCount, curves: curves, countsAllBins: true)
      return
    }
    self.init(
      values: ranks.values(measures), positives: positives, cells: cells,
      zones: zones, distances: roots.reduce(0, +), nearest: ranks.nearestRows)
  }

  /// Pairs of rows of different classes, all of which are compared.
  private static func negativeCount(_ rows: LabeledRows<S>) -> Int {
    func pairs(_ count: Int) -> Int { count * (count - 1) / 2 }
    return pairs(rows.count) - rows.members.reduce(0) { $0 + pairs($1.count) }
  }

  /// What one thread works with.
  private struct Lane {
    var ranks: TileRanks<S>.Lane
    var pairs: PairCells<S>.Lane?
    var zones: ZoneCounts<S>.Lane?
  }

  private init(
    values: [[Double]], positives: [S], cells: NegativeCells<S>?,
    zones: ZoneCounts<S>?, distances: Double, nearest: [Int32]
  ) {
    (self.values, self.positives, self.cells, self.nearest) = (values, positives, cells, nearest)
    self.zones = zones
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
