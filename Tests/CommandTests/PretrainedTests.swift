import Files
import Foundation
import Settings
import Testing

/// `kindred embed` on weights that a library wrote.
@Suite("kindred embed WEIGHTS") struct PretrainedTests {
  private let fixtures = packageRoot + "/Tests/ModelsTests/Fixtures/encoders"

  /// The fixture's input with its channels last, and the features that the library gives.
  private func prepared(_ name: String, in folder: String) throws -> (path: String, [Double]) {
    let file = try SafetensorsFile.read("\(fixtures)/\(name).expected.safetensors")
    let input = try #require(file["input"])
    let (n, c, h, w) = (input.shape[0], input.shape[1], input.shape[2], input.shape[3])
    let values = input.bytes.withUnsafeBytes { bytes in
      (0..<n * h * w * c).map { e in
        let (image, pixel, channel) = (e / (h * w * c), e / c % (h * w), e % c)
        return bytes.loadUnaligned(
          fromByteOffset: 4 * ((image * c + channel) * h * w + pixel), as: Float.self)
      }
    }
    let path = folder + "/X.npy"
    try NumPyArray(shape: [n, h, w, c], elements: .float32(values)).write(to: path)
    let features = try #require(file["features.eval"]).bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
    return (path, features)
  }

  @Test(arguments: ["vit", "mobilenet-v2"]) func preparedItems(name: String) throws {
    let scratch = try Scratch()
    let (input, expected) = try prepared(name, in: scratch.path)
    let out = scratch.path + "/E.npy"
    for (dtype, bound) in [("float64", 1e-9), ("float32", 1e-4)] {
      let outcome = try kindred(
        "embed", "\(fixtures)/\(name).safetensors", "--input", input, "--dtype", dtype, "--out",
        out, "--json")
      #expect(outcome.status == 0, "\(outcome.error)")
      let found = try NumPyArray.read(out).matrix(at: out, as: Double.self)
      #expect(found.rows == 3 && found.values.count == expected.count)
      let size = expected.map { abs($0) }.max() ?? 1
      let error = zip(found.values, expected).map { abs($0 - $1) }.max() ?? 1
      #expect(error < bound * max(1, size), "\(name) \(dtype): \(error)")
    }
  }

  @Test func picturesSayTheirPreparation() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a.ppm"
    try FileSystem.write("P3 2 2 255\n1 2 3 4 5 6\n250 251 252 7 8 9\n", to: path)
    let (weights, out) = ("\(fixtures)/vit.safetensors", scratch.path + "/E.npy")
    let outcome = try kindred("embed", weights, "--input", path, "--out", out)
    #expect(outcome.status == 0 && outcome.error.contains("half, 32×32"), "\(outcome.error)")
    let named = try kindred(
      "embed", weights, "--input", path, "--preparation", "imagenet", "--out", out)
    #expect(named.status == 0 && named.error.isEmpty, "\(named.error)")
    #expect(try NumPyArray.read(out).shape == [1, 24])
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let scratch = try Scratch()
    let (input, _) = try prepared("vit", in: scratch.path)
    let (weights, out) = ("\(fixtures)/vit.safetensors", scratch.path + "/E.npy")
    let hostile = packageRoot + "/Tests/FilesTests/Fixtures/checkpoints/hostile-zip.pth"
    for (words, status, text) in [
      ([weights, "--input", input, "--preparation", "clip"], 64, "taken as they are"),
      ([weights, "--input", input, "--prompt", "query"], 64, "this is for texts"),
      ([weights, "--input", input, "--model", "{heads: 5}"], 65, "5 heads do not divide"),
      ([weights, "--input", input, "--model", "{hands: 3}"], 65, "no setting 'hands'"),
      ([weights, "--input", scratch.path + "/none.npy"], 66, "no such file"),
      ([hostile, "--input", input], 65, "nothing was run"),
      (["\(fixtures)/vit.expected.safetensors", "--input", input], 65, "no known image encoder"),
    ] as [([String], Int32, String)] {
      let outcome = try kindred(["embed"] + words + ["--out", out])
      #expect(outcome.status == status && outcome.error.contains(text), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1)
    }
  }
}
