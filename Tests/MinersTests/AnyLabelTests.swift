import Autodiff
import Geometry
import Miners
import Settings
import Testing

/// Labels are any whole numbers: a miner finds what it finds for small ones.
@Suite struct AnyLabelTests {
  @Test(arguments: allMiners) func findTheSame(_ named: Named<any Miner>) {
    let plain = (0..<24).map { $0 / 2 % 4 }
    var random = Random(seed: 6)
    let embeddings = Tensor(normal: [24, 5], deviation: 1, dtype: .float32, random: &random)
    func mined(_ labels: [Int]) -> Tuples {
      named.value.mine(embeddings, labels: labels, reference: nil, random: Random(seed: 1))
    }
    for numbers in [[Int.min, -1, 1 << 53 + 1, .max], [1 << 31, 1 << 40, .max - 1, .max]] {
      #expect(mined(plain.map { numbers[$0] }) == mined(plain))
    }
  }
}
