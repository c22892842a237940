import Settings
import Testing

@Suite("The budget of memory")
struct MemoryBudgetTests {
  private func line(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test("Sizes are read with and without units")
  func sizes() {
    let stated = ["8G": 8 << 30, "512M": 512 << 20, "3k": 3 << 10, "1TiB": 1 << 40, "1000": 1000]
    for (text, bytes) in stated {
      #expect(MemoryBudget(environment: ["KINDRED_MEMORY": text]).bytes == bytes)
    }
    for text in ["", "much", "-1G", "0", "1.5G", "99999999999T", "9223372036854775808"] {
      #expect(!MemoryBudget(environment: ["KINDRED_MEMORY": text]).isStated)
      let refused = line { try MemoryBudget.checkVariable(in: ["KINDRED_MEMORY": text]) }
      #expect(text.isEmpty == refused.isEmpty)
    }
    #expect(MemoryBudget.current.bytes > 1 << 20)
  }

  @Test("What is larger is refused with its size, whatever the factors are")
  func refusal() throws {
    let budget = MemoryBudget(bytes: 1 << 30)
    #expect(try budget.check([1 << 20, 256], bytesEach: 4, for: "the rows", at: "a") == 1 << 30)
    #expect(try budget.check([0, 5], for: "the rows", at: "a") == 0)
    let large = line { try budget.check([1 << 20, 257], bytesEach: 4, for: "the rows", at: "a") }
    #expect(
      large == "a: the rows would take 1 GiB (1048576 × 257); expected 1 GiB of memory at most; "
        + "set KINDRED_MEMORY if there is more")
    for shape in [[1 << 62, 4], [0, 1 << 62, 4], [-1, 2], [.max, .max, .max]] {
      #expect(!line { try budget.check(shape, for: "the rows", at: "a") }.isEmpty, "\(shape)")
    }
  }

  @Test("What is packed may take a multiple of its file, unless more is stated")
  func packed() {
    let budget = MemoryBudget(bytes: 1 << 40)
    #expect(budget.unpacking(8000).bytes == 1 << 28)
    #expect(budget.unpacking(1 << 30).bytes == 64 << 30)
    #expect(budget.unpacking(.max).bytes == 1 << 40)
    #expect(MemoryBudget(bytes: 1 << 40, isStated: true).unpacking(8000).bytes == 1 << 40)
    #expect(MemoryBudget(bytes: 1 << 20).unpacking(8000).bytes == 1 << 20)
  }
}
