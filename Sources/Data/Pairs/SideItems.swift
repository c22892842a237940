import Autodiff

/// The items of one side of pairs: queries, or documents.
public struct SideItems: Sendable {
  public enum Content: Sendable {
    /// [items, width], float32.
    case vectors(Tensor)
    case texts([String])
  }

  /// What an item is.
  public enum Kind: Sendable, Equatable {
    case vectors(width: Int)
    case texts
  }

  /// What messages call them: a file, or what they are.
  public let name: String
  public let content: Content

  public init(name: String, vectors: Tensor) { (self.name, content) = (name, .vectors(vectors)) }

  public init(name: String, texts: [String]) { (self.name, content) = (name, .texts(texts)) }

  public var count: Int {
    switch content {
    case .vectors(let vectors): vectors.shape[0]
    case .texts(let texts): texts.count
    }
  }

  public var kind: Kind {
    switch content {
    case .vectors(let vectors): .vectors(width: vectors.shape[1])
    case .texts: .texts
    }
  }

  /// The vectors; nil for texts.
  public var vectors: Tensor? {
    if case .vectors(let vectors) = content { vectors } else { nil }
  }

  /// What an item is called: its row in the file.
  public func itemName(_ row: Int) -> String { "\(name)#\(row)" }

  /// Gives a hash all that tells these items from others.
  func addWords(to hash: (UInt64) -> Void) {
    switch content {
    case .vectors(let vectors):
      hash(UInt64(vectors.shape[1]))
      vectors.withElements(of: Float.self) { for value in $0 { hash(UInt64(value.bitPattern)) } }
    case .texts(let texts):
      for text in texts {
        hash(UInt64(text.utf8.count))
        for byte in text.utf8 { hash(UInt64(byte)) }
      }
    }
  }
}
