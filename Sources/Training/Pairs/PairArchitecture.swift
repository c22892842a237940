import Autodiff
import Data
import Models
import Settings

/// The side of a pair.
public enum Side: String, CaseIterable, Sendable {
  case query, document
}

/// What one side of pairs goes through: a model for vectors, or the folder of a text model.
public enum SideModel: Sendable {
  case vectors(Choice<any Architecture>)
  case folder(String)

  /// Reads `{ name: "adapter", … }` or `{ folder: "all-MiniLM-L6-v2" }`.
  init(_ reader: inout ObjectReader) throws(Failure) {
    guard let folder = try reader.text("folder") else {
      self = .vectors(try reader.chosen(of: "model", in: allArchitectures))
      return
    }
    try reader.finish()
    self = .folder(folder)
  }

  var json: JSONValue {
    switch self {
    case .vectors(let choice): choice.json
    case .folder(let path): ["folder": .string(path)]
    }
  }

  /// What messages call it.
  var name: String {
    switch self {
    case .vectors(let choice): choice.name
    case .folder(let path): path
    }
  }

  /// Makes the encoder of a side: with freshly drawn parameters, or with those of the folder.
  func makeEncoder(
    _ side: Side, of kind: SideItems.Kind, random: Random, at place: String
  ) throws(Failure) -> SideEncoder {
    switch (self, kind) {
    case (.vectors(let choice), .vectors(let width)):
      return .vectors(
        try choice.value.makeEncoder(inputShape: [width], random: random, at: place))
    case (.folder(let path), .texts):
      return .texts(try TextModel(folder: path), as: side)
    case (.vectors(let choice), .texts):
      throw Failure(
        .badData, at: place, "'\(choice.name)' takes vectors, and the data are texts",
        expected: "the folder of a text model, as in { folder: \"all-MiniLM-L6-v2\" }")
    case (.folder(let path), .vectors):
      throw Failure(
        .badData, at: place, "\(path) takes texts, and the data are vectors",
        expected: "a model of vectors, as in { name: \"adapter\" }")
    }
  }
}

/// What the two sides of pairs go through.
///
///     model: { query: { name: "adapter", rank: 16 }, document: { name: "adapter", rank: 16 } }
///     model: { query: { name: "adapter" } }      // documents stay as they are given
///     model: { name: "adapter" }                 // one encoder for both
///     model: { folder: "all-MiniLM-L6-v2" }      // the same, of texts
public enum PairArchitecture: Sendable {
  /// One encoder with one set of weights for both sides.
  case shared(SideModel)
  /// An encoder of its own for each side; nil for vectors as they are given.
  case own(query: SideModel?, document: SideModel?)

  init(_ reader: inout ObjectReader) throws(Failure) {
    if reader.has("name") || reader.has("folder") {
      self = .shared(try SideModel(&reader))
      return
    }
    var sides: [SideModel?] = []
    for side in Side.allCases {
      var inner = try reader.object(side.rawValue)
      sides.append(try inner.takeModel())
    }
    try reader.finish()
    guard sides.contains(where: { $0 != nil }) else {
      throw Failure(
        .badData, at: reader.place, "there is nothing to train",
        expected:
          "query: { name: \"adapter\" }, document: …, both, or name: … for one encoder of both")
    }
    self = .own(query: sides[0], document: sides[1])
  }

  var json: JSONValue {
    switch self {
    case .shared(let model): model.json
    case .own(let query, let document):
      .object(
        [("query", query), ("document", document)].reduce(into: [:]) { members, side in
          if let model = side.1 { members[side.0] = model.json }
        })
    }
  }

  /// What messages call it.
  var name: String {
    switch self {
    case .shared(let model): model.name
    case .own(let query, let document):
      [query.map { "\($0.name) of queries" }, document.map { "\($0.name) of documents" }]
        .compactMap(\.self).joined(separator: ", ")
    }
  }

  /// Makes the encoders as they are before the first step.
  ///
  /// - Throws: if the sides would be embedded in vectors of different widths.
  func makeEncoders(
    of query: SideItems.Kind, and document: SideItems.Kind, random: Random, at place: String
  ) throws(Failure) -> PairEncoders {
    let encoders: PairEncoders
    switch self {
    case .shared(let model):
      if case (.vectors(let asked), .vectors(let searched)) = (query, document), asked != searched {
        throw Failure(
          .badData, at: place, "queries have \(asked) numbers and documents \(searched)",
          expected: "one width, as one encoder is for both",
          remedy: "give each side a model of its own: model: { query: …, document: … }")
      }
      encoders = .shared(
        try model.makeEncoder(.query, of: query, random: random, at: place))
    case .own(let ownQuery, let ownDocument):
      func encoder(
        _ model: SideModel?, _ side: Side, _ kind: SideItems.Kind, _ random: Random
      ) throws(Failure) -> SideEncoder {
        if let model {
          return try model.makeEncoder(
            side, of: kind, random: random, at: "\(place): \(side.rawValue)")
        }
        guard case .vectors(let width) = kind else {
          throw Failure(
            .badData, at: place, "there is none of \(side.rawValue), whose items are texts",
            expected: "\(side.rawValue): { folder: … }, or a folder for both sides")
        }
        return .vectors(Encoder(inputShape: [width], embeddingSize: width, layers: []))
      }
      encoders = .own(
        query: try encoder(ownQuery, .query, query, random.split("query")),
        document: try encoder(ownDocument, .document, document, random.split("document")))
    }
    let (asked, searched) = (encoders[.query].embeddingSize, encoders[.document].embeddingSize)
    guard asked == searched else {
      throw Failure(
        .badData, at: place,
        "embeddings of queries have \(asked) numbers and those of documents \(searched)",
        expected: "one width",
        remedy: "give both sides models of one width, as { name: \"linear\", embedding: "
          + "\(min(asked, searched)) } is of any vectors")
    }
    return encoders
  }
}

extension ObjectReader? {
  /// The model that the object spells, if there is one.
  fileprivate mutating func takeModel() throws(Failure) -> SideModel? {
    guard var reader = self else { return nil }
    return try SideModel(&reader)
  }
}
