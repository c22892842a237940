import Autodiff
import Geometry
import Miners
import Testing

@Suite struct PairTableTests {
  /// Whether labels fall into classes or not, each pair is what its labels are to each other.
  @Test(arguments: [
    Likeness.classes([4, 4, 2, 0]),
    .sets([[1], [1, 2], [3], [4]]),
    .sets([[1], [1, 2], [2], [4]]),
    .scores([LabelPair(0, 1): 1, LabelPair(0, 2): 0, LabelPair(1, 2): 0], threshold: 1),
    .scores([LabelPair(0, 1): 1, LabelPair(0, 2): 0], threshold: 1),
    .scores([LabelPair(0, 1): 1, LabelPair(0, 2): 1, LabelPair(1, 2): 0], threshold: 0.5),
  ]) func pairsAreWhatTheirLabelsAre(likeness: Likeness) {
    var both = likeness
    if case .scores(let scores, let threshold) = likeness {
      var turned = scores
      for (pair, score) in scores { turned[LabelPair(pair.second, pair.first)] = score }
      both = .scores(turned, threshold: threshold)
    }
    let (rows, others) = ([2, 0, 1, 1, 0], [0, 2, 1, 1, 2, 0])
    let places: [Int?] = [nil, 0, 3, nil, 5]
    let reference = ReferenceSet(
      embeddings: Tensor(zeros: [6, 1], dtype: .float32), labels: others, places: places)
    for reference in [nil, reference] {
      let columns = reference?.labels ?? rows
      let table = PairTable(labels: rows, reference: reference, likeness: both)
      for row in rows.indices {
        let kinds = [Int32](unsafeUninitializedCapacity: columns.count) { kinds, count in
          count = columns.count
          table.fill(.init(rebasing: kinds[..<count]), row: row)
        }
        let own = reference == nil ? row : places[row]
        let expected = columns.indices.map { $0 == own ? 0 : both.kind(rows[row], columns[$0]) }
        #expect(kinds == expected)
      }
    }
  }
}
