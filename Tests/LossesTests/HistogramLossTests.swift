import Autodiff
import Geometry
import Losses
import Miners
import Testing

/// Pairs of labels, of which half are looked at, against the same pairs in a list.
@Suite struct HistogramLossTests {
  @Test(arguments: [DType.float32, .float64], [false, true])
  func pairsOfLabelsAreThoseOfAList(dtype: DType, isMemory: Bool) {
    // Classes of one item, before and after the others, and a row alone in the memory: such rows are in
    // no triplet as anchors, but others' pairs with them are.
    let labels = (0..<70).map { $0 < 5 || $0 >= 60 ? 100 + $0 : $0 / 4 }
    var random = Random(seed: 3)
    let x = Tensor(normal: [70, 6], deviation: 1, dtype: dtype, random: &random)
    var input = LossInput(embeddings: x, labels: labels)
    var columns = labels
    var places: [Int?] = labels.indices.map { $0 }
    if isMemory {
      columns = [90, 3, 3] + labels.prefix(40) + [5]
      places = labels.indices.map { $0 < 40 ? $0 + 3 : nil }
      let memory = Tensor(normal: [columns.count, 6], deviation: 1, dtype: dtype, random: &random)
      input.reference = ReferenceSet(embeddings: memory, labels: columns, places: places)
    }
    var (positive, negative): ([Pair], [Pair]) = ([], [])
    for i in labels.indices {
      for j in columns.indices where places[i] != j {
        if labels[i] == columns[j] {
          positive.append(Pair(i, j))
        } else {
          negative.append(Pair(i, j))
        }
      }
    }
    var listed = input
    listed.tuples = .pairs(positive: positive, negative: negative)
    let loss = HistogramLoss()
    let (found, gradient) = valueWithGradient(at: x) { x in
      var input = input
      input.embeddings = x
      return loss(input).value
    }
    let (expected, pull) = valueWithGradient(at: x) { x in
      var input = listed
      input.embeddings = x
      return loss(input).value
    }
    #expect(found.item > 0.1)
    #expect(found.item == expected.item)
    #expect(gradient.elements(as: Double.self) == pull.elements(as: Double.self))
  }
}
