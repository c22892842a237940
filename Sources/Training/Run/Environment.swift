import Autodiff
import Data
import Foundation
import Settings

/// What a run depends on beside its recipe, for `environment.json`.
func environmentValue(of data: TrainingData) -> JSONValue {
  var datasets: [String: JSONValue] = [
    "train": description(of: data.train), "test": description(of: data.test),
  ]
  if let validation = data.validation { datasets["validation"] = description(of: validation) }
  return environmentValue(ofData: datasets)
}

/// The same, of data that are told in words and numbers.
func environmentValue(ofData datasets: [String: JSONValue]) -> JSONValue {
  [
    "kindred": .string(kindredVersion),
    "swift": .string(swiftVersion),
    "system": .string(ProcessInfo.processInfo.operatingSystemVersionString),
    "architecture": .string(machine),
    "instructionSet": .string(InstructionSet.current.rawValue),
    "processors": JSONValue(ProcessInfo.processInfo.activeProcessorCount),
    "threads": JSONValue(Parallel.threadCount),
    "data": .object(datasets),
  ]
}

private func description(of dataset: Dataset) -> JSONValue {
  [
    "name": .string(dataset.name),
    "items": JSONValue(dataset.count),
    "classes": JSONValue(dataset.classNames.count),
    "itemShape": .array(dataset.itemShape.map { JSONValue($0) }),
    "fnv1a64": .string(String(dataset.hash, radix: 16)),
  ]
}

private var swiftVersion: String {
  #if compiler(>=6.3)
    "6.3 or later"
  #else
    "6.2"
  #endif
}

private var machine: String {
  #if arch(x86_64)
    "x86_64"
  #elseif arch(arm64)
    "arm64"
  #else
    "other"
  #endif
}
