import Autodiff
import Data
import Models
import Settings

/// The side of a pair.
public enum Side: String, CaseIterable, Sendable {
  case query, document
}

/// What the two sides of pairs go through.
///
///     model: { query: { name: "adapter", rank: 16 }, document: { name: "adapter", rank: 16 } }
///     model: { query: { name: "adapter" } }      // documents stay as they are given
///     model: { name: "adapter" }                 // one encoder for both
public enum PairArchitecture: Sendable {
  /// One encoder with one set of weights for both sides.
  case shared(Choice<any Architecture>)
  /// An encoder of its own for each side; nil for vectors as they are given.
  case own(query: Choice<any Architecture>?, document: Choice<any Architecture>?)

  init(_ reader: inout ObjectReader) throws(Failure) {
    if reader.has("name") {
      self = .shared(try reader.chosen(of: "model", in: allArchitectures))
      return
    }
    let query = try reader.choice("query", of: "model", in: allArchitectures)
    let document = try reader.choice("document", of: "model", in: allArchitectures)
    try reader.finish()
    guard query != nil || document != nil else {
      throw Failure(
        .badData, at: reader.place, "there is nothing to train",
        expected:
          "query: { name: \"adapter\" }, document: …, both, or name: … for one encoder of both")
    }
    self = .own(query: query, document: document)
  }

  var json: JSONValue {
    switch self {
    case .shared(let choice): choice.json
    case .own(let query, let document):
      .object(
        [("query", query), ("document", document)].reduce(into: [:]) { members, side in
          if let choice = side.1 { members[side.0] = choice.json }
        })
    }
  }

  /// What messages call it.
  var name: String {
    switch self {
    case .shared(let choice): choice.name
    case .own(let query, let document):
      [query.map { "\($0.name) of queries" }, document.map { "\($0.name) of documents" }]
        .compactMap(\.self).joined(separator: ", ")
    }
  }

  /// Makes the encoders with freshly drawn parameters.
  ///
  /// - Throws: if the sides would be embedded in vectors of different widths.
  func makeEncoders(
    queryWidth: Int, documentWidth: Int, random: Random, at place: String
  ) throws(Failure) -> PairEncoders {
    let encoders: PairEncoders
    switch self {
    case .shared(let choice):
      guard queryWidth == documentWidth else {
        throw Failure(
          .badData, at: place,
          "queries have \(queryWidth) numbers and documents \(documentWidth)",
          expected: "one width, as one encoder is for both",
          remedy: "give each side a model of its own: model: { query: …, document: … }")
      }
      encoders = .shared(
        try choice.value.makeEncoder(inputShape: [queryWidth], random: random, at: place))
    case .own(let query, let document):
      func encoder(
        _ choice: Choice<any Architecture>?, _ side: Side, _ width: Int, _ random: Random
      ) throws(Failure) -> Encoder {
        guard let choice else {
          return Encoder(inputShape: [width], embeddingSize: width, layers: [])
        }
        return try choice.value.makeEncoder(
          inputShape: [width], random: random, at: "\(place): \(side.rawValue)")
      }
      encoders = .own(
        query: try encoder(query, .query, queryWidth, random.split("query")),
        document: try encoder(document, .document, documentWidth, random.split("document")))
    }
    let (asked, searched) = (encoders[.query].embeddingSize, encoders[.document].embeddingSize)
    guard asked == searched else {
      throw Failure(
        .badData, at: place,
        "embeddings of queries have \(asked) numbers and those of documents \(searched)",
        expected: "one width",
        remedy: queryWidth == documentWidth
          ? "set the same embedding in both"
          : "the vectors have \(queryWidth) and \(documentWidth): bring both to one width, as "
            + "{ name: \"linear\", embedding: \(min(queryWidth, documentWidth)) } does")
    }
    return encoders
  }
}

/// The encoders of queries and documents.
public enum PairEncoders: Parameterized {
  case shared(Encoder)
  case own(query: Encoder, document: Encoder)

  /// The encoder of a side.
  public subscript(side: Side) -> Encoder {
    switch self {
    case .shared(let encoder): encoder
    case .own(let query, let document): side == .query ? query : document
    }
  }

  /// The width of an embedding.
  public var embeddingSize: Int { self[.query].embeddingSize }

  private mutating func update(
    _ body: (_ prefix: String, _ encoder: inout Encoder) throws -> Void
  ) rethrows {
    switch self {
    case .shared(var encoder):
      try body("encoder.", &encoder)
      self = .shared(encoder)
    case .own(var query, var document):
      try body("query.", &query)
      try body("document.", &document)
      self = .own(query: query, document: document)
    }
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update { prefix, encoder in
      try encoder.updateParameters { try body(prefix + $0, &$1) }
    }
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update { prefix, encoder in
      try encoder.updateStatistics { try body(prefix + $0, &$1) }
    }
  }

  /// Takes what layers observed of each side, as ``Layer/absorb(_:momentum:isFrozen:)`` does.
  mutating func absorb(_ passes: [Side: Pass], isFrozen: (_ name: String) -> Bool) {
    for side in Side.allCases {
      guard let pass = passes[side] else { continue }
      update { prefix, encoder in
        guard prefix == "encoder." || prefix == side.rawValue + "." else { return }
        encoder.absorb(pass, isFrozen: { isFrozen(prefix + $0) })
      }
    }
  }
}
