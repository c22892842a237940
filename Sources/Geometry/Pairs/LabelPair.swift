/// Two labels, which are any whole numbers: other than the rows of a ``Pair`` they have no few bits.
public struct LabelPair: Sendable, Hashable {
  public let first, second: Int

  public init(_ first: Int, _ second: Int) { (self.first, self.second) = (first, second) }
}
