import Settings
import Testing

@Suite struct WholeNumberTests {
  @Test func exactNumbersOnly() {
    for number in [0, -0.0, 1, -1, 0x1p53, -0x1p53] { #expect(Int(exact: number) == Int(number)) }
    for number in [0.5, .nan, .infinity, 0x1p53 + 2, -0x1p60, 1e300, .leastNonzeroMagnitude] {
      #expect(Int(exact: number) == nil)
    }
  }

  @Test func computedNumbersStayInRange() {
    #expect(Int(within: 2.9) == 2 && Int(within: -2.9) == -2 && Int(within: .nan) == 0)
    for number in [0x1p63, 1e300, .infinity] {
      #expect(Int(within: number) == .max && Int(within: -number) == .min)
    }
    #expect(Int(within: (0x1p63).nextDown) == Int((0x1p63).nextDown))
  }

  @Test func classesAreCountedByTheLargestLabel() {
    #expect([2, 0, 5].classCount == 6 && [-3].classCount == 0 && [Int]().classCount == 0)
    #expect([Int.max - 1].classCount == .max && [.max].classCount == .max)
  }
}
