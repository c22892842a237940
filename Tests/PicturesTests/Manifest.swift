import Files
import Foundation
import Pictures
import Settings
import Testing

/// What a picture is, in the words of a manifest.
struct ManifestEntry: Decodable {
  var format: String?
  var mode: String?
  var width: Int?
  var height: Int?
  var orientation: Int?
  var nativeSHA256: String?
  var rgbSHA256: String?
  /// Other readings that are as right.
  var alsoRGBSHA256: [String]?
  var uprightRGBSHA256: String?
  /// Why Pillow refuses it.
  var error: String?
  var mayRefuse: Bool?

  enum CodingKeys: String, CodingKey {
    case format, mode, width, height, orientation, error
    case nativeSHA256 = "native_sha256"
    case rgbSHA256 = "rgb_sha256"
    case alsoRGBSHA256 = "also_rgb_sha256"
    case uprightRGBSHA256 = "upright_rgb_sha256"
    case mayRefuse = "may_refuse"
  }
}

/// Pictures with what Pillow makes of them.
struct Manifest: Decodable {
  var files: [String: ManifestEntry]

  /// Reads `FOLDER/manifest.json`.
  init(_ folder: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/manifest.json"))
    self = try JSONDecoder().decode(Manifest.self, from: data)
  }

  /// Reads every picture of `FOLDER/pictures` and compares.
  func check(_ folder: String) {
    for (name, entry) in files.sorted(by: { $0.key < $1.key }) {
      do {
        let (format, picture) = try Picture.read(folder + "/pictures/" + name)
        #expect(entry.error == nil, "\(name) is read, though \(entry.error ?? "")")
        guard entry.error == nil else { continue }
        #expect(entry.format == format.name, "\(name)")
        #expect(entry.mode == picture.mode.rawValue, "\(name)")
        #expect(entry.width == picture.width && entry.height == picture.height, "\(name)")
        #expect(entry.orientation == picture.orientation, "\(name)")
        let hash = SHA256.hex(of: picture.rgbBytes())
        let others = entry.alsoRGBSHA256 ?? []
        #expect(entry.rgbSHA256 == hash || others.contains(hash), "\(name)")
        #expect(
          entry.nativeSHA256 == SHA256.hex(of: picture.nativeBytes()) || others.contains(hash),
          "\(name)")
        if let upright = entry.uprightRGBSHA256 {
          #expect(upright == SHA256.hex(of: picture.upright().rgbBytes()), "\(name)")
        }
      } catch {
        #expect(entry.error != nil || entry.mayRefuse == true, "\(name): \(error)")
        #expect(error.kind == .badData, "\(name)")
      }
    }
  }
}

/// The big set of pictures that lies beside the project, not in it; nil where it is not.
let sharedPictures: String? = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let candidates = [
    ProcessInfo.processInfo.environment["KINDRED_PICTURES"],
    root.deletingLastPathComponent().path + "/shared/fixtures/images",
    root.deletingLastPathComponent().deletingLastPathComponent().path + "/shared/fixtures/images",
  ]
  return candidates.compactMap { $0 }.first { FileSystem.exists($0 + "/manifest.json") }
}()

/// The folder of the pictures that `generate.py` made.
func fixtures() throws -> String {
  try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).path
}
