import Autodiff
import Models

/// The encoders of queries and documents.
public enum PairEncoders: Parameterized {
  case shared(SideEncoder)
  case own(query: SideEncoder, document: SideEncoder)

  /// The encoder of a side.
  public subscript(side: Side) -> SideEncoder {
    switch self {
    case .shared(.texts(let model, _)): .texts(model, as: side)
    case .shared(let encoder): encoder
    case .own(let query, let document): side == .query ? query : document
    }
  }

  /// The width of an embedding.
  public var embeddingSize: Int { self[.query].embeddingSize }

  /// Calls a function with each encoder and the beginning of its parameters' names.
  mutating func update(
    _ body: (_ prefix: String, _ encoder: inout SideEncoder) throws -> Void
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
