import Autodiff
import Data
import Models
import Settings

/// What a batch of one side is for its encoder.
package enum SideInput: Sendable {
  /// [items, width]
  case vectors(Tensor)
  /// - Parameter skipped: how many tokens of each are the prompt's and do not count.
  case tokens(TokenBatch, skipped: Int)
}

/// The encoder of one side of pairs: of vectors, or of texts.
public enum SideEncoder: Parameterized {
  case vectors(Encoder)
  /// With the prompt that the model has for a side, if it has one.
  case texts(TextModel, as: Side)

  /// The width of an embedding.
  public var embeddingSize: Int {
    switch self {
    case .vectors(let encoder): encoder.embeddingSize
    case .texts(let model, _): model.width
    }
  }

  /// What items the encoder takes.
  public var kind: SideItems.Kind {
    switch self {
    case .vectors(let encoder): .vectors(width: encoder.inputShape[0])
    case .texts: .texts
    }
  }

  /// Some items as the encoder takes them.
  func input(_ rows: [Int], of items: SideItems) throws(Failure) -> SideInput {
    switch (self, items.content) {
    case (.vectors, .vectors(let vectors)): return .vectors(vectors.rows(at: rows))
    case (.texts(let model, let side), .texts(let texts)):
      let prompt = try model.prompt(side.rawValue)
      return .tokens(
        TokenBatch(try model.tokens(rows.map { texts[$0] }, prompt: prompt).ids),
        skipped: try model.skipped(prompt))
    default:
      preconditionFailure("SideEncoder: \(items.kind) for an encoder of \(kind)")
    }
  }

  /// The embeddings of a batch, recorded for gradients.
  package func callAsFunction(_ input: SideInput, in pass: inout Pass) -> Tensor {
    switch (self, input) {
    case (.vectors(let encoder), .vectors(let vectors)): return encoder(vectors, in: &pass)
    case (.texts(let model, _), .tokens(let tokens, let skipped)):
      return model(tokens, skipped: skipped)
    default: preconditionFailure("SideEncoder: an input of the other kind")
    }
  }

  /// The embeddings of some items, [rows, embedding], computed in batches.
  ///
  /// - Throws: if an embedding is NaN or infinite.
  func embedded(_ rows: [Int], of items: SideItems) throws(Failure) -> Tensor {
    guard !rows.isEmpty else { return Tensor(zeros: [0, embeddingSize], dtype: .float32) }
    switch (self, items.content) {
    case (.vectors(let encoder), .vectors(let vectors)):
      guard !encoder.layers.isEmpty else { return vectors.rows(at: rows) }
      var parts: [Tensor] = []
      for start in stride(from: 0, to: rows.count, by: 1024) {
        let some = Array(rows[start..<min(rows.count, start + 1024)])
        parts.append(
          try encoder.checkedEmbeddings(
            vectors.rows(at: some), names: some.map { items.itemName($0) }))
      }
      return Tensor.concatenated(parts)
    case (.texts(let model, let side), .texts(let texts)):
      let found = try model.embed(
        rows.map { texts[$0] }, prompt: try model.prompt(side.rawValue)
      ).embeddings
      guard let (place, value) = found.firstNotFinite else { return found }
      throw Failure(
        .badData, at: items.itemName(rows[place / max(1, found.shape[1])]),
        "its embedding holds \(name(of: value))", expected: "finite numbers")
    default:
      preconditionFailure("SideEncoder: \(items.kind) for an encoder of \(kind)")
    }
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    switch self {
    case .vectors(var encoder):
      try encoder.updateParameters(body)
      self = .vectors(encoder)
    case .texts(var model, let side):
      try model.updateParameters(body)
      self = .texts(model, as: side)
    }
  }

  mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    guard case .vectors(var encoder) = self else { return }
    try encoder.updateStatistics(body)
    self = .vectors(encoder)
  }

  /// Moves running statistics towards what a pass observed.
  mutating func absorb(_ pass: Pass, isFrozen: (_ name: String) -> Bool) {
    guard case .vectors(var encoder) = self else { return }
    encoder.absorb(pass, isFrozen: isFrozen)
    self = .vectors(encoder)
  }
}
