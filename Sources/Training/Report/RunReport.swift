import Autodiff
import Data
import Evaluation
import Files
import Settings

/// A run as one page that needs nothing else: no network, no script.
struct RunReport {
  let result: RunResult
  let data: TrainingData
  /// The test items as they are, and as the run embeds them.
  let raw, trained: ReportedEmbedding
  let comparison: EmbeddingComparison
  /// The raw input of what was watched during the run.
  let watchedBaseline: Evaluation
  /// The threshold of a match, once it was calibrated.
  let calibration: Calibration?
  /// The lines of `metrics.jsonl`.
  let log: [JSONValue]
  let folder: RunFolder
  let history: RunHistory

  /// Reads what the folder holds of the run: its log, its history and its threshold.
  ///
  /// - Parameter embeddings: of the test items.
  init(
    _ result: RunResult, data: TrainingData, embeddings: Tensor, of folder: RunFolder
  ) throws(Failure) {
    (self.result, self.data, self.folder) = (result, data, folder)
    calibration = try RunCalibration.of(run: folder.path)?.calibration
    log = try FileSystem.readText(folder.metrics).split(separator: "\n").compactMap {
      try? JSONValue(json5: String($0), at: folder.metrics)
    }
    history = RunHistory(of: folder)
    func reported(_ name: String, _ vectors: Tensor) throws(Failure) -> ReportedEmbedding {
      try ReportedEmbedding(
        name,
        EmbeddingSet(embeddings: vectors, labels: data.test.labels, name: data.test.name))
    }
    raw = try reported("raw input", data.test.flattened)
    trained = try reported("trained", embeddings)
    comparison = try EmbeddingComparison(
      base: (raw.set, raw.inspection), other: (trained.set, trained.inspection))
    watchedBaseline =
      try data.validation.map { (items) throws(Failure) in try judge(items.flattened, of: items) }
      ?? result.baseline
  }

  /// The page.
  ///
  /// - Parameter onProgress: told the rounds of the map that are done, and how many there are.
  func html(onProgress: (_ done: Int, _ of: Int) -> Void = { _, _ in }) -> String {
    let sections = [
      verdictSection, summarySection, stepsSection, retrievalSection, pairsSection, classesSection,
      mapSection(onProgress: onProgress), hardestSection, confusedSection, definitionsSection,
      recipeSection,
    ].compactMap { $0 }
    let title = result.recipe.description.isEmpty ? "Kindred run" : result.recipe.description
    let links = sections.map { "<a href=\"#\($0.id)\">\(escaped($0.title))</a>" }
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(escaped(title))</title>
      <style>\(reportStyle)</style></head><body><main>
      <h1>\(escaped(title))</h1>
      <nav aria-label="Parts of this page">\(links.joined(separator: "\n"))</nav>
      \(sections.map(\.html).joined(separator: "\n"))
      <footer>kindred \(kindredVersion)</footer>
      </main></body></html>

      """
  }

  func className(_ label: Int) -> String { data.test.classNames[label] }
}

/// Writes the report of a finished run anew, with its threshold if it was calibrated since.
///
/// - Throws: if the run is not finished, or its data are not there.
public func writeReport(
  ofRun path: String, dataRoot: String, onProgress: (_ done: Int, _ of: Int) -> Void
) throws(Failure) {
  let folder = RunFolder(path)
  let model = try TrainedModel(run: path)
  let data = try TrainingData(model.recipe, root: dataRoot)
  try model.check(data.test.itemShape, at: path)
  let embeddings = try embed(data.test, with: model.encoder)
  let saved = try JSONValue(
    json5: try FileSystem.readText(folder.evaluation), at: folder.evaluation)
  func whole(_ key: String) -> Int {
    if case .number(let number)? = saved[key] { Int(exactly: number) ?? 0 } else { 0 }
  }
  var chosenOn: String?
  if case .string(let name)? = saved["chosenOn"] { chosenOn = name }
  let result = RunResult(
    baseline: try judge(data.test.flattened, of: data.test),
    trained: try judge(embeddings, of: data.test), keptStep: whole("keptStep"),
    steps: whole("steps"), chosenOn: chosenOn, overlap: data.overlap, recipe: model.recipe)
  let report = try RunReport(result, data: data, embeddings: embeddings, of: folder)
  try FileSystem.write(report.html(onProgress: onProgress), to: folder.report)
}
