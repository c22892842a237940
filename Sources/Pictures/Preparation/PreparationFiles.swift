import Files
import Settings

extension PicturePreparation {
  /// What a model folder says: `preprocessor_config.json` of Hugging Face, or timm's
  /// `pretrained_cfg` in `config.json`; nil if it says nothing.
  public static func read(folder: String) throws(Failure) -> PicturePreparation? {
    let processor = folder + "/preprocessor_config.json"
    if FileSystem.exists(processor) {
      let json = try JSONValue(json5: try FileSystem.readText(processor), at: processor)
      return try PicturePreparation(processor: json, at: processor)
    }
    let configuration = folder + "/config.json"
    guard FileSystem.exists(configuration) else { return nil }
    let json = try JSONValue(json5: try FileSystem.readText(configuration), at: configuration)
    guard case .object(let members) = json, let inner = members["pretrained_cfg"] else {
      return nil
    }
    return try PicturePreparation(pretrained: inner, at: "\(configuration): pretrained_cfg")
  }

  /// An image processor of Hugging Face's transformers.
  public init(processor json: JSONValue, at place: String) throws(Failure) {
    self.init()
    let members = try PreparationMembers(json, at: place)
    scale = try members.flag("do_rescale") ? members.number("rescale_factor") ?? 1 / 255 : 1
    if try members.flag("do_normalize") {
      mean = try members.numbers("image_mean") ?? mean
      deviation = try members.numbers("image_std") ?? deviation
    } else {
      (mean, deviation) = ([0, 0, 0], [1, 1, 1])
    }
    filter = try members.filter("resample") ?? .bilinear
    let kinds = [
      try members.text("image_processor_type"), try members.text("feature_extractor_type"),
    ]
    guard !kinds.contains(where: { $0?.hasPrefix("DeiT") == true }) || !members.has("crop_size")
    else {
      throw members.failure(
        "DeiT cuts a part out of a stretched picture", expected: "another preparation",
        remedy: "give --preparation NAME")
    }
    let target = try members.size("size")
    let isCropped = try members.flag("do_center_crop", default: members.has("crop_size"))
    let crop = isCropped ? try members.size("crop_size") : nil
    if try !members.flag("do_resize") {
      guard let crop, case .exact(let rows, let columns) = crop else {
        throw members.failure("nothing tells the size", expected: "'crop_size' or 'do_resize'")
      }
      (fit, size, edge) = (.none, [rows, columns], 0)
      try validate(at: place)
      return
    }
    switch (target, crop) {
    case (.exact(let rows, let columns), nil): (fit, size, edge) = (.stretch, [rows, columns], 0)
    case (.edge(let short), .exact(let rows, let columns)):
      (fit, size, edge) = (.crop, [rows, columns], short)
    case (.edge(let short), nil):
      // ConvNeXt: small ones are cut out of a larger picture, large ones stretched.
      if let share = try members.number("crop_pct"), short < 384 {
        (fit, size, edge) = (.crop, [short, short], Int(Double(short) / share))
      } else if members.has("crop_pct") {
        (fit, size, edge) = (.stretch, [short, short], 0)
      } else {
        throw members.failure(
          "the shorter edge is told and nothing is cut out", expected: "'crop_size' too",
          remedy: "pictures must come out in one size; give --preparation NAME")
      }
    case (.exact(let rows, let columns), .exact(let cutRows, let cutColumns)):
      guard rows == cutRows, columns == cutColumns else {
        throw members.failure(
          "a part is cut out of a stretched picture", expected: "a 'shortest_edge'",
          remedy: "give --preparation NAME")
      }
      (fit, size, edge) = (.stretch, [rows, columns], 0)
    default:
      throw members.failure(
        "'size' and 'crop_size' do not fit together", expected: "a size or a shortest edge",
        remedy: "give --preparation NAME")
    }
    try validate(at: place)
  }

  /// A configuration of timm's weights.
  public init(pretrained json: JSONValue, at place: String) throws(Failure) {
    self.init()
    let members = try PreparationMembers(json, at: place)
    mean = try members.numbers("mean") ?? mean
    deviation = try members.numbers("std") ?? deviation
    filter = try members.filter("interpolation") ?? .bilinear
    let shape = try members.numbers("input_size") ?? [3, 224, 224]
    guard shape.count == 3, shape[0] == 3, shape.allSatisfy({ (1...8192).contains($0) }) else {
      throw members.failure("'input_size' is \(shape)", expected: "[3, rows, columns]")
    }
    size = [Int(shape[1]), Int(shape[2])]
    let share = try members.number("crop_pct") ?? 0.875
    guard share > 0.01, share <= 1 else {
      throw members.failure("'crop_pct' is \(share)", expected: "above 0, up to 1")
    }
    switch try members.text("crop_mode") ?? "center" {
    case "center":
      (fit, edge) = (.crop, Int(Double(min(size[0], size[1])) / share))
    case "squash" where share == 1: (fit, edge) = (.stretch, 0)
    case let mode:
      throw members.failure(
        "'crop_mode' is '\(mode)'", expected: "'center'", remedy: "give --preparation NAME")
    }
    try validate(at: place)
  }
}

/// The members of a file that another program wrote, of which only some are asked for.
private struct PreparationMembers {
  enum Size {
    case exact(Int, Int)
    case edge(Int)
  }

  private let members: [String: JSONValue]
  private let place: String

  init(_ json: JSONValue, at place: String) throws(Failure) {
    guard case .object(let members) = json else {
      throw Failure(.badData, at: place, "this is \(json.kind)", expected: "an object")
    }
    (self.members, self.place) = (members, place)
  }

  func failure(_ found: String, expected: String, remedy: String = "") -> Failure {
    Failure(.badData, at: place, found, expected: expected, remedy: remedy)
  }

  func has(_ key: String) -> Bool { (members[key] ?? .null) != .null }

  func flag(_ key: String, default fallback: Bool = true) throws(Failure) -> Bool {
    switch members[key] ?? .null {
    case .null: return fallback
    case .bool(let flag): return flag
    case let value: throw failure("'\(key)' is \(value)", expected: "true or false")
    }
  }

  func number(_ key: String) throws(Failure) -> Double? {
    switch members[key] ?? .null {
    case .null: return nil
    case .number(let number) where number.isFinite: return number
    case let value: throw failure("'\(key)' is \(value)", expected: "a number")
    }
  }

  func text(_ key: String) throws(Failure) -> String? {
    switch members[key] ?? .null {
    case .null: return nil
    case .string(let text): return text
    case let value: throw failure("'\(key)' is \(value)", expected: "a text")
    }
  }

  func numbers(_ key: String) throws(Failure) -> [Double]? {
    guard has(key), let value = members[key] else { return nil }
    guard case .array(let items) = value else {
      throw failure("'\(key)' is \(value)", expected: "a list of numbers")
    }
    var numbers: [Double] = []
    for item in items {
      guard case .number(let number) = item, number.isFinite else {
        throw failure("'\(key)' holds \(item)", expected: "numbers")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// A filter by Pillow's number or by its name.
  func filter(_ key: String) throws(Failure) -> ResizeFilter? {
    switch members[key] ?? .null {
    case .null: return nil
    case .number(let number):
      let order: [ResizeFilter] = [.nearest, .lanczos, .bilinear, .bicubic, .box, .hamming]
      if let index = Int(exactly: number), order.indices.contains(index) { return order[index] }
    case .string(let name):
      if let filter = ResizeFilter(rawValue: name) { return filter }
    default: break
    }
    throw failure(
      "'\(key)' is \(members[key] ?? .null)",
      expected: ResizeFilter.allCases.map(\.rawValue).joined(separator: ", "))
  }

  /// A size: one number, { shortest_edge } or { height, width }.
  func size(_ key: String) throws(Failure) -> Size? {
    func length(_ value: JSONValue?) throws(Failure) -> Int? {
      guard let value, value != .null else { return nil }
      guard case .number(let number) = value, let length = Int(exactly: number),
        (1...8192).contains(length)
      else { throw failure("'\(key)' is \(members[key] ?? .null)", expected: "1 to 8192") }
      return length
    }
    switch members[key] ?? .null {
    case .null: return nil
    case .number:
      let edge = try length(members[key]) ?? 0
      // Old files tell the edge of a square, and those that cut it out the shorter edge.
      let isEdge = key == "size" && has("crop_size")
      return isEdge ? .edge(edge) : .exact(edge, edge)
    case .object(let inner):
      if let rows = try length(inner["height"]), let columns = try length(inner["width"]) {
        return .exact(rows, columns)
      }
      if let edge = try length(inner["shortest_edge"]), inner["longest_edge"] ?? .null == .null {
        return .edge(edge)
      }
    default: break
    }
    throw failure(
      "'\(key)' is \(members[key] ?? .null)",
      expected: "a number, { height, width } or { shortest_edge }")
  }
}
