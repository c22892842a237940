import Autodiff
import Foundation
import Miners
import Settings
import Testing

/// One row of miners.json: what pytorch-metric-learning mines in float64.
struct MinerCase: Decodable, Sendable, CustomStringConvertible {
  let id, miner: String
  let parameters: [String: JSONValue]
  let embeddings: [[Double]]
  let labels: [Int]
  let triplets, positivePairs, negativePairs: [[Int]]?

  var description: String { id }

  static let all: [MinerCase] = {
    struct File: Decodable { let cases: [MinerCase] }
    guard let url = Bundle.module.url(forResource: "Fixtures/miners", withExtension: "json"),
      let file = try? JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    else { return [] }
    return file.cases
  }()
}

@Suite struct GoldenTests {
  @Test func everyMinerHasGoldenRows() {
    let golden = Set(MinerCase.all.map(\.miner))
    #expect(allMiners.map(\.name).filter { !golden.contains($0) } == [])
  }

  @Test(arguments: MinerCase.all, DType.allCases)
  func tuplesMatch(_ row: MinerCase, dtype: DType) throws {
    let found: any Miner = try allMiners.named(row.miner, kind: "miner", at: row.id)
    let miner = try found.setting(row.parameters, at: row.id)
    try miner.validate(at: row.id)
    let embeddings = Tensor(
      row.embeddings.flatMap { $0 }, shape: [row.labels.count, row.embeddings[0].count])
    let tuples = miner.mine(
      embeddings.converted(to: dtype), labels: row.labels, reference: nil, random: Random(seed: 0))
    switch tuples {
    case .pairs(let positive, let negative):
      #expect(positive.sorted().map { [$0.anchor, $0.other] } == row.positivePairs)
      #expect(negative.sorted().map { [$0.anchor, $0.other] } == row.negativePairs)
    case .triplets(let triplets):
      #expect(triplets.sorted().map { [$0.anchor, $0.positive, $0.negative] } == row.triplets)
    }
  }
}
