import Data
import Files
import Foundation
import Settings
import Testing
import Training

/// What earlier versions wrote still opens; Fixtures/earlier/README tells how it was made.
@Suite struct EarlierVersions {
  private func fixture(_ name: String) throws -> String {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return folder.appendingPathComponent("earlier/" + name).path
  }

  @Test func aFinishedRunIsJudgedAsItWas() throws {
    let run = try fixture("finished")
    let model = try TrainedModel(run: run)
    let data = try TrainingData(model.recipe, root: try fixture(""))
    let found = try judge(try embed(data.test, with: model.encoder), of: data.test)
    let saved = try JSONValue(
      json5: try FileSystem.readText(run + "/evaluation.json"), at: "evaluation.json")
    for name in ["recall@1", "map@r", "auc", "opis"] {
      guard case .number(let expected)? = saved["trained"]?[name] else {
        Issue.record("\(name) is missing")
        continue
      }
      #expect(abs((found[name] ?? .nan) - expected) < 1e-6, "\(name)")
    }
    let calibration = try #require(try RunCalibration.of(run: run))
    #expect(calibration.calibration.requestedRate == 0.1)
    #expect(calibration.perQuery != nil && calibration.perItem != nil)
  }

  /// Memory, momentum encoder, sampler, guard, histogram, proxies and optimiser come from the file.
  @Test func aStoppedRunGoesOnToTheSameModel() throws {
    let scratch = try Scratch()
    let run = scratch.path + "/run"
    try FileManager.default.copyItem(atPath: try fixture("stopped"), toPath: run)
    let recipe = try Recipe(path: try fixture("recipe.json5"))
    var firstStep: Int?
    let result = try Training.train(
      recipe, into: RunFolder(run), dataRoot: try fixture(""), resuming: true
    ) { event in
      if case .started(let trainer) = event { firstStep = trainer.step }
      return false
    }
    #expect(firstStep == 14 && result?.steps == 40)
    let (found, expected) = try (
      TrainedModel(run: run), TrainedModel(run: try fixture("finished"))
    )
    for (a, b) in zip(
      found.encoder.parameters + found.loss.parameters,
      expected.encoder.parameters + expected.loss.parameters)
    {
      let pairs = zip(a.value.elements(as: Double.self), b.value.elements(as: Double.self))
      #expect(a.name == b.name && pairs.allSatisfy { abs($0 - $1) < 1e-4 }, "\(a.name)")
    }
  }
}
