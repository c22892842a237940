/// A configurable value that says what it is: what lists and documentation are made from.
public protocol Described: Configurable {
  /// What it is or does, in a sentence without a full stop.
  static var summary: String { get }
  /// Where it comes from: authors, title and year; empty for what has no source.
  static var source: String { get }
}

extension Described {
  public static var source: String { "" }
}
