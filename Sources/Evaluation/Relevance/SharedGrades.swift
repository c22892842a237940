/// Σ over the grades seen so far of min(own grade, theirs), in logarithmic time.
///
/// A Fenwick tree (Fenwick, 1994) over the different grades holds how many have been seen and their
/// sum: grades up to the own count in full, those above it count as the own.
package struct SharedGrades {
  /// The different grades, ascending.
  private let grades: [Double]
  /// Over a power-of-two-ranged part of the grades each: how many, and their sum.
  private var counts: [Int]
  private var sums: [Double]
  private var seen = 0

  /// - Parameter grades: all that will come.
  package init(_ grades: [Double]) {
    var different: [Double] = []
    for grade in grades.sorted() where grade != different.last { different.append(grade) }
    self.grades = different
    counts = Array(repeating: 0, count: different.count + 1)
    sums = Array(repeating: 0, count: different.count + 1)
  }

  /// Takes a grade, and returns its sum over all that were taken, itself too.
  package mutating func add(_ grade: Double) -> Double {
    let place = self.place(of: grade) + 1
    seen += 1
    var part = place
    while part < counts.count {
      counts[part] += 1
      sums[part] += grade
      part += part & -part
    }
    var (count, sum) = (0, 0.0)
    part = place
    while part > 0 {
      count += counts[part]
      sum += sums[part]
      part -= part & -part
    }
    return sum + grade * Double(seen - count)
  }

  private func place(of grade: Double) -> Int {
    var (below, above) = (0, grades.count - 1)
    while below < above {
      let middle = (below + above) / 2
      if grades[middle] < grade { below = middle + 1 } else { above = middle }
    }
    return below
  }
}
