import Settings

/// What stands around a text's own tokens, and which offsets leave blanks out.
struct PostProcessor: Sendable {
  /// A place of the frame: the text, or a special token.
  enum Part: Equatable {
    case text
    case special(Int)
  }

  private(set) var frame: [Part] = [.text]
  /// Whether a token's first blank was put there; one entry for each step that trims offsets.
  private(set) var trims: [Bool] = []

  init() {}
  init(frame: [Part]) { self.frame = frame }
  init(frame: [Part], trimmingByteLevel addsPrefix: Bool) {
    (self.frame, trims) = (frame, [addsPrefix])
  }

  init(_ reader: ComponentReader) throws(Failure) {
    switch try reader.type {
    case "TemplateProcessing": frame = try PostProcessor.template(reader)
    case "BertProcessing", "RobertaProcessing":
      frame = [
        .special(try PostProcessor.pair(reader, "cls")), .text,
        .special(try PostProcessor.pair(reader, "sep")),
      ]
      if try reader.type == "RobertaProcessing" { try addTrim(reader) }
    case "ByteLevel": try addTrim(reader)
    case "Sequence":
      for component in try reader.components("processors") {
        let step = try PostProcessor(component)
        trims += step.trims
        guard step.frame != [.text] else { continue }
        guard frame == [.text] else {
          throw Failure(
            .badData, at: component.place, "a second step adds special tokens",
            expected: "at most one")
        }
        frame = step.frame
      }
    default:
      throw try reader.unknown(
        "post-processor",
        ["TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence"])
    }
  }

  private mutating func addTrim(_ reader: ComponentReader) throws(Failure) {
    guard try reader.flag("trim_offsets", default: true) else { return }
    trims.append(try reader.flag("add_prefix_space", default: true))
  }

  /// The id of ["token", id].
  private static func pair(_ reader: ComponentReader, _ key: String) throws(Failure) -> Int {
    guard let pair = reader.node[key]?.list, pair.count == 2, let id = pair[1].id else {
      throw Failure(
        .badData, at: "\(reader.place): \(key)", "this is no token with its id",
        expected: "[\"token\", id]")
    }
    return id
  }

  private static func template(_ reader: ComponentReader) throws(Failure) -> [Part] {
    var parts: [Part] = []
    for item in try reader.list("single") {
      if let sequence = item["Sequence"] {
        guard sequence["id"]?.string == "A" else {
          throw Failure(.badData, at: reader.place, "the template of a single text is not of A")
        }
        parts.append(.text)
        continue
      }
      guard let name = item["SpecialToken"]?["id"]?.scalars,
        let members = reader.node["special_tokens"]?.members,
        let ids = members.first(where: { $0.key.scalars == name })?.value["ids"]?.list
      else {
        throw Failure(
          .badData, at: reader.place, "a special token of the template is not described",
          expected: "its ids under special_tokens")
      }
      for id in ids {
        guard let id = id.id else {
          throw Failure(
            .badData, at: reader.place, "an id of a special token is no number that fits")
        }
        parts.append(.special(id))
      }
    }
    guard parts.count(where: { $0 == .text }) == 1 else {
      throw Failure(
        .badData, at: reader.place, "the template does not have the text once", expected: "A once")
    }
    return parts
  }

  /// How many special tokens a text gets.
  var specialCount: Int { frame.count - 1 }
}
