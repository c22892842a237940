import Autodiff
import Files
import Foundation
import Index
import Settings

/// Small valid files, made by the program itself.
enum Seeds {
  static let vectors: Tensor = {
    var random = Random(seed: 5)
    return Tensor(normal: [24, 8], deviation: 1, dtype: .float32, random: &random)
  }()

  /// The vectors in a format of `kindred export`.
  static func exported(_ format: String, _ options: ExportOptions = ExportOptions()) throws
    -> [UInt8]
  {
    let found: ExportFormat = try allFormats.named(format, kind: "format", at: "seeds")
    let path = Scratch.path + "/seed." + found.fileExtension
    let whole = ["ivecs", "bvecs", "u8bin"].contains(format)
    let values = vectors.elements(as: Float.self).map { whole ? abs(($0 * 10).rounded()) : $0 }
    try found.write(Tensor(values, shape: [24, 8]), options: options, to: path)
    return try Scratch.read(path)
  }

  static func array(_ shape: [Int], _ elements: NumPyArray.Elements) -> [UInt8] {
    NumPyArray(shape: shape, elements: elements).bytes()
  }
}
