import Settings
import Testing
import Training

@Suite struct ShardTests {
  @Test(arguments: [0, 1, 5, 7, 100], [1, 2, 3, 8])
  func partsCoverAllItemsOnce(count: Int, of: Int) throws {
    let ranges = try (1...of).map { try Shard("\($0)/\(of)", at: "test").range(of: count) }
    #expect(ranges.flatMap { Array($0) } == Array(0..<count))
    let sizes = ranges.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test(arguments: ["0/2", "3/2", "1", "1/0", "a/2", "1/2/3", "-1/2", ""])
  func otherPartsAreRefused(text: String) {
    #expect(throws: Failure.self) { try Shard(text, at: "test") }
  }

  private func record(_ first: Int, _ rows: Int, model: String = "m") -> (String, ShardRecord) {
    ("part\(first)", ShardRecord(first: first, rows: rows, total: 10, items: "i", model: model))
  }

  @Test func orderDoesNotMatterAndNothingMayBeMissingOrDoubled() throws {
    let parts = [record(7, 3), record(0, 4), record(4, 0), record(4, 3)]
    #expect(try ShardRecord.order(parts) == [1, 2, 3, 0])
    for wrong in [
      [record(0, 4), record(7, 3)], [record(0, 4), record(4, 6), record(4, 6)],
      [record(0, 4), record(3, 7)], [record(0, 9)], [record(0, 5), record(5, 5, model: "n")],
    ] { #expect(throws: Failure.self) { try ShardRecord.order(wrong) } }
  }
}
