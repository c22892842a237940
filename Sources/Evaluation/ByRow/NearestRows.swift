import Autodiff

/// The nearest rows of the gallery of each query, with the classes of both.
struct NearestRows {
  /// How many are kept.
  static let most = 10

  /// Rows of the gallery query by query, nearest first and equally distant ones by row; −1 where
  /// there are fewer.
  let rows: [Int32]
  /// Neighbours per query: ``most``, or all others if there are fewer.
  let countPerQuery: Int
  let queryClasses, galleryClasses: [Int]
  /// Whether each query has a match in the gallery.
  let hasMatch: [Bool]

  /// The share of queries whose class is that of most of the nearest `k`.
  ///
  /// Classes with equally many votes: the one with the nearest vote wins.
  func accuracy(votes k: Int) -> Double? {
    var (right, total) = (0, 0)
    for query in queryClasses.indices where hasMatch[query] && countPerQuery > 0 {
      let start = query * countPerQuery
      let votes = rows[start..<start + min(k, countPerQuery)].filter { $0 >= 0 }
        .map { galleryClasses[Int($0)] }
      var (winner, most) = (-1, 0)
      for vote in votes {
        let count = votes.count { $0 == vote }
        if count > most { (winner, most) = (vote, count) }
      }
      total += 1
      if winner == queryClasses[query] { right += 1 }
    }
    return total > 0 ? Double(right) / Double(total) : nil
  }

  /// The skewness of how often each row of the gallery is among the nearest of a query
  /// (Radovanović, Nanopoulos and Ivanović, 2010).
  ///
  /// Third central moment over the cube of the standard deviation, both over n; 0 if all rows
  /// occur equally often.
  var occurrenceSkewness: Double? {
    guard countPerQuery > 0 else { return nil }
    var counts = [Int](repeating: 0, count: galleryClasses.count)
    for row in rows where row >= 0 { counts[Int(row)] += 1 }
    let n = Double(counts.count)
    let mean = Double(counts.reduce(0, +)) / n
    var (second, third) = (0.0, 0.0)
    for count in counts {
      let offset = Double(count) - mean
      second += offset * offset
      third += offset * offset * offset
    }
    let deviation = (second / n).squareRoot()
    return deviation > 0 ? third / n / (deviation * deviation * deviation) : 0
  }
}

/// Writes the columns of the smallest finite numbers of a line, ascending, equal ones by column.
///
/// - Parameter places: as many as are wanted; −1 fills those that there are too few numbers for.
func selectSmallest<S: Scalar>(
  _ line: UnsafeMutableBufferPointer<S>, into places: UnsafeMutableBufferPointer<Int32>
) {
  guard let x = line.baseAddress, places.count > 0 else { return }
  places.update(repeating: -1)
  var filled = 0
  var worst = S.infinity
  let chunk = 32
  for start in stride(from: 0, to: line.count, by: chunk) {
    let columns = start..<min(line.count, start + chunk)
    // Counting instead of branching lets the compiler take several columns at a time.
    var better: Int32 = 0
    for column in columns { better &+= x[column] < worst ? 1 : 0 }
    guard better > 0 else { continue }
    for column in columns where x[column] < worst {
      var place = min(filled, places.count - 1)
      while place > 0, x[Int(places[place - 1])] > x[column] {
        places[place] = places[place - 1]
        place -= 1
      }
      places[place] = Int32(column)
      filled = min(places.count, filled + 1)
      if filled == places.count { worst = x[Int(places[filled - 1])] }
    }
  }
}
