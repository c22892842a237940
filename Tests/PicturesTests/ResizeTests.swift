import CPictures
import Pictures
import Testing

@Suite("Resizing as Pillow does")
struct ResizeTests {
  /// Compares the arrays "pil.PICTURE.WxH.FILTER" of an archive, all of them with its pictures.
  private func check(_ path: String) throws -> Int {
    let archive = try NumPyArchive(path)
    var count = 0
    for (name, expected) in archive.arrays.sorted(by: { $0.key < $1.key }) {
      let parts = name.split(separator: ".").map(String.init)
      guard parts[0] == "pil" else { continue }
      let source = try #require(archive.arrays["picture_" + parts[1]])
      let pixels = Pixels(
        width: source.shape[1], height: source.shape[0], channels: 3, bytes: source.values)
      let filter = try #require(ResizeFilter(rawValue: parts[3]))
      let box = Pixels.Box(left: 1.5, top: 2.25, right: 20.75, bottom: 17.5)
      let resized = pixels.resized(
        width: expected.shape[1], height: expected.shape[0], filter: filter,
        box: parts.count == 5 ? box : nil)
      #expect(resized.bytes == expected.values, "\(name)")
      count += 1
    }
    return count
  }

  @Test("The shared arrays", .enabled(if: sharedPictures != nil, "../shared is not here"))
  func shared() throws {
    let folder = try #require(sharedPictures)
    #expect(try check(folder + "/resize.npz") > 90)
  }

  @Test("The small arrays")
  func small() throws {
    #expect(try check(fixtures() + "/resize.npz") > 40)
  }

  @Test("Every number of channels is resized as each channel alone")
  func channels() {
    var random = UInt32(3)
    let bytes = (0..<31 * 23 * 4).map { _ -> UInt8 in
      random = random &* 1_664_525 &+ 1_013_904_223
      return UInt8(random >> 24)
    }
    for filter in ResizeFilter.allCases {
      for (width, height) in [(31, 7), (9, 23), (64, 50), (5, 4), (31, 23)] {
        for channels in 1...4 {
          let all = Pixels(
            width: 31, height: 23, channels: channels, bytes: Array(bytes[..<(31 * 23 * channels)]))
          let resized = all.resized(width: width, height: height, filter: filter)
          for channel in 0..<channels {
            let one = stride(from: channel, to: all.bytes.count, by: channels).map { all.bytes[$0] }
            let alone = Pixels(width: 31, height: 23, channels: 1, bytes: one)
              .resized(width: width, height: height, filter: filter)
            let same = stride(from: channel, to: resized.bytes.count, by: channels)
              .map { resized.bytes[$0] }
            #expect(same == alone.bytes, "\(filter) \(channels) \(width) x \(height)")
          }
        }
      }
    }
  }
}
