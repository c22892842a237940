import Data
import Geometry
import Losses
import Miners
import Settings

extension Recipe {
  /// Refuses memories and classes' weights that would take more memory than there is, before any of
  /// it is taken and before a run folder is made.
  ///
  /// What is reckoned is the least that a step needs.
  /// - Parameter dimension: of an embedding.
  func checkMemory(for train: Dataset, dimension: Int) throws(Failure) {
    let batch = sampler.value.batchSize
    for (i, choice) in losses.enumerated() {
      let place = "losses[\(i)] (\(choice.loss.name))"
      if let memory = choice.memory {
        let compared = memory.drawn > 0 ? memory.drawn : memory.size
        try MemoryBudget.check(
          [memory.size, dimension], bytesEach: 8, for: "the memory", at: "\(place): memory.size")
        try MemoryBudget.check(
          [batch, compared], bytesEach: 8, for: "the distances of a batch to the memory",
          at: "\(place): memory.size")
      }
      let settings = choice.loss.value.settingValues
      let classes = train.classNames.count
      for (key, factor) in [
        ("proxiesPerClass", classes), ("centersPerClass", classes), ("subCenters", classes),
        ("classes", 1),
      ] {
        guard case .number(let number)? = settings[key], let count = Int(exactly: number) else {
          continue
        }
        // Weights, their gradient and the optimiser's memories, and a score of each for each item.
        try MemoryBudget.check(
          [count, factor, dimension], bytesEach: 16, for: "the classes' weights",
          at: "\(place): \(key)")
        try MemoryBudget.check(
          [count, factor, batch], bytesEach: 8, for: "the scores of a batch", at: "\(place): \(key)"
        )
      }
    }
  }
}
