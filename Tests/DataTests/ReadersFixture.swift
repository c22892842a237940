import Data
import Files
import Foundation
import Settings
import Testing

/// The path of a file that generate.py made.
func fixturePath(_ name: String) throws -> String {
  let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
  return folder.appendingPathComponent(name).path
}

/// The array that generate.py expects.
func expected(_ name: String) throws -> (shape: [Int], values: [Float]) {
  let array = try NumPyArray.read(try fixturePath("\(name).npy"))
  guard case .float32(let values) = array.elements else { throw CocoaError(.fileReadCorruptFile) }
  return (array.shape, values)
}

/// The largest difference of a picture from what generate.py expects; infinite for another shape.
func difference(_ image: Image, from name: String) throws -> Float {
  let (shape, values) = try expected(name)
  guard shape == [image.height, image.width, image.channels] else { return .infinity }
  return zip(image.values, values).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// Every prefix of `bytes`, and `bytes` with each byte changed in three ways.
func damaged(_ bytes: [UInt8]) -> [[UInt8]] {
  let changed = bytes.indices.flatMap { index in
    [0xFF, 0x01, 0x80].map { (mask: UInt8) in
      var copy = bytes
      copy[index] ^= mask
      return copy
    }
  }
  return bytes.indices.map { Array(bytes[..<$0]) } + changed
}
