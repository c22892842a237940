import Files
import Settings

/// The arrays of bytes and of floats in an `.npz` file, packed or not.
struct NumPyArchive {
  private(set) var arrays: [String: (shape: [Int], values: [UInt8])] = [:]
  private(set) var floats: [String: (shape: [Int], values: [Float])] = [:]

  init(_ path: String) throws(Failure) {
    let bytes = try FileSystem.read(path)
    func number(_ offset: Int, _ size: Int) -> Int {
      bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    // The directory at the end names the members.
    let end = bytes.count - 22
    var entry = number(end + 16, 4)
    for _ in 0..<number(end + 10, 2) {
      let lengths = (
        name: number(entry + 28, 2), more: number(entry + 30, 2) + number(entry + 32, 2)
      )
      let name = String(decoding: bytes[entry + 46..<entry + 46 + lengths.name], as: UTF8.self)
      let local = number(entry + 42, 4)
      let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
      let packed = bytes[start..<start + number(entry + 20, 4)]
      let isPacked = number(entry + 10, 2) == 8
      let member =
        isPacked
        ? try Inflate.raw(packed, limit: number(entry + 24, 4), at: name).output : Array(packed)
      let array = try NumPyArray(bytes: member, at: name)
      let key = String(name.dropLast(4))
      switch array.elements {
      case .int32(let values) where values.allSatisfy({ (0...255).contains($0) }):
        arrays[key] = (array.shape, values.map { UInt8($0) })
      case .float32(let values): floats[key] = (array.shape, values)
      default: break
      }
      entry += 46 + lengths.name + lengths.more
    }
  }
}
