import Files
import Index
import Models
import Pictures
import Settings
import Training

let pictureCommand = Subcommand(
  name: "picture",
  summary: "Tell what a picture file holds, and write its pixels upright, resized if asked.",
  positionals: [.init(name: "FILE", summary: "a picture, whatever its name ends in")],
  options: [
    .init("--resize", "W,H", "bring it to this size"),
    .init(
      "--filter", "NAME",
      "how: \(ResizeFilter.allCases.map(\.rawValue).joined(separator: ", ")) (default: bilinear)"),
    .init("--reduction", "N", "decode a JPEG at 1/2, 1/4 or 1/8 of its size: 2, 4 or 8"),
    .init("--prepare", "RUN|FOLDER|WEIGHTS", "write what this model sees of it"),
    .init(
      "--preparation", "NAME",
      "as these were trained: \(allPreparations.map(\.name).joined(separator: ", "))"),
    .init("--stored", "write the pixels as stored, not turned by EXIF data"),
    .init("--out", "X.png|X.npy", "write the pixels: red, green and blue, 8 bits each"),
    Subcommand.json,
  ],
  example: "kindred picture photo.jpg --resize 224,224 --filter bicubic --out small.png",
  run: showPicture)

private func showPicture(_ arguments: Arguments) throws {
  let path = arguments.positionals[0]
  let size = try arguments.value("--resize").map { text throws(Failure) in try pictureSize(text) }
  let filter = try arguments.word("--filter", default: ResizeFilter.bilinear)
  let reduction = try arguments.wholeNumber("--reduction", in: 1...8) ?? 1
  guard [1, 2, 4, 8].contains(reduction) else {
    throw Failure(.badUsage, at: "--reduction", "\(reduction)", expected: "1, 2, 4 or 8")
  }
  guard size != nil || !arguments.has("--filter") else {
    throw Failure(
      .badUsage, at: "--filter", "nothing is resized", remedy: "give --resize W,H too")
  }
  for option in ["--resize", "--prepare", "--preparation"]
  where arguments.has(option) && !arguments.has("--out") {
    throw Failure(
      .badUsage, at: option, "the picture goes nowhere", remedy: "give --out X.npy too")
  }
  let isPrepared = arguments.has("--prepare") || arguments.has("--preparation")
  guard size == nil || !isPrepared else {
    throw Failure(
      .badUsage, at: "kindred picture", "both --resize and --prepare are given",
      expected: "one of them")
  }
  let output = arguments.value("--out")
  if let output, !output.lowercased().hasSuffix(".png"), !output.lowercased().hasSuffix(".npy") {
    throw Failure(.badUsage, at: "--out", "'\(output)'", expected: "X.png or X.npy")
  }
  let (format, picture) = try Picture.read(
    path, options: PictureOptions(reduction: reduction))
  let stored = picture.rgb()
  let upright = picture.orientation == 1 ? stored : picture.upright().rgb()
  if let output, isPrepared {
    try writePrepared(upright, path, arguments, to: output)
  } else if let output {
    var pixels = arguments.has("--stored") ? stored : upright
    if let size {
      pixels = pixels.resized(width: size.width, height: size.height, filter: filter)
    }
    try write(pixels, to: output)
  }
  if arguments.has("--json") {
    Terminal.printJSON([
      "format": .string(format.name), "mode": .string(picture.mode.rawValue),
      "width": JSONValue(picture.width), "height": JSONValue(picture.height),
      "orientation": JSONValue(picture.orientation),
      "nativeSHA256": .string(SHA256.hex(of: picture.nativeBytes())),
      "rgbSHA256": .string(SHA256.hex(of: stored.bytes)),
      "uprightRGBSHA256": .string(SHA256.hex(of: upright.bytes)),
    ])
  } else {
    let turned = picture.orientation == 1 ? "" : ", orientation \(picture.orientation)"
    print(
      "\(format.name), mode \(picture.mode.rawValue), \(picture.width) x \(picture.height)\(turned)"
    )
  }
}

/// Writes what a model sees: numbers, or the pixels that they are made of.
private func writePrepared(
  _ pixels: Pixels, _ path: String, _ arguments: Arguments, to output: String
) throws {
  let isPNG = output.lowercased().hasSuffix(".png")
  if let run = arguments.value("--prepare"), !arguments.has("--preparation"),
    FileSystem.exists(run + "/recipe.json5")
  {
    guard !isPNG else {
      throw Failure(.badUsage, at: "--out", "'\(output)'", expected: "X.npy for a run")
    }
    let item = try TrainedModel(run: run).item(path)
    try NumPyArray(item.reshaped(to: Array(item.shape.dropFirst()))).write(to: output)
    return
  }
  let preparation = try preparation(arguments)
  guard !isPNG else { return try write(preparation.fitted(pixels), to: output) }
  let numbers = preparation.numbers(pixels)
  try NumPyArray(shape: preparation.size + [3], elements: .float32(numbers)).write(to: output)
}

/// The preparation by name, or the one that lies with a model.
private func preparation(_ arguments: Arguments) throws(Failure) -> PicturePreparation {
  if let name = arguments.value("--preparation") {
    return try allPreparations.named(
      name, kind: "preparation", at: "--preparation", mistake: .badUsage)
  }
  let model = try arguments.required("--prepare")
  guard FileSystem.exists(model) else {
    throw Failure(.noInput, at: model, "there is no such model")
  }
  // Weights have it beside them.
  let folder =
    FileSystem.isFolder(model)
    ? model : model.lastIndex(of: "/").map { String(model[..<$0]) } ?? "."
  guard let found = try PicturePreparation.read(folder: folder) else {
    if ImageModel.isModel(model), let encoder = try? ImageModel(model) {
      return try ImageEmbedding.usualPreparation(encoder, weights: model) {
        Terminal.printError("kindred: \($0)")
      }
    }
    throw Failure(
      .badData, at: model, "nothing tells how its pictures are prepared",
      expected: "preprocessor_config.json, or config.json with 'pretrained_cfg'",
      remedy: "give --preparation NAME")
  }
  return found
}

/// A size that pictures may be brought to.
private func pictureSize(_ text: String) throws(Failure) -> (width: Int, height: Int) {
  let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
  let most = 1 << 14
  guard numbers.count == 2, let width = numbers[0], let height = numbers[1],
    (1...most).contains(width), (1...most).contains(height)
  else {
    throw Failure(
      .badUsage, at: "--resize", "'\(text)'", expected: "W,H, each from 1 to \(most)")
  }
  return (width, height)
}

/// Writes pixels as a PNG or, [height, width, channels] of whole numbers, as an `.npy` file.
private func write(_ pixels: Pixels, to path: String) throws(Failure) {
  if path.lowercased().hasSuffix(".png") {
    try FileSystem.write(
      pngFile(
        pixels.bytes, width: pixels.width, height: pixels.height, channels: pixels.channels),
      to: path)
  } else {
    let shape = [pixels.height, pixels.width, pixels.channels]
    try FileSystem.write(NumPyArray.file(bytes: pixels.bytes, shape: shape), to: path)
  }
}
