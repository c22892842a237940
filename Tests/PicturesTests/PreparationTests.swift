import Files
import Foundation
import Pictures
import Settings
import Testing

@Suite("What a network sees of a picture")
struct PreparationTests {
  private func pixels(_ array: (shape: [Int], values: [UInt8])) -> Pixels {
    Pixels(width: array.shape[1], height: array.shape[0], channels: 3, bytes: array.values)
  }

  /// Compares "eval.PICTURE": shorter edge 32, the middle 28, as torchvision does.
  private func check(_ path: String) throws {
    let archive = try NumPyArchive(path)
    let preparation = try PicturePreparation().setting(["size": [28, 28], "edge": 32], at: "test")
    var count = 0
    for (name, expected) in archive.floats where name.hasPrefix("eval.") {
      let source = try #require(archive.arrays["picture_" + name.dropFirst(5)])
      let numbers = preparation.numbers(pixels(source))
      #expect(zip(numbers, expected.values).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
      #expect(numbers.count == expected.values.count)
      count += 1
    }
    #expect(count >= 2)
  }

  @Test("The shared arrays", .enabled(if: sharedPictures != nil, "../shared is not here"))
  func shared() throws {
    let path = try #require(sharedPictures) + "/resize.npz"
    try check(path)
    let archive = try NumPyArchive(path)
    for (name, expected) in archive.arrays {
      let parts = name.split(separator: ".").map(String.init)
      guard parts[0] == "crop" || parts[0] == "classic" else { continue }
      var preparation = PicturePreparation()
      preparation.size = Array(expected.shape.prefix(2))
      (preparation.fit, preparation.edge) = parts[0] == "crop" ? (.none, 0) : (.crop, 0)
      let source = try #require(archive.arrays["picture_" + parts[1]])
      #expect(preparation.fitted(pixels(source)).bytes == expected.values, "\(name)")
    }
  }

  @Test("The small arrays")
  func small() throws { try check(fixtures() + "/resize.npz") }

  @Test("A picture of any shape comes out in one size", arguments: PicturePreparation.Fit.allCases)
  func shapes(_ fit: PicturePreparation.Fit) throws {
    for (width, height) in [(1, 1), (3, 50), (50, 3), (16, 16), (17, 15)] {
      let picture = Pixels(
        width: width, height: height, channels: 3,
        bytes: [UInt8](repeating: 200, count: width * height * 3))
      var preparation = PicturePreparation()
      (preparation.fit, preparation.size, preparation.edge) = (fit, [12, 9], 16)
      let fitted = preparation.fitted(picture)
      #expect(fitted.width == 9 && fitted.height == 12)
      #expect(fitted.bytes.allSatisfy { $0 == 200 || $0 == 0 })
    }
  }

  private func read(processor text: String) throws -> PicturePreparation {
    try PicturePreparation(processor: try JSONValue(json5: text, at: "test"), at: "test")
  }

  @Test("Files of Hugging Face")
  func processors() throws {
    let clip = try read(
      processor: """
        {"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_normalize": true,
        "do_resize": true, "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": {"shortest_edge": 224}}
        """)
    #expect(clip == allPreparations.first { $0.name == "clip" }?.value)
    let old = try read(processor: #"{"crop_size": 224, "size": 256, "resample": 2}"#)
    #expect(old.fit == .crop && old.edge == 256 && old.size == [224, 224])
    let vit = try read(
      processor:
        #"{"do_resize": true, "size": 384, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#
    )
    #expect(vit.fit == .stretch && vit.size == [384, 384] && vit.mean == [0.5, 0.5, 0.5])
    let convnext = try read(processor: #"{"size": {"shortest_edge": 224}, "crop_pct": 0.875}"#)
    #expect(convnext.fit == .crop && convnext.edge == 256 && convnext.size == [224, 224])
    let plain = try read(
      processor: #"{"size": {"height": 8, "width": 9}, "do_rescale": false, "do_normalize": false}"#
    )
    #expect(plain.scale == 1 && plain.mean == [0, 0, 0] && plain.deviation == [1, 1, 1])
  }

  @Test("Files of timm")
  func pretrained() throws {
    let json = try JSONValue(
      json5:
        #"{"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.9, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}"#,
      at: "test")
    let vit = try PicturePreparation(pretrained: json, at: "test")
    #expect(vit == allPreparations.first { $0.name == "half" }?.value)
  }

  @Test(
    "What cannot be is refused",
    arguments: [
      #"{"size": {"shortest_edge": 224}}"#, #"{"size": -3}"#, #"{"size": "big"}"#,
      #"{"size": 224, "resample": 17}"#, #"{"size": 224, "image_mean": [1, 2]}"#,
      #"{"size": 224, "image_std": [1, 0, 1]}"#, "[]", #"{"do_resize": false}"#,
      #"{"size": {"height": 256, "width": 256}, "crop_size": 224}"#,
      #"{"image_processor_type": "DeiTImageProcessor", "size": 256, "crop_size": 224}"#,
    ])
  func refusals(_ text: String) {
    #expect(throws: Failure.self) { try read(processor: text) }
  }
}
