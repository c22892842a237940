import Settings
import Testing

@Suite struct GradcheckTests {
  /// Both kinds of check for a loss and a modifier, all passing.
  @Test func checksGradientsAndPrecision() throws {
    let outcome = try kindred("gradcheck", "contrastive", "matryoshka", "--json")
    #expect(outcome.status == 0, "\(outcome.error)")
    let value = try JSONValue(json5: outcome.output, at: "gradcheck")
    guard case .array(let checks)? = value["checks"] else {
      Issue.record("there are no checks")
      return
    }
    #expect(value["failed"] == 0)
    for name in ["contrastive", "matryoshka"] {
      for kind in ["finite differences", "float32"] {
        let found = checks.filter { check in
          guard case .string(let text)? = check["name"] else { return false }
          return text.hasPrefix(name) && check["check"] == .string(kind)
        }
        #expect(found.count >= 3, "\(name) \(kind)")
      }
    }
  }

  /// With the test's wrong loss there is exit status 1; without it, nobody knows that loss.
  @Test func aWrongLossFails() throws {
    let wrong = try run(
      "/usr/bin/env", ["KINDRED_WRONG_LOSS=1", kindredPath, "gradcheck", "wrong", "--json"])
    #expect(wrong.status == 1)
    let value = try JSONValue(json5: wrong.output, at: "gradcheck")
    guard case .number(let failed)? = value["failed"] else {
      Issue.record("nothing was counted")
      return
    }
    #expect(failed > 0)
    #expect(try kindred("gradcheck", "wrong").status == 64)
  }
}
