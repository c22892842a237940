import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

@Suite struct CrossBatchMemoryTests {
  private let labels = [0, 0, 1, 1, 2, 2]

  private func rows(_ seed: UInt64, dtype: DType = .float64) -> Tensor {
    var random = Random(seed: seed)
    return Tensor(normal: [6, 4], deviation: 1, dtype: dtype, random: &random)
  }

  private func composite(
    _ loss: any Loss, _ memory: CrossBatchMemory?, miner: (any Miner)? = nil
  ) -> CompositeLoss {
    var result = CompositeLoss([LossTerm(name: "loss", loss: loss, miner: miner, memory: memory)])
    result.makeParameters(classCount: 3, dimension: 4, dtype: .float64, random: Random(seed: 0))
    return result
  }

  @Test(
    arguments: allLosses.filter { $0.value is any PairwiseLoss || $0.value is TripletMarginLoss })
  func theFirstBatchGivesThePlainLoss(_ named: Named<any Loss>) {
    let (plain, remembering) = (
      composite(named.value, nil), composite(named.value, CrossBatchMemory(size: 50))
    )
    let value = plain(rows(1), labels: labels, random: Random(seed: 0)).value.item
    let same = remembering(rows(1), labels: labels, random: Random(seed: 0)).value.item
    #expect(abs(value - same) < 1e-12)
  }

  @Test func theFirstBatchGivesHalfTheGradient() {
    let (plain, remembering) = (
      composite(ContrastiveLoss(), nil), composite(ContrastiveLoss(), CrossBatchMemory(size: 50))
    )
    let (batch, labels) = (rows(1), labels)
    let (_, whole) = valueWithGradient(at: batch) {
      plain($0, labels: labels, random: Random(seed: 0)).value
    }
    let (_, half) = valueWithGradient(at: batch) {
      remembering($0, labels: labels, random: Random(seed: 0)).value
    }
    let pairs = zip(whole.elements(as: Double.self), half.elements(as: Double.self))
    #expect(pairs.allSatisfy { abs($0 - 2 * $1) < 1e-12 })
    #expect(whole.elements(as: Double.self).contains { abs($0) > 1e-3 })
  }

  @Test func laterBatchesAreComparedWithEarlierOnes() {
    var composite = composite(
      ContrastiveLoss(), CrossBatchMemory(size: 50), miner: PairMarginMiner())
    composite.remember(rows(1), labels: labels)
    let found = composite(rows(2), labels: labels, random: Random(seed: 0)).value.item
    let reference = ReferenceSet(
      embeddings: Tensor.concatenated([rows(1), rows(2)]), labels: labels + labels,
      places: (6..<12).map { $0 })
    let tuples = PairMarginMiner().mine(
      rows(2), labels: labels, reference: reference, random: Random(seed: 0))
    let expected = ContrastiveLoss()(
      LossInput(embeddings: rows(2), labels: labels, tuples: tuples, reference: reference))
    #expect(found == expected.value.item)
  }

  @Test func theRingKeepsTheLatestRows() throws {
    var memory = CrossBatchMemory(size: 8)
    memory.clear(dimension: 4, dtype: .float64)
    memory.remember(rows(1), labels: labels)
    let reference = try #require(memory.reference(for: rows(2), labels: [3, 4, 5, 6, 7, 8]))
    #expect(reference.labels == [5, 6, 7, 8, 2, 2, 3, 4])
    #expect(reference.places == [6, 7, 0, 1, 2, 3])
    let found = reference.embeddings.rows(at: [6, 7, 0, 1, 2, 3]).elements(as: Double.self)
    #expect(found == rows(2).elements(as: Double.self))
    #expect(memory.count == 6)
  }

  @Test func ofABatchBeyondTheSizeTheLastRowsStay() throws {
    var memory = CrossBatchMemory(size: 4)
    memory.clear(dimension: 4, dtype: .float64)
    let reference = try #require(memory.reference(for: rows(1), labels: labels))
    #expect(reference.labels == [2, 2, 1, 1])
    #expect(reference.places == [nil, nil, 2, 3, 0, 1])
  }

  @Test func aMemoryThatWarmsUpIsFilledButNotUsed() {
    var memory = CrossBatchMemory(size: 50, warmup: 2)
    memory.clear(dimension: 4, dtype: .float64)
    for _ in 0..<2 {
      #expect(memory.reference(for: rows(1), labels: labels)?.labels == nil)
      memory.remember(rows(1), labels: labels)
    }
    #expect(memory.reference(for: rows(1), labels: labels)?.labels.count == 18)
  }

  @Test func aBankMovesEachItemsSlot() throws {
    var memory = CrossBatchMemory(size: 10)
    memory.slots = .item
    memory.clear(dimension: 2, dtype: .float64)
    let first = Tensor([3.0, 0, 0, 2], shape: [2, 2])
    memory.remember(first, labels: [7, 7], items: [4, 1])
    #expect(memory.count == 2)
    // Item 4 is compared with what it was, a new one with itself; their slots come in order.
    let second = Tensor([0.0, 5, 1, 0], shape: [2, 2])
    let reference = try #require(memory.reference(for: second, labels: [7, 8], items: [4, 2]))
    #expect(reference.embeddings.elements(as: Double.self) == [0, 1, 1, 0, 1, 0])
    #expect(reference.labels == [7, 8, 7])
    #expect(reference.places.isEmpty)
    memory.remember(second, labels: [7, 8], items: [4, 2])
    let moved = try #require(memory.reference(for: second, labels: [7, 8], items: [4, 2]))
    let half = 0.5.squareRoot()
    let last = moved.embeddings.elements(as: Double.self).suffix(2)
    #expect(last.allSatisfy { abs($0 - half) < 1e-12 })
    // Opposite and empty rows leave a slot where it was.
    for row in [[-half, -half], [0, 0]] {
      memory.remember(Tensor(row, shape: [1, 2]), labels: [7], items: [4])
      let again = try #require(memory.reference(for: second, labels: [7, 8], items: [4, 2]))
      let last = again.embeddings.elements(as: Double.self).suffix(2)
      #expect(last.allSatisfy { abs($0 - half) < 1e-6 })
    }
    memory.drawn = 1
    let some = try #require(
      memory.reference(for: first.rows(at: [0]), labels: [7], items: [4], random: Random(seed: 3)))
    #expect(some.labels.count == 2)
  }

  @Test func stateFromAFileIsChecked() throws {
    var memory = CrossBatchMemory(size: 4)
    memory.clear(dimension: 4, dtype: .float64)
    try memory.validate(at: "file")
    for bad in [-1, 0.5, .nan, .infinity] {
      var damaged = memory
      damaged.updateState { name, tensor in
        if name == "counts" { tensor = Tensor([bad, 0], shape: [2]) }
      }
      #expect(throws: Failure.self) { try damaged.validate(at: "file") }
    }
  }
}
