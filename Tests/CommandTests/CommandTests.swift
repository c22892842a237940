import Foundation
import Testing

@Suite struct CommandLineContract {
  @Test func helpAndVersion() throws {
    let help = try kindred("--help")
    #expect(help.status == 0)
    for name in [
      "train", "evaluate", "compare", "calibrate", "embed", "export", "search", "loss", "mine",
      "gradcheck",
      "list",
      "recipes",
    ] {
      #expect(help.output.contains("\n  \(name) "))
      let own = try kindred(name, "--help")
      #expect(own.status == 0)
      #expect(own.output.contains("Example: kindred \(name)"))
    }
    #expect(try kindred("--version").output.hasPrefix("kindred "))
  }

  @Test(arguments: [
    (["trian"], 64, "did you mean 'train'?"),
    (["train"], 64, "RECIPE is missing"),
    (["train", "recipes/none.json5", "--out", "/tmp/kindred-none"], 66, "there is no such file"),
    (
      ["loss", "contrastve", "--embeddings", "a", "--labels", "b"], 64,
      "did you mean 'contrastive'?"
    ),
    (["list", "lossess"], 64, "did you mean 'losses'?"),
    (["mine", "batch-hard", "--embedings", "a"], 64, "did you mean '--embeddings'?"),
    (["mine", "batch-hard"], 64, "--embeddings: the option is missing"),
    (["mine", "batch-hard", "--embeddings", "/none.npy", "--labels", "y"], 66, "/none.npy"),
    (["train", "x", "--threads"], 64, "'--threads' has no value"),
    (["list", "losses", "--threads", "0"], 64, "there is no option"),
  ])
  func mistakesAreOneLineWithAStatus(words: [String], status: Int, message: String) throws {
    let outcome = try kindred(words)
    #expect(outcome.status == Int32(status), "\(outcome)")
    #expect(outcome.output.isEmpty)
    #expect(outcome.error.hasPrefix("kindred: "))
    #expect(outcome.error.contains(message), "\(outcome.error)")
    #expect(outcome.error.filter { $0 == "\n" }.count == 1)
  }

  @Test(arguments: [
    "losses", "miners", "samplers", "models", "optimizers", "datasets", "formats", "metrics",
  ])
  func listsAreJSON(kind: String) throws {
    let outcome = try kindred("list", kind, "--json")
    #expect(outcome.status == 0)
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let entries = try #require((object as? [String: Any])?[kind] as? [[String: Any]])
    #expect(!entries.isEmpty)
    #expect(entries.allSatisfy { ($0["summary"] as? String)?.isEmpty == false })
  }
}
