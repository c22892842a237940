import Autodiff
import Foundation
import Geometry
import Miners
import Settings
import Testing

/// One row of miners.json: what pytorch-metric-learning mines in float64.
struct MinerCase: Sendable, CustomStringConvertible {
  let id, miner: String
  let parameters: [String: JSONValue]
  let embeddings: [[Double]]
  let labels: [Int]
  let triplets, positivePairs, negativePairs: [[Int]]?

  var description: String { id }

  init?(_ row: JSONValue) {
    guard case .string(let id)? = row["id"], case .string(let miner)? = row["miner"],
      case .object(let parameters)? = row["parameters"], let labels = row["labels"]?.numbers
    else { return nil }
    (self.id, self.miner, self.parameters) = (id, miner, parameters)
    self.labels = labels.map { Int($0) }
    embeddings = row["embeddings"]?.rows ?? []
    func tuples(_ key: String) -> [[Int]]? { row[key]?.rows?.map { $0.map { Int($0) } } }
    triplets = tuples("triplets")
    (positivePairs, negativePairs) = (tuples("positivePairs"), tuples("negativePairs"))
  }

  static let all: [MinerCase] = {
    guard let url = Bundle.module.url(forResource: "Fixtures/miners", withExtension: "json"),
      let text = try? String(contentsOf: url, encoding: .utf8),
      case .array(let cases)? = (try? JSONValue(json5: text, at: "miners.json"))?["cases"]
    else { return [] }
    return cases.compactMap { MinerCase($0) }
  }()
}

extension JSONValue {
  fileprivate var numbers: [Double]? {
    guard case .array(let items) = self else { return nil }
    return items.compactMap { if case .number(let number) = $0 { number } else { nil } }
  }
  fileprivate var rows: [[Double]]? {
    guard case .array(let items) = self else { return nil }
    return items.compactMap(\.numbers)
  }
}

@Suite struct GoldenTests {
  @Test func goldenRowsAreOfSevenMiners() {
    #expect(MinerCase.all.count == 42)
    #expect(Set(MinerCase.all.map(\.miner)).count == 7)
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
