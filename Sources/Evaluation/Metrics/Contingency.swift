import Foundation

/// How often each pair of a label and a cluster occurs.
package struct Contingency {
  private let cells: [Int: Int]
  private let labelSizes, clusterSizes: [Int]
  private let total: Int

  /// - Parameters: one label and one cluster per item, both numbered from 0.
  package init(labels: [Int], clusters: [Int]) {
    func sizes(_ numbers: [Int]) -> [Int] {
      numbers.reduce(into: Array(repeating: 0, count: (numbers.max() ?? -1) + 1)) { $0[$1] += 1 }
    }
    total = labels.count
    labelSizes = sizes(labels)
    clusterSizes = sizes(clusters)
    var cells: [Int: Int] = [:]
    for (label, cluster) in zip(labels, clusters) {
      cells[label * clusterSizes.count + cluster, default: 0] += 1
    }
    self.cells = cells
  }

  /// Whether labels and clusters cut the items in the same way; their information is then 1.
  private var isPerfect: Bool {
    let sizes = (labelSizes.count { $0 > 0 }, clusterSizes.count { $0 > 0 })
    return cells.count == sizes.0 && cells.count == sizes.1
  }

  /// I(labels; clusters) in nats.
  private var mutualInformation: Double {
    let n = Double(total)
    let sum = cells.sorted { $0.key < $1.key }.reduce(0.0) { sum, cell in
      let (label, cluster) = cell.key.quotientAndRemainder(dividingBy: clusterSizes.count)
      let count = Double(cell.value)
      let expected = Double(labelSizes[label]) * Double(clusterSizes[cluster]) / n
      return sum + count / n * log(count / expected)
    }
    return max(0, sum)
  }

  private func entropy(_ sizes: [Int]) -> Double {
    sizes.reduce(0.0) { sum, size in
      guard size > 0 else { return sum }
      let share = Double(size) / Double(total)
      return sum - share * log(share)
    }
  }

  private var meanEntropy: Double { (entropy(labelSizes) + entropy(clusterSizes)) / 2 }

  /// I / mean entropy: scikit-learn's default.
  package var normalizedMutualInformation: Double {
    guard !isPerfect else { return 1 }
    let mean = meanEntropy
    return mean > 0 ? mutualInformation / mean : 0
  }

  /// (I − E[I]) / (mean entropy − E[I]); see Vinh, Epps and Bailey, 2010.
  package var adjustedMutualInformation: Double {
    guard !isPerfect else { return 1 }
    let expected = expectedMutualInformation
    let room = meanEntropy - expected
    return abs(room) > 1e-15 ? (mutualInformation - expected) / room : 0
  }

  /// 2 P R / (P + R) over pairs of items, where P is the share of pairs in one cluster that share a
  /// label, and R the share of pairs of one label that share a cluster; 0 if no pair shares both.
  package var pairF1: Double {
    func pairs(_ counts: some Sequence<Int>) -> Int { counts.reduce(0) { $0 + $1 * ($1 - 1) / 2 } }
    let both = pairs(cells.values)
    return both > 0 ? Double(2 * both) / Double(pairs(labelSizes) + pairs(clusterSizes)) : 0
  }

  /// E[I] when the sizes of labels and clusters are kept and the items are dealt at random.
  ///
  /// - Complexity: O(different label sizes × different cluster sizes × n).
  private var expectedMutualInformation: Double {
    var logFactorials = [0.0]
    for i in 1...max(1, total) { logFactorials.append(logFactorials[i - 1] + log(Double(i))) }
    let n = Double(total)
    func sizeCounts(_ sizes: [Int]) -> [(size: Int, count: Int)] {
      Dictionary(sizes.filter { $0 > 0 }.map { ($0, 1) }, uniquingKeysWith: +)
        .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
    var sum = 0.0
    for (a, aCount) in sizeCounts(labelSizes) {
      for (b, bCount) in sizeCounts(clusterSizes) {
        let fixed =
          logFactorials[a] + logFactorials[b] + logFactorials[total - a]
          + logFactorials[total - b] - logFactorials[total]
        var part = 0.0
        for shared in stride(from: max(1, a + b - total), through: min(a, b), by: 1) {
          let probability = exp(
            fixed - logFactorials[shared] - logFactorials[a - shared] - logFactorials[b - shared]
              - logFactorials[total - a - b + shared])
          let count = Double(shared)
          part += count / n * log(n * count / (Double(a) * Double(b))) * probability
        }
        sum += part * Double(aCount) * Double(bCount)
      }
    }
    return sum
  }
}
