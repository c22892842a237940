import Settings

/// Where the queries and documents of a recipe come from.
public protocol PairSource: Described {
  /// Reads or makes the data.
  ///
  /// - Parameter root: the folder of data sets that are not compiled in.
  func loadPairs(root: String) throws(Failure) -> PairedData
}
