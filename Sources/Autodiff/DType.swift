/// The element type of a tensor, chosen at run time.
public enum DType: String, Sendable, Codable, CaseIterable {
  case float32, float64

  /// Bytes of one element.
  public var size: Int { self == .float32 ? 4 : 8 }
}
