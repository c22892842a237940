import Autodiff
import Evaluation
import Testing

@Suite struct DataAuditTests {
  @Test func findsWhatWasPlanted() throws {
    var random = Random(seed: 6)
    var rows: [[Double]] = []
    var labels: [Int] = []
    for group in 0..<4 {
      for _ in 0..<25 {
        rows.append((0..<4).map { ($0 == group ? 10 : 0) + random.normal() })
        labels.append(group)
      }
    }
    labels[3] = 2  // a wrong label
    rows[40] = rows[30].map { $0 + 1e-4 }  // a near duplicate
    rows[60] = rows[60].enumerated().map { $0.offset == 3 ? 7 : $0.element }  // far from its class
    let flat = rows.flatMap { $0 }
    let audit = try DataAudit(
      EmbeddingSet(embeddings: Tensor(flat, shape: [100, 4]), labels: labels))
    #expect(audit.suspicions.first?.item == 3 && audit.suspicions.first?.label == 0)
    #expect(audit.suspicions.count <= 3)
    #expect(audit.duplicates.map { [$0.first, $0.second] } == [[30, 40]])
    #expect(audit.outliers.prefix(2).contains { $0.item == 60 })
    // Four groups: the first four prototypes are one of each.
    let groups = Set(audit.prototypes.prefix(4).map { $0 / 25 })
    #expect(groups.count == 4 && audit.prototypes.count == 10)
    #expect(Set(audit.prototypes).isDisjoint(with: audit.criticisms) && !audit.criticisms.isEmpty)
  }

  @Test func nothingIsSuspiciousWhereAllIsEqual() throws {
    for count in [1, 2, 12] {
      let audit = try DataAudit(
        EmbeddingSet(
          embeddings: Tensor(repeating: 1, shape: [count, 3], dtype: .float32),
          labels: [Int](repeating: 0, count: count)))
      #expect(audit.suspicions.isEmpty && audit.outliers.isEmpty)
      #expect(audit.duplicates.count <= count)
    }
  }
}
