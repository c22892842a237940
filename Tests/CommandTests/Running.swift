import Files
import Foundation
import Testing

/// What a command printed and how it ended.
struct Outcome {
  let status: Int32
  let output, error: String
}

let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path

/// The program that was built beside these tests.
let kindredPath: String = {
  var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  for _ in 0..<4 {
    let candidate = folder.appendingPathComponent("kindred").path
    if FileManager.default.isExecutableFile(atPath: candidate), !FileSystem.isFolder(candidate) {
      return candidate
    }
    folder.deleteLastPathComponent()
  }
  return packageRoot + "/.build/release/kindred"
}()

/// Runs the built `kindred` with some words.
func kindred(_ words: String...) throws -> Outcome { try kindred(words) }

func kindred(_ words: [String]) throws -> Outcome { try run(kindredPath, words) }

func run(_ program: String, _ words: [String]) throws -> Outcome {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = words
  let (output, error) = (Pipe(), Pipe())
  (process.standardOutput, process.standardError) = (output, error)
  try process.run()
  // Errors are one line, so they fit the pipe while the output is read.
  let printed = output.fileHandleForReading.readDataToEndOfFile()
  let complained = error.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return Outcome(
    status: process.terminationStatus, output: String(decoding: printed, as: UTF8.self),
    error: String(decoding: complained, as: UTF8.self))
}

/// A folder that goes away with the test.
struct Scratch: ~Copyable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "kindred-test-\(UUID().uuidString)"
    try FileSystem.makeFolder(path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
