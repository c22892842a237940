import Foundation

/// The metrics beyond recall and precision, in the plainest way.
extension Oracle {
  /// Gallery rows of a query, nearest first.
  private func order(_ i: Int) -> [Int] {
    gallery.indices.filter { !isSelf || $0 != i }
      .sorted { (distance(i, $0), $0) < (distance(i, $1), $1) }
  }

  private func hasMatch(_ i: Int) -> Bool {
    order(i).contains { galleryLabels[$0] == queryLabels[i] }
  }

  var more: [String: Double] {
    var result: [String: Double] = [
      "map@10": mean { matches in
        let total = matches.count { $0 }
        var (hits, sum) = (0.0, 0.0)
        for (i, match) in matches.prefix(10).enumerated() where match {
          hits += 1
          sum += hits / Double(i + 1)
        }
        return sum / Double(min(10, total))
      },
      "ndcg@10": mean { matches in
        func gain(_ matches: [Bool]) -> Double {
          matches.prefix(10).enumerated().reduce(0) { sum, item in
            sum + (item.element ? 1 / log2(Double(item.offset) + 2) : 0)
          }
        }
        return gain(matches) / gain(matches.filter { $0 } + matches.filter { !$0 })
      },
      "minp": mean { matches in
        Double(matches.count { $0 }) / Double((matches.lastIndex(of: true) ?? 0) + 1)
      },
      "knn@5": votes,
      "macro-recall@1": macro { $0[0] ? 1 : 0 },
      "macro-map@r": macro { Oracle.averagePrecision($0, within: $0.count { $0 }) },
    ]
    for k in [5, 10] {
      result["precision@\(k)"] = mean { Double($0.prefix(k).count { $0 }) / Double(k) }
      result["cmc@\(k)"] = mean { $0.prefix(k).contains(true) ? 1 : 0 }
    }
    let (positives, negatives) = pairs
    for power in 1...6 where Double(negatives.count) * pow(10, Double(-power)) >= 10 {
      let allowed = negatives.count / Int(pow(10, Double(power)))
      let share = (positives + negatives)
        .filter { t in negatives.count { $0 <= t } <= allowed }
        .map { t in Double(positives.count { $0 <= t }) / Double(positives.count) }
        .max()
      result["tpr@far=1e-\(power)"] = share ?? 0
    }
    result["intra-distance"] = positives.reduce(0, +) / Double(positives.count)
    result["inter-distance"] = negatives.reduce(0, +) / Double(negatives.count)
    result["hubness"] = hubness
    return result
  }

  private var votes: Double {
    let queries = query.indices.filter(hasMatch)
    let right = queries.count { i in
      let votes = order(i).prefix(5).map { galleryLabels[$0] }
      let most = votes.map { vote in votes.count { $0 == vote } }.max()
      return votes.first { vote in votes.count { $0 == vote } == most } == queryLabels[i]
    }
    return Double(right) / Double(queries.count)
  }

  private func macro(_ measure: ([Bool]) -> Double) -> Double {
    var byClass: [Int: [Double]] = [:]
    for i in query.indices where hasMatch(i) {
      let matches = order(i).map { galleryLabels[$0] == queryLabels[i] }
      byClass[queryLabels[i], default: []].append(measure(matches))
    }
    let means = byClass.values.map { $0.reduce(0, +) / Double($0.count) }
    return means.reduce(0, +) / Double(means.count)
  }

  private var hubness: Double {
    var counts = gallery.map { _ in 0.0 }
    for i in query.indices { for j in order(i).prefix(10) { counts[j] += 1 } }
    let n = Double(counts.count)
    let mean = counts.reduce(0, +) / n
    let variance = counts.reduce(0) { $0 + pow($1 - mean, 2) } / n
    return counts.reduce(0) { $0 + pow($1 - mean, 3) } / n / pow(variance, 1.5)
  }
}
