/// A value under the name that recipes and the command line use.
public struct Named<Value: Sendable>: Sendable, CustomStringConvertible {
  public let name: String
  public var value: Value

  public init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }

  public var description: String { name }
}

extension Sequence {
  /// Finds what is registered under a name, or fails with the nearest name there is.
  ///
  /// - Parameters:
  ///   - kind: what the values are, as in "loss".
  ///   - place: where the name was written, for the message.
  ///   - mistake: what a wrong name is: bad data in a recipe, bad usage on the command line.
  public func named<Value>(
    _ name: String, kind: String, at place: String, mistake: Failure.Kind = .badData
  ) throws(Failure) -> Value where Element == Named<Value> {
    for entry in self where entry.name == name { return entry.value }
    throw Failure(
      mistake, at: place, "there is no \(kind) '\(name)'",
      remedy: suggestion(for: name, among: map(\.name)))
  }
}
